"""HTTP over real sockets: what goes out, what comes back, and how it can fail."""

from __future__ import annotations

import gzip
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli import __version__
from hiveloom_cli.errors import StreamCutShort, UpstreamRefused, UpstreamUnreachable
from hiveloom_cli.protocols.request import KeyHeader, WireRequest
from hiveloom_cli.secret import Secret
from hiveloom_cli.upstream.limits import Timeouts
from hiveloom_cli.upstream.transport import RequestsTransport
from tests.support.patience import PATIENCE_S
from tests.support.upstream import Ending, Reply, ScriptedUpstream, json_reply, stream_reply

if TYPE_CHECKING:
    from pathlib import Path

_ROUTED = (
    b'{"error":{"message":"Provider returned error","metadata":{"provider_name":"Acme",'
    b'"raw":"{\\"error\\":{\\"message\\":\\"the real one\\"}}"}}}'
)
KEY = "sk-a-made-up-key-0123456789"


def build_request(upstream: ScriptedUpstream, path: str = "/v1/chat/completions") -> WireRequest:
    return WireRequest(
        url=f"{upstream.origin}{path}",
        headers={"Content-Type": "application/json"},
        key_headers=(KeyHeader("Authorization", "Bearer "), KeyHeader("x-api-key")),
        body={"text": "Zürich"},
    )


def send(upstream: ScriptedUpstream, timeouts: Timeouts | None = None) -> bytes:
    with RequestsTransport({}, timeouts).open_reply(build_request(upstream), Secret(KEY)) as reply:
        return b"".join(reply)


def test_a_request_carries_its_body_its_key_and_our_name(upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(b"{}"))
    assert send(upstream) == b"{}"
    request = upstream.requests[0]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.body == '{"text":"Zürich"}'.encode()
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-api-key"] == KEY
    assert request.headers["user-agent"] == f"hiveloom-cli/{__version__}"


@pytest.mark.parametrize("ending", [Ending.CHUNKED, Ending.CLOSE])
def test_bytes_are_handed_on_as_they_arrive(upstream: ScriptedUpstream, ending: Ending) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([b"data: 1\n\n", gate, b"data: 2\n\n"], ending=ending))
    transport = RequestsTransport({})
    with transport.open_reply(build_request(upstream), Secret(KEY)) as reply:
        assert next(reply) == b"data: 1\n\n"
        gate.set()
        assert b"".join(reply) == b"data: 2\n\n"


def test_compressed_replies_are_read(upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(gzip.compress(b"{}" * 1000), headers=[("Content-Encoding", "gzip")]))
    assert send(upstream) == b"{}" * 1000


@pytest.mark.parametrize("ending", [Ending.CUT, Ending.SHORT, Ending.RESET])
def test_a_broken_connection_is_told_after_what_came(
    upstream: ScriptedUpstream, ending: Ending
) -> None:
    upstream.add(Reply([b"data: half", 0.2], ending=ending))
    transport = RequestsTransport({})
    with transport.open_reply(build_request(upstream), Secret(KEY)) as reply:
        assert next(reply) == b"data: half"
        with pytest.raises(StreamCutShort):
            next(reply)


def test_a_stall_is_told(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply([b"data: 1\n\n", 20.0]))
    with pytest.raises(StreamCutShort, match="stopped sending"):
        send(upstream, Timeouts(read_s=0.2))


def test_leaving_closes_the_connection_at_once(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply([b"data: 1\n\n", 20.0]))
    with RequestsTransport({}).open_reply(build_request(upstream), Secret(KEY)) as reply:
        next(reply)
    assert upstream.hung_up.wait(PATIENCE_S)


def test_a_redirect_is_not_followed(upstream: ScriptedUpstream) -> None:
    with ScriptedUpstream() as elsewhere:
        target = f"{elsewhere.origin}/v1/chat/completions?token=1"
        upstream.add(Reply([b""], status=307, headers=(("Location", target),)))
        with pytest.raises(UpstreamRefused) as caught:
            send(upstream)
        assert elsewhere.requests == []
    assert caught.value.status == 307
    assert elsewhere.origin in caught.value.message


