"""The LiteLLM proxy over both protocols: answering itself, and in front of either protocol."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.protocols.event import FinishReason
from hiveloom_cli.protocols.message import Message, ToolCall, ToolResult, build_user_message
from tests.servers.asking import (
    ask,
    chat,
    chat_with_key,
    get_end,
    join_text,
    list_calls,
    open_chat,
)
from tests.servers.replies import ARGUMENTS, build_call
from tests.support.upstream import (
    Ending,
    Reply,
    anthropic_reply,
    anthropic_stream,
    json_reply,
    openai_error,
    openai_reply,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.servers.process import Server
    from tests.support.upstream import ScriptedUpstream

TEXT = "Grüezi 🐝\n\n```py\nx = 1\n```\n  \x1b[31m日本\t"  # as in litellm.yaml
WRONG_KEY = "sk-a-made-up-wrong-key-0123456789"
MODELS = {"openai": "mock", "anthropic": "claude-mock"}
STREAMS: dict[str, Callable[..., list[bytes]]] = {
    "openai": openai_stream,
    "anthropic": anthropic_stream,
}
REPLIES: dict[str, Callable[..., bytes]] = {"openai": openai_reply, "anthropic": anthropic_reply}
STREAMED = (("Content-Type", "text/event-stream"),)

both_protocols = pytest.mark.parametrize("protocol", ["openai", "anthropic"])
both_behind = pytest.mark.parametrize("spoken_behind", ["openai", "anthropic"])
streamed_or_not = pytest.mark.parametrize("stream", [True, False])


def name_forwarded(protocol: str, spoken_behind: str) -> str:
    return {"openai": "", "anthropic": "claude-"}[protocol] + f"to-{spoken_behind}"


@both_protocols
@streamed_or_not
def test_the_answer_is_the_proxys_byte_for_byte(
    litellm: Server, protocol: str, *, stream: bool
) -> None:
    done = chat(litellm, MODELS[protocol], "hi", stream=stream)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout_bytes == TEXT.encode()


@both_protocols
@streamed_or_not
def test_json_has_the_answer_its_end_and_its_cost(
    litellm: Server, protocol: str, *, stream: bool
) -> None:
    done = chat(litellm, MODELS[protocol], "hi", "--json", stream=stream)
    document = json.loads(done.stdout)
    assert (document["response"], document["finish_reason"]) == (TEXT, "stop")
    assert document["usage"]["input_tokens"] > 0
    assert document["usage"]["output_tokens"] > 0


@both_protocols
@streamed_or_not
def test_a_wrong_key_is_an_error_that_does_not_repeat_it(
    litellm: Server, protocol: str, *, stream: bool
) -> None:
    done = chat_with_key(litellm, MODELS[protocol], WRONG_KEY, "hi", stream=stream)
    assert (done.exit_code, done.stdout) == (4, "")
    # Without a database the proxy knows no key but the master key, and looks there for the rest.
    assert "error: the upstream answered 400 Bad Request: No connected db.\n" in done.stderr
    assert WRONG_KEY not in done.stderr


@both_protocols
@streamed_or_not
def test_an_unknown_model_is_an_error_in_the_proxys_words(
    litellm: Server, protocol: str, *, stream: bool
) -> None:
    model = MODELS[protocol] + "-nowhere"
    done = chat(litellm, model, "hi", "--json", stream=stream)
    assert done.exit_code == 4
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "upstream_refused"
    assert error["message"].startswith("the upstream answered 400 Bad Request: ")
    assert f"Invalid model name passed in model={model}. Call `/v1/models`" in error["message"]


@streamed_or_not
def test_a_rate_limit_is_an_error_with_its_status(litellm: Server, *, stream: bool) -> None:
    done = chat(litellm, "mock-of-a-limit", "hi", stream=stream)
    assert done.exit_code == 4
    assert "429 Too Many Requests: litellm.RateLimitError: this is a mock rate" in done.stderr


@both_protocols
@both_behind
@streamed_or_not
def test_what_it_translates_arrives_byte_for_byte(
    litellm: Server,
    behind: ScriptedUpstream,
    protocol: str,
    spoken_behind: str,
    *,
    stream: bool,
) -> None:
    if stream:
        behind.add(stream_reply(STREAMS[spoken_behind](TEXT)))
    else:
        behind.add(json_reply(REPLIES[spoken_behind](TEXT)))
    model = name_forwarded(protocol, spoken_behind)
    done = chat(litellm, model, "Grüezi", "--json", stream=stream)
    document = json.loads(done.stdout)
    assert (document["response"], document["finish_reason"]) == (TEXT, "stop")
    assert (document["usage"]["input_tokens"], document["usage"]["output_tokens"]) == (3, 5)
    assert "Grüezi" in json.dumps(behind.requests[0].json, ensure_ascii=False)


@both_protocols
@both_behind
def test_an_answer_that_breaks_off_behind_it_keeps_what_came(
    litellm: Server, behind: ScriptedUpstream, protocol: str, spoken_behind: str
) -> None:
    stream = STREAMS[spoken_behind]("Half an answer")
    seen = threading.Event()  # what came and a reset at once would be a reset alone
    behind.add(Reply([*stream[:5], seen], headers=STREAMED, ending=Ending.RESET))
    model = name_forwarded(protocol, spoken_behind)
    with open_chat(litellm, model, "hi") as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        seen.set()
        rest, aside = process.communicate(timeout=60)
    assert process.returncode == 4
    assert first
    assert b"Half an answer".startswith(first + rest)
    assert aside.startswith(b"error: the upstream ")


def test_an_end_without_a_last_event_behind_it_is_no_answer(
    litellm: Server, behind: ScriptedUpstream
) -> None:
    # Only where it need not translate: elsewhere the proxy itself makes up that all went well.
    behind.add(stream_reply(anthropic_stream("Half an answer", stop_reason=None, stop=False)))
    done = chat(litellm, "claude-to-anthropic", "hi")
    assert (done.exit_code, done.stdout) == (4, "Half an answer")
    assert "ended in the middle" in done.stderr


@both_protocols
@streamed_or_not
def test_a_refusal_behind_it_arrives_with_its_reason(
    litellm: Server, behind: ScriptedUpstream, protocol: str, *, stream: bool
) -> None:
    behind.add(json_reply(openai_error("Your account is empty"), status=402))
    model = name_forwarded(protocol, "openai")
    done = chat(litellm, model, "hi", stream=stream)
    assert done.exit_code == 4
    assert "Your account is empty" in done.stderr


@both_protocols
@both_behind
@streamed_or_not
def test_tool_calls_and_their_results_pass_through_it(
    litellm: Server, behind: ScriptedUpstream, protocol: str, spoken_behind: str, *, stream: bool
) -> None:
    behind.add(build_call(spoken_behind, stream=stream))
    model = name_forwarded(protocol, spoken_behind)
    question = build_user_message("How is the weather?")
    asked = ask(litellm, model, question, stream=stream)
    end, calls = get_end(asked), list_calls(asked)
    assert end.finish_reason is FinishReason.TOOL_CALLS
    assert join_text(asked) == "Let me look."
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        ("get_weather", ARGUMENTS),
        ("get_weather", ARGUMENTS),
    ]
    if stream:
        behind.add(stream_reply(STREAMS[spoken_behind]("Sunny.")))
    else:
        behind.add(json_reply(REPLIES[spoken_behind]("Sunny.")))
    results = Message("user", tuple(ToolResult(call.id, "sunny") for call in calls))
    answered = ask(litellm, model, question, end.message, results, stream=stream)
    assert get_end(answered).finish_reason is FinishReason.STOP
    assert join_text(answered) == "Sunny."
    sent = [json.dumps(request.json, ensure_ascii=False) for request in behind.requests]
    assert '"get_weather"' in sent[0]
    for call in calls:
        assert sent[1].count(call.id) == 2  # the call and its result, paired


def test_a_call_that_the_proxy_makes_up_is_one_though_it_says_stop(litellm: Server) -> None:
    question = build_user_message("How is the weather?")
    events = ask(litellm, "mock-with-a-call", question, stream=False)
    assert list_calls(events) == [ToolCall("call_1", "get_weather", '{"city": "Zürich"}')]
    assert get_end(events).raw_reason == "stop"
    assert get_end(events).finish_reason is FinishReason.TOOL_CALLS


def test_the_proxy_asks_nobody_beyond_loopback(litellm: Server, outside: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        outside.accept()
