"""Requests of tools, over real sockets: where they may go, and what comes back."""

from __future__ import annotations

import gzip
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.errors import (
    AddressRefused,
    AnswerTimedOut,
    CredentialError,
    HostUnknown,
    Interrupted,
    ReplyNotUnderstood,
    StreamCutShort,
    TlsFailed,
    UpstreamError,
    UpstreamUnreachable,
)
from hiveloom_cli.protocols.request import KeyHeader
from hiveloom_cli.protocols.web import WebReply, WebRequest
from hiveloom_cli.secret import Secret
from hiveloom_cli.stop import Stop
from hiveloom_cli.upstream.binding import Address
from hiveloom_cli.upstream.web import RequestsWeb, check_bound
from tests.support.patience import PATIENCE_S
from tests.support.resolving import Connections, Names
from tests.support.tls import Authority
from tests.support.upstream import Ending, Reply, ScriptedUpstream, json_reply

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-a-made-up-key-0123456789"
PUBLIC = "93.184.215.14"
OTHER_PUBLIC = "2606:4700::1111"


def build_request(url: str, *, allows_private: bool = True, **changes: Any) -> WebRequest:
    fields: dict[str, Any] = {
        "method": "GET",
        "headers": {},
        "body": None,
        "key_header": None,
        "timeout_s": 20.0,
        "most_bytes": 100_000,
    }
    return WebRequest(url=url, allows_private=allows_private, **{**fields, **changes})


def ask(url: str, key: Secret | None = None, **changes: Any) -> WebReply:
    return RequestsWeb({}).send(build_request(url, **changes), key, Stop())


