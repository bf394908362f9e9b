"""An answer by schema over real connections: each way of asking, and what is remembered of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.event import FinishReason, ReplyEnded, TextDelta, ToolCallReady
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.protocols.output_schema import OutputSchema
from hiveloom_cli.protocols.request import ChatRequest
from hiveloom_cli.secret import Secret
from hiveloom_cli.upstream.client import ModelClient
from hiveloom_cli.upstream.dialects import Dialects
from hiveloom_cli.upstream.event import Notice, RetryWaiting, UpstreamEvent
from hiveloom_cli.upstream.resolve import PlaceholderKey, Upstream
from hiveloom_cli.upstream.transport import RequestsTransport
from tests.support.clocks import ManualClock
from tests.support.official import check_official
from tests.support.upstream import (
    Reply,
    ScriptedUpstream,
    anthropic_error,
    anthropic_event,
    anthropic_stream,
    json_reply,
    openai_chunk,
    openai_error,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.protocols.providers import ProtocolName

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
OUTPUT = OutputSchema(SCHEMA)
CHAT = ChatRequest("m", (build_user_message("hi"),), output=OUTPUT)
ANSWER = '{"a": 1}'
NO_FORMAT = {
    "openai": "This response_format type is unavailable now",
    "anthropic": "output_config: Extra inputs are not permitted",
}
NO_FORCED = {
    "openai": "Thinking mode does not support this tool_choice",
    "anthropic": 'tool_choice: type "tool" and "any" are not supported for this model.',
}
BOTH = pytest.mark.parametrize("protocol", ["openai", "anthropic"])


class Asker:
    """Asks one upstream by schema; what it learned is kept beside it."""

    def __init__(self, upstream: ScriptedUpstream, cache: Path) -> None:
        self.upstream = upstream
        self.dialects = Dialects(cache / "dialects.json")
        self.clock = ManualClock(drawn=1.0)

    def open(self, protocol: ProtocolName, chat: ChatRequest = CHAT) -> Any:
        is_openai = protocol == "openai"
        base = self.upstream.openai_base_url if is_openai else self.upstream.anthropic_base_url
        client = ModelClient(
            Upstream(protocol, parse_base_url(base, source="the test"), PlaceholderKey()),
            RequestsTransport({}),
            lambda: Secret("no-key"),
            dialects=self.dialects,
            clock=self.clock,
        )
        return client.open_reply(chat)

    def ask(self, protocol: ProtocolName, chat: ChatRequest = CHAT) -> list[UpstreamEvent]:
        return list(self.open(protocol, chat).stream_events())


@pytest.fixture
def asker(upstream: ScriptedUpstream, tmp_path: Path) -> Asker:
    return Asker(upstream, tmp_path)


def say(protocol: ProtocolName, text: str = ANSWER) -> Reply:
    return stream_reply((openai_stream if protocol == "openai" else anthropic_stream)(text))


def refuse(protocol: ProtocolName, text: str) -> Reply:
    error = openai_error if protocol == "openai" else anthropic_error
    return json_reply(error(text), status=400)


def call(protocol: ProtocolName, arguments: str = ANSWER, reason: str | None = None) -> Reply:
    """A reply that calls the answer's tool, its arguments in two pieces."""
    half = len(arguments) // 2
    pieces = (arguments[:half], arguments[half:])
    if protocol == "openai":
        first = {"index": 0, "id": "c1", "type": "function"}
        function = {"name": OUTPUT.name, "arguments": pieces[0]}
        return stream_reply(
            [
                openai_chunk({"role": "assistant", "tool_calls": [first | {"function": function}]}),
                openai_chunk({"tool_calls": [{"index": 0, "function": {"arguments": pieces[1]}}]}),
                openai_chunk(finish_reason=reason or "stop"),  # as a forced call ends there
            ]
        )
    block = {"type": "tool_use", "id": "t1", "name": OUTPUT.name, "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return stream_reply(
        [
            *anthropic_stream("", stop_reason=None, stop=False)[:1],
            anthropic_event("content_block_start", index=0, content_block=block),
            *(anthropic_event("content_block_delta", index=0, delta=delta) for delta in deltas),
            anthropic_event("content_block_stop", index=0),
            anthropic_event("message_delta", delta={"stop_reason": reason or "tool_use"}),
            anthropic_event("message_stop"),
        ]
    )


