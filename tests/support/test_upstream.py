"""The scripted upstream does on the wire what its script says."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.upstream import (
    Ending,
    Reply,
    ScriptedUpstream,
    anthropic_reply,
    anthropic_stream,
    json_reply,
    openai_reply,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from tests.support.upstream import RecordedRequest

PIECES = [b"data: 1\n\n", b"data: 2\n\n"]
WHOLE = b"".join(PIECES)


def ask(upstream: ScriptedUpstream, path: str = "/v1/chat/completions") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", upstream.server_port, timeout=10)
    try:
        connection.request("POST", path, b'{"a": 1}', {"X-Key": "k"})
        return connection.getresponse().read()
    finally:
        connection.close()


@pytest.mark.parametrize("ending", [Ending.LENGTH, Ending.CHUNKED, Ending.CLOSE])
def test_a_whole_body_arrives_whole(upstream: ScriptedUpstream, ending: Ending) -> None:
    upstream.add(stream_reply(PIECES, ending=ending))
    assert ask(upstream) == WHOLE


@pytest.mark.parametrize("ending", [Ending.CUT, Ending.SHORT])
def test_a_body_that_breaks_off_is_seen_to(upstream: ScriptedUpstream, ending: Ending) -> None:
    upstream.add(stream_reply(PIECES, ending=ending))
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(upstream)
    assert caught.value.partial == WHOLE


def test_a_reset_is_a_reset(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply([*PIECES, 0.1], ending=Ending.RESET))
    with pytest.raises(ConnectionResetError):
        ask(upstream)


def test_replies_come_in_order_and_requests_are_recorded(upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(b"one", status=529), json_reply(b"two"))
    assert [ask(upstream, "/a?b=c"), ask(upstream)] == [b"one", b"two"]
    first = upstream.requests[0]
    assert (first.method, first.path, first.route) == ("POST", "/a?b=c", "/a")
    assert (first.headers["x-key"], first.body, first.json) == ("k", b'{"a": 1}', {"a": 1})


def test_a_function_can_answer() -> None:
    def echo(request: RecordedRequest) -> Reply:
        return json_reply(request.body)

    with ScriptedUpstream(script=echo) as upstream:
        assert ask(upstream) == b'{"a": 1}'


def test_a_request_too_many_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="without a reply"), ScriptedUpstream() as upstream:
        assert ask(upstream) == b"no reply is left in the script"


def test_what_a_function_raises_fails_the_test() -> None:
    def refuse(_: RecordedRequest) -> Reply:
        raise AssertionError("wrong body")

    with (
        pytest.raises(AssertionError, match="wrong body"),
        ScriptedUpstream(script=refuse) as upstream,
        pytest.raises(http.client.RemoteDisconnected),
    ):
        ask(upstream)


def test_a_gate_holds_the_rest_back(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([PIECES[0], gate, PIECES[1]]))
    connection = http.client.HTTPConnection("127.0.0.1", upstream.server_port, timeout=10)
    connection.request("POST", "/")
    response = connection.getresponse()
    assert response.read1() == PIECES[0]
    gate.set()
    assert response.read() == PIECES[1]
    connection.close()


def test_a_client_that_leaves_is_noticed(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply([PIECES[0], threading.Event()]))
    with socket.create_connection(("127.0.0.1", upstream.server_port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        upstream.wait_for_requests()
        assert not upstream.hung_up.is_set()
    assert upstream.hung_up.wait(PATIENCE_S)


def test_a_reply_under_way_does_not_hold_up_the_end() -> None:
    with ScriptedUpstream(stream_reply([PIECES[0], threading.Event()])) as upstream:
        connection = http.client.HTTPConnection("127.0.0.1", upstream.server_port, timeout=10)
        connection.request("POST", "/")
        response = connection.getresponse()
        started_s = time.monotonic()
    assert time.monotonic() - started_s < PATIENCE_S / 2
    assert not upstream.hung_up.is_set()
    response.close()
    connection.close()


def test_the_helpers_say_what_they_are_given() -> None:
    text = "Grüße 🐝"
    assert json.loads(openai_reply(text))["choices"][0]["message"]["content"] == text
    assert json.loads(anthropic_reply(text))["content"][0]["text"] == text
    assert openai_stream(text)[-1] == b"data: [DONE]\n\n"
    assert anthropic_stream(text)[-1].startswith(b"event: message_stop\n")
    assert len(openai_stream(["a", "b"], done=False, finish_reason=None, usage=None)) == 3