def test_a_request_goes_out_as_it_is_and_its_reply_comes_back(upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(b'{"a":1}', status=404))
    reply = ask(
        f"{upstream.origin}/a%2Fb?c=%26",
        Secret(KEY),
        method="PUT",
        headers={"X-Kind": "test"},
        body=b"{}",
        key_header=KeyHeader("X-API-Key"),
    )
    assert reply == WebReply(404, "application/json", b'{"a":1}', is_cut=False)
    request = upstream.requests[0]
    assert (request.method, request.path, request.body) == ("PUT", "/a%2Fb?c=%26", b"{}")
    assert request.headers["x-kind"] == "test"
    assert request.headers["x-api-key"] == KEY


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "127.000.000.001", "2130706433", "0x7f000001", "0x7f.1"),
        *("017700000001", "0177.0.0.01", "0", "0.0.0.0", "localhost", "LocalHost", "localhost."),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),
        *("[0:0:0:0:0:ffff:7f00:0001]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        *("[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]"),
        *("169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]"),
        *("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "192.168.257"),
        *("user@127.0.0.1", "example.com@127.0.0.1", "example.com:80@127.0.0.1"),
        *("127.0.0.1\\@example.com", "intern.example", "mixed.example", "zoned.example"),
    ],
)
def test_no_spelling_of_an_address_that_is_not_public_is_connected_to(
    scheme: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(
        monkeypatch,
        intern_example=[["10.0.0.1"]],
        mixed_example=[[PUBLIC, "127.0.0.1"]],
        zoned_example=[["fe80::1%lo"]],
    )
    connections = Connections(monkeypatch)
    with pytest.raises(AddressRefused, match="is not a public address") as caught:
        ask(f"{scheme}://{host}/", allows_private=False)
    assert connections.addresses == []
    assert "allow_private: true" in caught.value.hint


@pytest.mark.parametrize(
    "host", ["①②⑦.⓪.⓪.①", "localhost%00.example.com", "127。0。0。1", "[fe80::1%25lo]", "a..b"]
)
def test_what_is_hardly_a_host_leads_nowhere(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch)
    connections = Connections(monkeypatch)
    with pytest.raises(UpstreamError):
        ask(f"http://{host}/", allows_private=False)
    assert connections.addresses == []


def test_only_what_was_checked_is_connected_to(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server may say something else the next time."""
    names = Names(monkeypatch, rebound_example=[[PUBLIC, OTHER_PUBLIC], ["127.0.0.1"]])
    connections = Connections(monkeypatch)
    with pytest.raises(UpstreamUnreachable):
        ask(f"http://rebound.example:{upstream.server_port}/", allows_private=False)
    assert names.asked == ["rebound.example"]
    assert connections.addresses == [PUBLIC, OTHER_PUBLIC]
    with pytest.raises(AddressRefused):
        ask(f"http://rebound.example:{upstream.server_port}/", allows_private=False)
    assert connections.addresses == [PUBLIC, OTHER_PUBLIC]


def test_a_dead_address_leaves_the_others(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, two_example=[["::1", "127.0.0.1"]])
    upstream.add(json_reply(b"{}"))
    assert ask(f"http://two.example:{upstream.server_port}/").body == b"{}"


def test_a_family_that_this_machine_does_not_speak_leaves_the_others(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, two_example=[["2606:4700::1111", "127.0.0.1"]])
    build = socket.socket.__init__

    def build_other(self: socket.socket, family: int = -1, *args: Any, **options: Any) -> None:
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        build(self, family, *args, **options)

    monkeypatch.setattr(socket.socket, "__init__", build_other)
    upstream.add(json_reply(b"{}"))
    assert ask(f"http://two.example:{upstream.server_port}/").body == b"{}"


def test_tls_verifies_the_name(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    authority.serve(upstream, "api.example")
    Names(monkeypatch, api_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    web = RequestsWeb({"SSL_CERT_FILE": str(authority.root)})
    upstream.add(json_reply(b"{}"))
    there = build_request(f"https://api.example:{upstream.server_port}/")
    assert web.send(there, None, Stop()).body == b"{}"
    elsewhere = build_request(f"https://other.example:{upstream.server_port}/")
    with pytest.raises(TlsFailed, match=r"other\.example"):
        web.send(elsewhere, None, Stop())


def test_a_name_that_nobody_knows_is_told() -> None:
    with pytest.raises(HostUnknown, match=r"nowhere\.invalid"):
        ask("http://nowhere.invalid/")


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "https://example.com/"])
def test_a_redirect_is_not_followed(
    upstream: ScriptedUpstream, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.add(Reply([b"gone"], status=302, headers=(("Location", target),)))
    names = Names(monkeypatch)
    reply = ask(f"{upstream.origin}/", Secret(KEY), key_header=KeyHeader("X-API-Key"))
    assert (reply.status, reply.location, reply.body) == (302, target, b"gone")
    assert names.asked == ["127.0.0.1"]


def test_no_cookie_is_kept_and_no_netrc_is_read(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    upstream.add(json_reply(b"{}", headers=[("Set-Cookie", "a=b")]), json_reply(b"{}"))
    web = RequestsWeb({})
    for _ in range(2):
        web.send(build_request(f"{upstream.origin}/"), None, Stop())
    for request in upstream.requests:
        assert not {"cookie", "authorization"} & request.headers.keys()


@pytest.mark.parametrize("size", [999, 1000, 1001, 50_000])
def test_no_more_of_a_body_is_read_than_allowed(upstream: ScriptedUpstream, size: int) -> None:
    upstream.add(json_reply(b"x" * size))
    reply = ask(f"{upstream.origin}/", most_bytes=1000)
    assert reply.body == b"x" * min(size, 1000)
    assert reply.is_cut == (size > 1000)


def test_a_compressed_body_is_cut_as_it_unfolds(upstream: ScriptedUpstream) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    upstream.add(json_reply(bomb, headers=[("Content-Encoding", "gzip")]))
    reply = ask(f"{upstream.origin}/")
    assert (len(reply.body), reply.is_cut) == (100_000, True)


def test_an_endless_body_is_left(upstream: ScriptedUpstream) -> None:
    upstream.add(Reply([b"x" * 200_000, 20.0], ending=Ending.CHUNKED))
    assert ask(f"{upstream.origin}/").is_cut
    assert upstream.hung_up.wait(PATIENCE_S)


def test_a_body_that_cannot_be_unfolded_is_told(upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(b"no gzip at all", headers=[("Content-Encoding", "gzip")]))
    with pytest.raises(ReplyNotUnderstood, match="compressed"):
        ask(f"{upstream.origin}/")


@pytest.mark.parametrize("ending", [Ending.CUT, Ending.SHORT, Ending.RESET])
def test_a_broken_connection_is_told(upstream: ScriptedUpstream, ending: Ending) -> None:
    upstream.add(Reply([b"half"], ending=ending))
    with pytest.raises((StreamCutShort, UpstreamUnreachable), match=r"broke|reset"):
        ask(f"{upstream.origin}/")


@pytest.mark.parametrize("has_head", [True, False])
def test_the_time_limit_is_for_all_of_it(upstream: ScriptedUpstream, *, has_head: bool) -> None:
    """Each byte comes long before a limit for single bytes would be over."""
    upstream.add(Reply([b"x", 0.05] * 1000, ending=Ending.CHUNKED, has_head=has_head))
    with pytest.raises(AnswerTimedOut, match=r"no complete reply within 0\.3 s"):
        ask(f"{upstream.origin}/", timeout_s=0.3)
    assert upstream.hung_up.wait(PATIENCE_S)


def test_a_silent_name_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def resolve(*_: Any, **__: Any) -> Any:
        gate.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(AnswerTimedOut):
        ask("http://slow.example/", timeout_s=0.1)
    gate.set()


@pytest.mark.parametrize("pieces", [[], [b"half"]], ids=["before the reply", "in its middle"])
def test_a_stop_closes_the_connection_at_once(
    upstream: ScriptedUpstream, pieces: list[bytes]
) -> None:
    upstream.add(Reply([*pieces, 30.0], ending=Ending.CHUNKED, has_head=bool(pieces)))
    stop = Stop()
    caught: list[BaseException] = []

    def send() -> None:
        try:
            RequestsWeb({}).send(build_request(f"{upstream.origin}/"), None, stop)
        except Interrupted as error:
            caught.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    upstream.wait_for_requests()
    stop.set()
    thread.join(PATIENCE_S)
    assert len(caught) == 1
    assert upstream.hung_up.wait(PATIENCE_S)


def test_a_stop_closes_an_encrypted_connection(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.serve(upstream)
    upstream.add(Reply([b"half", 30.0], ending=Ending.CHUNKED))
    stop = Stop()
    web = RequestsWeb({"SSL_CERT_FILE": str(authority.root)})
    request = build_request(f"https://127.0.0.1:{upstream.server_port}/")

    def stop_it() -> None:
        upstream.wait_for_requests()
        stop.set()

    threading.Thread(target=stop_it).start()
    with pytest.raises(Interrupted):
        web.send(request, None, stop)
    assert upstream.hung_up.wait(PATIENCE_S)


def test_nothing_is_sent_after_a_stop(upstream: ScriptedUpstream) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(Interrupted):
        RequestsWeb({}).send(build_request(f"{upstream.origin}/"), None, stop)
    assert upstream.requests == []


def test_a_proxy_is_asked_for_public_names_only(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", upstream.origin)
    names = {"api_example": [[PUBLIC]], "intern_example": [["10.0.0.1"]]}
    Names(monkeypatch, **names)
    upstream.add(json_reply(b"{}"))
    assert ask("http://api.example/a", allows_private=False).body == b"{}"
    with pytest.raises(AddressRefused):
        ask("http://intern.example/b", allows_private=False)
    assert [request.path for request in upstream.requests] == ["http://api.example/a"]


@pytest.mark.parametrize("host", ["127.0.0.1", "own.example"])
def test_this_machine_is_never_asked_through_a_proxy(
    upstream: ScriptedUpstream, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Names(monkeypatch, own_example=[["127.0.0.1"]])
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    upstream.add(json_reply(b"{}"))
    assert ask(f"http://{host}:{upstream.server_port}/").body == b"{}"


def test_a_key_is_hidden_in_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch)
    with pytest.raises(AddressRefused) as caught:
        ask("http://127.0.0.1/", Secret("127.0.0.1"), allows_private=False)
    assert caught.value.message == "[key] is not a public address"


BOUND = [
    ("weather", Address("https://api.weather.example/v1"), "https://api.weather.example"),
    ("weather", Address("https://api.weather.example:8443"), "https://api.weather.example:8443"),
    ("openai", Address(), "https://api.openai.com"),
    ("groq", Address(), "https://api.groq.com"),
    ("openai", Address("https://llm.example.org/v1"), "https://llm.example.org"),
]


@pytest.mark.parametrize(("name", "binding", "origin"), BOUND)
def test_a_key_may_go_where_it_belongs(
    name: str, binding: Address, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIVELOOM_OPENAI_BASE_URL", "https://moved.example/v1")
    check_bound(name, origin, binding)
    for other in ("https://moved.example", origin.replace("https:", "http:"), f"{origin}.evil"):
        with pytest.raises(CredentialError, match=f"not sent to {other}") as caught:
            check_bound(name, other, binding)
        assert f"hiveloom credential set --name NAME --base-url {other}" in caught.value.hint


@pytest.mark.parametrize("binding", [Address(), Address(protocol="openai")])
def test_a_key_that_is_bound_to_nothing_goes_nowhere(binding: Address) -> None:
    with pytest.raises(CredentialError, match="bound to no address") as caught:
        check_bound("work", "https://api.example", binding)
    assert caught.value.hint == (
        "hiveloom credential set --name work --base-url https://api.example"
    )