def join(events: list[UpstreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def list_notices(events: list[UpstreamEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def list_bodies(upstream: ScriptedUpstream) -> list[dict[str, Any]]:
    return [request.json for request in upstream.requests]


@BOTH
def test_where_the_format_is_taken_the_answer_is_the_text(
    asker: Asker, upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    upstream.add(say(protocol))
    events = asker.ask(protocol)
    assert join(events) == ANSWER
    assert list_notices(events) == []
    (body,) = list_bodies(upstream)
    assert "json_schema" in json.dumps(body)
    check_official(protocol, body)


@BOTH
def test_where_it_is_refused_the_arguments_of_a_call_are_the_answer(
    asker: Asker, upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    upstream.add(refuse(protocol, NO_FORMAT[protocol]), call(protocol), call(protocol))
    events = asker.ask(protocol)
    assert join(events) == ANSWER
    assert not [event for event in events if isinstance(event, ToolCallReady)]
    ended = events[-1]
    assert isinstance(ended, ReplyEnded)
    assert (ended.message.text, ended.finish_reason) == (ANSWER, FinishReason.STOP)
    assert list_notices(events) == [
        "this model does not take the schema as its answer's; asking in another way"
    ]
    again = asker.ask(protocol)
    assert (join(again), list_notices(again)) == (ANSWER, [])
    for body in list_bodies(upstream):
        check_official(protocol, body)
    assert ["tool_choice" in body for body in list_bodies(upstream)] == [False, True, True]


@BOTH
def test_where_that_is_refused_too_words_ask_for_it(
    asker: Asker, upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    upstream.add(
        refuse(protocol, NO_FORMAT[protocol]),
        refuse(protocol, NO_FORCED[protocol]),
        say(protocol),
        say(protocol),
    )
    assert join(asker.ask(protocol)) == ANSWER
    assert list_notices(asker.ask(protocol)) == []
    bodies = list_bodies(upstream)
    assert bodies[2] == bodies[3]
    assert "fits this JSON Schema" in json.dumps(bodies[2])
    assert "tool_choice" not in bodies[2]
    learned = asker.dialects.load(f"{protocol} {upstream.origin}", "m")
    assert [row.name for row in learned] == ["schema-refused", "answer-tool-refused"]


def test_the_last_way_of_chat_completions_is_words_alone(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    upstream.add(
        refuse("openai", NO_FORMAT["openai"]),
        refuse("openai", "this model does not support tools"),
        refuse("openai", "Json mode is not supported for this model."),
        say("openai"),
    )
    assert join(asker.ask("openai")) == ANSWER
    assert list_bodies(upstream)[-1].keys() == {"model", "messages", "stream", "stream_options"}
    # Tools were not refused to an agent that has some.
    learned = asker.dialects.load(f"openai {upstream.origin}", "m")
    assert "tools-refused" not in {row.name for row in learned}


def test_what_was_learned_by_schema_leaves_other_chats_alone(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    upstream.add(
        refuse("openai", NO_FORMAT["openai"]),
        refuse("openai", NO_FORCED["openai"]),
        say("openai"),
        say("openai", "plain"),
    )
    asker.ask("openai")
    plain = ChatRequest("m", CHAT.messages)
    assert join(asker.ask("openai", plain)) == "plain"
    assert list_bodies(upstream)[-1].keys() == {"model", "messages", "stream", "stream_options"}


@BOTH
def test_a_call_that_the_token_limit_cut_keeps_what_came(
    asker: Asker, upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    cut = {"openai": "length", "anthropic": "max_tokens"}[protocol]
    upstream.add(refuse(protocol, NO_FORMAT[protocol]), call(protocol, '{"a": [1, 2', cut))
    ended = asker.ask(protocol)[-1]
    assert isinstance(ended, ReplyEnded)
    assert (ended.message.text, ended.finish_reason) == ('{"a": [1, 2', FinishReason.LENGTH)


def test_a_call_that_breaks_off_is_kept_as_text(asker: Asker, upstream: ScriptedUpstream) -> None:
    upstream.add(refuse("openai", NO_FORMAT["openai"]), call("openai"))
    reply = asker.open("openai")
    for event in reply.stream_events():
        if isinstance(event, TextDelta):
            break
    assert reply.build_partial().text == ANSWER


def test_json_that_the_upstream_itself_found_broken_is_asked_for_again(
    asker: Asker, upstream: ScriptedUpstream
) -> None:
    failed = openai_error(
        "Failed to generate JSON. Please adjust your prompt.", code="json_validate_failed"
    )
    upstream.add(json_reply(failed, status=400), say("openai"))
    events = asker.ask("openai")
    assert join(events) == ANSWER
    assert isinstance(events[0], RetryWaiting)
    bodies = list_bodies(upstream)
    assert bodies[0] == bodies[1]
