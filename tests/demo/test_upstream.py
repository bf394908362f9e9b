"""The loopback upstream, as the official clients and a bare socket see it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.demo.upstream import LoopbackUpstream
from tests.support.patience import PATIENCE_S

with warnings.catch_warnings():
    # What these two packages say about themselves while loading is no promise of ours.
    warnings.simplefilter("ignore")
    import anthropic
    import openai

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM = "You are terse."
TEXT = "Grüße,\nschön 日本 🐝"
QUOTE = "> Grüße,\n> schön 日本 🐝"
CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
CHAT_BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
MESSAGES_BODY = {**CHAT_BODY, "model": "claude-x", "max_tokens": 100}
BEARER = {"Authorization": "Bearer any"}
ANTHROPIC = {"x-api-key": "any", "anthropic-version": "2023-06-01"}


@pytest.fixture
def chat(loopback: LoopbackUpstream) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="any", base_url=loopback.openai_base_url, max_retries=0) as client:
        yield client


@pytest.fixture
def claude(loopback: LoopbackUpstream) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        api_key="any", base_url=loopback.anthropic_base_url, max_retries=0
    ) as client:
        yield client


def send(
    upstream: LoopbackUpstream,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, Any], http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", upstream.server_port, timeout=10)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, data, headers or {})
    response = connection.getresponse()
    try:
        return response.status, json.loads(response.read()), response.headers
    finally:
        connection.close()


def read_raw(upstream: LoopbackUpstream, path: str, body: object, headers: str) -> bytes:
    """Read all bytes of a reply, framing included."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}"
    with socket.create_connection(("127.0.0.1", upstream.server_port), timeout=10) as connection:
        connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_chat_completion_has_the_official_shape(chat: openai.OpenAI) -> None:
    reply = chat.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": TEXT}],
    )
    assert type(reply).model_validate(reply.to_dict(), strict=True)
    assert reply.id.startswith("chatcmpl-")
    assert reply.choices[0].finish_reason == "stop"
    answer = reply.choices[0].message.content or ""
    assert answer.startswith("I am hiveloom's loopback upstream, not a language model. You wrote:")
    assert QUOTE in answer
    assert "system prompt: **yes**, 14 characters" in answer
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_a_chat_completion_streams_the_same_answer(chat: openai.OpenAI) -> None:
    whole = chat.chat.completions.create(model="m", messages=[{"role": "user", "content": TEXT}])
    chunks = list(
        chat.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": TEXT}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *said, last, usage = chunks
    assert all(type(chunk).model_validate(chunk.to_dict(), strict=True) for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1
    assert said[0].choices[0].delta.role == "assistant"
    assert len(said) > 10
    text = "".join(chunk.choices[0].delta.content or "" for chunk in said)
    assert text == whole.choices[0].message.content
    assert last.choices[0].finish_reason == "stop"
    assert usage.choices == []
    assert usage.usage == whole.usage
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in said)


def test_a_stream_reports_usage_only_when_asked(chat: openai.OpenAI) -> None:
    chunks = list(
        chat.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True
        )
    )
    assert not any("usage" in chunk.model_fields_set for chunk in chunks)
    assert all(chunk.choices for chunk in chunks)


def test_a_message_has_the_official_shape(claude: anthropic.Anthropic) -> None:
    reply = claude.messages.create(
        model="claude-x",
        max_tokens=100,
        system=SYSTEM,
        messages=[{"role": "user", "content": [{"type": "text", "text": TEXT}]}],
    )
    assert type(reply).model_validate(reply.to_dict(), strict=True)
    assert reply.id.startswith("msg_")
    assert reply.stop_reason == "end_turn"
    (block,) = reply.content
    assert block.type == "text"
    assert QUOTE in block.text
    assert "system prompt: **yes**, 14 characters" in block.text


def test_a_message_streams_its_events_in_the_official_order(claude: anthropic.Anthropic) -> None:
    stream = claude.messages.create(
        model="claude-x",
        max_tokens=100,
        messages=[{"role": "user", "content": TEXT}],
        stream=True,
    )
    events = list(stream)
    kinds = [event.type for event in events]
    pieces = [event.delta for event in events if event.type == "content_block_delta"]
    assert kinds == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * len(pieces),
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert len(pieces) > 10
    assert all(type(event).model_validate(event.to_dict(), strict=True) for event in events)