def test_netrc_never_replaces_the_key(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    upstream.add(json_reply(b"{}"))
    send(upstream)
    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_loopback_is_never_asked_through_a_proxy(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    upstream.add(json_reply(b"{}"))
    assert send(upstream) == b"{}"


def test_a_proxy_of_the_environment_is_used(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", upstream.origin)
    upstream.add(json_reply(b"{}"))
    request = WireRequest("http://llm.example.org/v1", {}, (), {"a": 1})
    with RequestsTransport({}).open_reply(request, Secret(KEY)) as reply:
        assert b"".join(reply) == b"{}"
    assert upstream.requests[0].path == "http://llm.example.org/v1"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, b'{"error":{"message":"Wrong key"}}', "401 Unauthorized: Wrong key"),
        (400, b'{"error":"Bad"}', "400 Bad Request: Bad"),
        (404, b'{"detail":"Not Found"}', "404 Not Found: Not Found"),
        (
            422,
            b'{"detail":[{"loc":["body","n"],"msg":"too big"},{"loc":["body","m"],"msg":"no"}]}',
            "body.n: too big; body.m: no",
        ),
        (
            400,
            _ROUTED,
            "Provider returned error (Acme: the real one)",
        ),
        (400, b'{"message":"flat","type":"x","code":"y"}', "400 Bad Request: flat"),
        (
            422,
            b'{"object":"error","message":{"detail":[{"loc":["a"],"msg":"Extra"}]}}',
            "a: Extra",
        ),
        (500, b"Internal Server Error", "500 Internal Server Error: Internal Server Error"),
        (502, b"<html><head><title>Bad gateway</title></head></html>", "a web page, “Bad gateway”"),
        (413, b"", "it gave no reason"),
        (529, b'{"type":"error","error":{"type":"overloaded_error"}}', "529: overloaded_error"),
        (400, b"[" * 100_000, "400 Bad Request: [["),
    ],
)
def test_an_error_of_any_shape_can_be_read(
    upstream: ScriptedUpstream, status: int, body: bytes, message: str
) -> None:
    upstream.add(json_reply(body, status=status))
    with pytest.raises(UpstreamRefused) as caught:
        send(upstream)
    assert message in caught.value.message
    assert caught.value.status == status


def test_an_echoed_key_is_masked(upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(f'{{"error":"no such key: {KEY}, {KEY[:12]}…"}}'.encode(), status=401))
    with pytest.raises(UpstreamRefused) as caught:
        send(upstream)
    assert caught.value.message.endswith("no such key: [key], [key]…")
    assert KEY[:8] not in f"{caught.value!r}{caught.value.detail}"


def test_nothing_listening_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    request = WireRequest(f"http://127.0.0.1:{port}/v1", {}, (), {})
    with (
        pytest.raises(UpstreamUnreachable, match="Connection refused") as caught,
        RequestsTransport({}).open_reply(request, Secret(KEY)),
    ):
        pass
    assert f"http://127.0.0.1:{port}" in caught.value.message


def test_an_unknown_host_is_told() -> None:
    request = WireRequest("http://nowhere.invalid/v1", {}, (), {})
    with (
        pytest.raises(UpstreamUnreachable, match="Name or service not known"),
        RequestsTransport({}).open_reply(request, Secret(KEY)),
    ):
        pass


def test_a_server_that_speaks_no_tls_is_told(upstream: ScriptedUpstream) -> None:
    request = WireRequest(upstream.origin.replace("http:", "https:"), {}, (), {})
    with (
        pytest.raises(UpstreamUnreachable, match="TLS failed"),
        RequestsTransport({}).open_reply(request, Secret(KEY)),
    ):
        pass


def test_a_silent_server_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        request = WireRequest(f"http://127.0.0.1:{server.getsockname()[1]}/v1", {}, (), {})
        transport = RequestsTransport({}, Timeouts(first_byte_s=0.2))
        with (
            pytest.raises(UpstreamUnreachable, match=r"no answer within 0\.2 s"),
            transport.open_reply(request, Secret(KEY)),
        ):
            pass