def test_a_message_streams_the_same_answer(claude: anthropic.Anthropic) -> None:
    whole = claude.messages.create(
        model="claude-x", max_tokens=100, messages=[{"role": "user", "content": TEXT}]
    )
    with claude.messages.stream(
        model="claude-x", max_tokens=100, messages=[{"role": "user", "content": TEXT}]
    ) as stream:
        message = stream.get_final_message()
    assert message.content[0].to_dict()["text"] == whole.content[0].to_dict()["text"]
    assert message.usage.output_tokens == whole.usage.output_tokens
    assert message.stop_reason == "end_turn"


def test_models_are_listed_in_both_shapes(chat: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    assert [model.id for model in chat.models.list()] == ["loopback"]
    (model,) = list(claude.models.list())
    assert type(model).model_validate_json(model.to_json())
    assert model.id == "claude-loopback"


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Basic x"}]
)
def test_a_chat_without_a_key_is_refused(
    loopback: LoopbackUpstream, headers: dict[str, str]
) -> None:
    status, error, _ = send(loopback, "POST", CHAT, CHAT_BODY, headers)
    assert status == 401
    assert error["error"]["code"] == "invalid_api_key"


def test_a_message_without_a_key_is_refused(loopback: LoopbackUpstream) -> None:
    headers = {"anthropic-version": "2023-06-01"}
    status, error, reply_headers = send(loopback, "POST", MESSAGES, MESSAGES_BODY, headers)
    assert status == 401
    assert error["error"]["type"] == "authentication_error"
    assert error["request_id"] == reply_headers["request-id"]


def test_a_message_takes_its_key_from_either_header(loopback: LoopbackUpstream) -> None:
    for headers in (ANTHROPIC, BEARER | {"anthropic-version": "2026-10-21"}):
        assert send(loopback, "POST", MESSAGES, MESSAGES_BODY, headers)[0] == 200


def test_a_message_without_a_version_is_refused(loopback: LoopbackUpstream) -> None:
    status, error, _ = send(loopback, "POST", MESSAGES, MESSAGES_BODY, {"x-api-key": "any"})
    assert status == 400
    assert error["error"]["message"] == "anthropic-version: header is required"


def test_an_unknown_path_is_not_found_in_the_shape_of_its_protocol(
    loopback: LoopbackUpstream,
) -> None:
    status, error, _ = send(loopback, "POST", "/v1/responses", CHAT_BODY, BEARER)
    assert (status, error["error"]["type"]) == (404, "invalid_request_error")
    status, error, _ = send(loopback, "POST", "/v1/v1/messages", MESSAGES_BODY, ANTHROPIC)
    assert (status, error["error"]["type"]) == (404, "not_found_error")
    assert send(loopback, "GET", CHAT, None, BEARER)[0] == 404
    assert send(loopback, "DELETE", CHAT, None, BEARER)[0] == 404


USER = {"role": "user", "content": "hi"}
BOTH_INVALID: list[object] = [
    b"",
    b"{",
    b"\xff",
    b"[" * 100_000,
    [],
    {"messages": [USER]},
    {"model": "m"},
    {"model": "m", "messages": []},
    {"model": "m", "messages": ["hi"]},
    {"model": "m", "messages": [{"role": "robot", "content": "hi"}]},
    {"model": "m", "messages": [{"role": ["user"], "content": "hi"}]},
    {"model": "m", "messages": [{"role": "user"}]},
    {"model": "m", "messages": [{"role": "user", "content": 1}]},
    {"model": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]},
    {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
    {"model": "m", "messages": [USER], "stream": "yes"},
]


@pytest.mark.parametrize(
    "body", [*BOTH_INVALID, {"model": "m", "messages": [USER], "stream_options": {}, "stream": 1}]
)
def test_a_chat_that_is_not_valid_is_refused(loopback: LoopbackUpstream, body: object) -> None:
    status, error, _ = send(loopback, "POST", CHAT, body, BEARER)
    assert (status, error["error"]["type"]) == (400, "invalid_request_error")


def test_stream_options_without_a_stream_are_refused(loopback: LoopbackUpstream) -> None:
    body = CHAT_BODY | {"stream_options": {"include_usage": True}}
    assert send(loopback, "POST", CHAT, body, BEARER)[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        *(body | {"max_tokens": 9} if isinstance(body, dict) else body for body in BOTH_INVALID),
        {"model": "m", "messages": [USER]},
        {"model": "m", "messages": [USER], "max_tokens": 0},
        {"model": "m", "messages": [USER], "max_tokens": True},
        {"model": "m", "messages": [{"role": "assistant", "content": "hi"}], "max_tokens": 9},
        {"model": "m", "messages": [{"role": "user", "content": " "}], "max_tokens": 9},
        {"model": "m", "messages": [USER], "max_tokens": 9, "system": 1},
    ],
)
def test_a_message_that_is_not_valid_is_refused(loopback: LoopbackUpstream, body: object) -> None:
    status, error, _ = send(loopback, "POST", MESSAGES, body, ANTHROPIC)
    assert (status, error["type"]) == (400, "error")
    assert error["error"]["type"] == "invalid_request_error"


def test_sampling_is_refused_from_the_second_version_on(loopback: LoopbackUpstream) -> None:
    body = MESSAGES_BODY | {"temperature": 0.5}
    assert send(loopback, "POST", MESSAGES, body, ANTHROPIC)[0] == 200
    newer = ANTHROPIC | {"anthropic-version": "2026-10-21"}
    assert send(loopback, "POST", MESSAGES, body, newer)[0] == 400


def test_half_a_surrogate_pair_is_answered_in_valid_utf8(loopback: LoopbackUpstream) -> None:
    body = json.dumps(CHAT_BODY | {"messages": [{"role": "user", "content": "\ud83d"}]}).encode()
    assert send(loopback, "POST", CHAT, body, BEARER)[0] == 200


def test_a_stream_is_chunked_and_ends_with_done(loopback: LoopbackUpstream) -> None:
    body = CHAT_BODY | {"stream": True}
    head, _, rest = read_raw(loopback, CHAT, body, "Authorization: Bearer any\r\n").partition(
        b"\r\n\r\n"
    )
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"text/event-stream" in head
    assert rest.endswith(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    assert "é".encode() in rest


def test_pieces_arrive_as_they_are_sent() -> None:
    with LoopbackUpstream(pause_s=0.02) as upstream:
        connection = http.client.HTTPConnection("127.0.0.1", upstream.server_port, timeout=10)
        started_s = time.monotonic()
        connection.request("POST", CHAT, json.dumps(CHAT_BODY | {"stream": True}), BEARER)
        response = connection.getresponse()
        assert response.read1().count(b"data:") == 1
        first_s = time.monotonic() - started_s
        response.read()
        assert first_s < (time.monotonic() - started_s) / 2
        connection.close()


def test_requests_are_recorded_and_their_keys_stay_out_of_repr(loopback: LoopbackUpstream) -> None:
    send(loopback, "POST", f"{CHAT}?api-version=1", CHAT_BODY, {"Authorization": "Bearer k-123"})
    (request,) = loopback.requests
    assert (request.method, request.path) == ("POST", f"{CHAT}?api-version=1")
    assert request.headers["authorization"] == "Bearer k-123"
    assert request.json == CHAT_BODY
    assert "k-123" not in repr(request)


def test_one_connection_serves_many_requests(loopback: LoopbackUpstream) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", loopback.server_port, timeout=10)
    ports = set()
    for path in (CHAT, "/nowhere", CHAT):
        connection.request("POST", path, json.dumps(CHAT_BODY | {"stream": True}), BEARER)
        ports.add(connection.sock.getsockname()[1])
        connection.getresponse().read()
    connection.close()
    assert len(ports) == 1


def test_a_client_that_hangs_up_leaves_no_trace(capfd: pytest.CaptureFixture[str]) -> None:
    with LoopbackUpstream(pause_s=0.005) as upstream:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", upstream.server_port)) as connection:
                data = json.dumps(CHAT_BODY | {"stream": True})
                head = f"POST {CHAT} HTTP/1.1\r\nAuthorization: Bearer any\r\n"
                connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n{data}".encode())
                connection.recv(10)
        time.sleep(0.1)
    assert capfd.readouterr() == ("", "")


def test_it_stops_at_once_with_a_stream_under_way() -> None:
    with LoopbackUpstream(pause_s=PATIENCE_S) as upstream:
        connection = http.client.HTTPConnection("127.0.0.1", upstream.server_port, timeout=10)
        connection.request("POST", CHAT, json.dumps(CHAT_BODY | {"stream": True}), BEARER)
        response = connection.getresponse()
        started_s = time.monotonic()
    assert time.monotonic() - started_s < PATIENCE_S / 2
    response.close()
    connection.close()


def test_it_needs_the_standard_library_alone() -> None:
    program = (
        "import sys; before = set(sys.modules); import hiveloom_cli.demo.upstream; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) - {"hiveloom_cli"} <= sys.stdlib_module_names
