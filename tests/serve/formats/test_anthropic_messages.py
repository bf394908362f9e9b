"""Messages as the server writes it, held to the official types and to our own reader."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from anthropic.types import ErrorResponse, ModelInfo, RawMessageStreamEvent
from anthropic.types import Message as OfficialMessage
from hypothesis import given
from pydantic import TypeAdapter

from hiveloom_cli.errors import UpstreamRefused
from hiveloom_cli.protocols.event import FinishReason, UsageReported
from hiveloom_cli.protocols.message import ReasoningPart, TextPart, ToolCall
from hiveloom_cli.protocols.request import Parameters
from hiveloom_cli.serve.asked import AgentBrief
from hiveloom_cli.serve.formats import anthropic_messages
from hiveloom_cli.upstream.event import Notice, RetryWaiting
from tests.support.replies import read_reply
from tests.support.turns import (
    ASKED,
    OWN_CALL,
    STAMP,
    THEIR_CALL,
    USAGE,
    build_end,
    build_said,
    build_tool_turn,
    build_turn,
    describe_turn,
    draw_turns,
    read_events,
    summarise,
    write_stream,
)

if TYPE_CHECKING:
    from hiveloom_cli.chat.event import Event

_BRIEF = AgentBrief("helper", "Helps.", "claude-haiku-4-5")
_EVENT: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)


@given(events=draw_turns())
def test_what_is_streamed_reads_back_as_the_same_turn_without_thoughts(events: list[Event]) -> None:
    stream = write_stream(anthropic_messages, events)
    seen = summarise(read_reply("anthropic", [stream]))
    assert seen == describe_turn(events, thoughts=False)
    for event in read_events(stream):
        if event["type"] != "ping":
            _EVENT.validate_python(event, strict=True)


@given(events=draw_turns())
def test_a_whole_answer_reads_back_as_the_same_turn_without_thoughts(events: list[Event]) -> None:
    reply = anthropic_messages.build_reply(events, ASKED, STAMP)
    OfficialMessage.model_validate(reply, strict=True)
    seen = summarise(read_reply("anthropic", [json.dumps(reply).encode()]))
    assert seen == describe_turn(events, thoughts=False)


def test_a_stream_has_the_official_order_of_events() -> None:
    end = build_end(TextPart("Noon."), THEIR_CALL, reason=FinishReason.TOOL_CALLS)
    stream = write_stream(anthropic_messages, [*build_turn("Noon.")[:-1], end])
    names = [line for line in stream.decode().splitlines() if line.startswith("event: ")]
    assert names == [
        f"event: {name}"
        for name in (
            *("message_start", "ping", "content_block_start"),
            *("content_block_delta", "content_block_delta", "content_block_stop"),
            *("content_block_start", "content_block_delta", "content_block_stop"),
            *("message_delta", "message_stop"),
        )
    ]
    events = read_events(stream)
    assert [one["type"] for one in events] == [name.removeprefix("event: ") for name in names]
    assert [one["index"] for one in events if "index" in one] == [0, 0, 0, 0, 1, 1, 1]


def test_a_block_of_text_has_no_field_that_strict_readers_do_not_expect() -> None:
    reply = anthropic_messages.build_reply(build_turn("Noon."), ASKED, STAMP)
    assert reply["content"] == [{"type": "text", "text": "Noon."}]


def test_rounds_with_tools_of_the_agent_are_one_block_parted_by_a_blank_line() -> None:
    stream = write_stream(anthropic_messages, build_tool_turn())
    assert {"text": "I look it up.\n\nIt is noon."} in summarise(read_reply("anthropic", [stream]))
    starts = [one for one in read_events(stream) if one["type"] == "content_block_start"]
    assert len(starts) == 1


def test_a_tool_that_runs_is_told_as_a_ping() -> None:
    stream = write_stream(anthropic_messages, build_tool_turn())
    assert stream.count(b"event: ping") == 2


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (FinishReason.STOP, "end_turn"),
        (FinishReason.LENGTH, "max_tokens"),
        (FinishReason.CONTENT_FILTER, "refusal"),
        (FinishReason.TOOL_CALLS, "end_turn"),  # none of the client's
        (FinishReason.OTHER, "end_turn"),
    ],
)
def test_why_an_answer_ended_is_told_in_the_formats_words(reason: FinishReason, told: str) -> None:
    said = build_said(TextPart("Noon."), OWN_CALL, reason=reason)
    reply = anthropic_messages.build_reply(said, ASKED, STAMP)
    assert reply["stop_reason"] == told
    assert [block["type"] for block in reply["content"]] == ["text"]


def test_the_text_at_which_an_answer_stopped_is_told_if_the_client_named_it() -> None:
    asked = replace(ASKED, parameters=Parameters(stop=("END", "FIN")))
    events = [*build_turn()[:-1], replace(build_end(TextPart("It is noon.")), stop="FIN")]
    told = anthropic_messages.build_reply(events, asked, STAMP)
    assert (told["stop_reason"], told["stop_sequence"]) == ("stop_sequence", "FIN")
    untold = anthropic_messages.build_reply(events, ASKED, STAMP)  # the agent's own
    assert (untold["stop_reason"], untold["stop_sequence"]) == ("end_turn", None)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("", {}),
        ('{"a": 1}', {"a": 1}),
        ("[1]", {"arguments": "[1]"}),
        ('{"a": NaN}', {"arguments": '{"a": NaN}'}),
        (r'{"a": "\ud83d"}', {"a": "\ufffd"}),
    ],
)
def test_a_calls_arguments_are_always_an_object(arguments: str, told: dict[str, Any]) -> None:
    call = ToolCall("call_1", "tell_time", arguments)
    end = build_end(call, reason=FinishReason.TOOL_CALLS)
    assert anthropic_messages.build_reply([end], ASKED, STAMP)["content"][0]["input"] == told
    events = read_events(write_stream(anthropic_messages, [end]))
    delta = next(one["delta"] for one in events if one["type"] == "content_block_delta")
    assert json.loads(delta["partial_json"]) == told


def test_thoughts_and_notices_are_not_shown_unasked() -> None:
    said = build_said(ReasoningPart("Hm.", "thinking"), TextPart("Noon."))
    stream = write_stream(anthropic_messages, [Notice("slow"), *said])
    assert b"Hm." not in stream
    assert b"slow" not in stream
    reply = anthropic_messages.build_reply(said, ASKED, STAMP)
    assert [block["type"] for block in reply["content"]] == ["text"]


def test_cached_tokens_are_counted_apart() -> None:
    usage = anthropic_messages.build_reply([build_end()], ASKED, STAMP)["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (5, 2)
    unknown = anthropic_messages.build_reply([build_end(usage=None)], ASKED, STAMP)
    assert set(unknown["usage"].values()) == {0}


def test_nothing_is_written_before_the_answer_begins() -> None:
    fold = anthropic_messages.StreamFold(ASKED, STAMP)
    early = (Notice("slow"), RetryWaiting("busy", 0.5, 2, 4), UsageReported(USAGE))
    assert [list(fold.feed(event)) for event in early] == [[], [], []]
    assert list(fold.feed(build_turn()[0]))


def test_an_error_in_the_middle_has_the_formats_shape() -> None:
    fold = anthropic_messages.StreamFold(ASKED, STAMP)
    begun = b"".join(fold.feed(build_turn()[0]))
    failed = b"".join(fold.fail(UpstreamRefused("org-77 sent too much", status=429)))
    assert failed.startswith(b"event: error\n")
    assert b"org-77" not in failed
    seen = read_reply("anthropic", [begun + failed])
    assert [one.get("error") for one in seen][-1] == "upstream_refused"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
    ],
)
def test_errors_have_the_official_shape(status: int, kind: str) -> None:
    error = anthropic_messages.build_error(status, "It went wrong.", "any", STAMP)
    read = ErrorResponse.model_validate(error, strict=True)
    assert (read.error.type, read.request_id) == (kind, "01def")


def test_what_is_too_large_is_named_as_the_reference_does() -> None:
    error = anthropic_messages.build_error(413, "Less.", "any", STAMP)["error"]
    assert error["type"] == "request_too_large"  # the official client has no type for it


def test_agents_are_listed_as_models() -> None:
    listed = anthropic_messages.build_models([_BRIEF])
    assert (listed["has_more"], listed["first_id"], listed["last_id"]) == (False, *["helper"] * 2)
    model = ModelInfo.model_validate_json(json.dumps(listed["data"][0]), strict=True)
    assert (model.id, model.display_name) == ("helper", "helper")
    assert anthropic_messages.build_models([])["first_id"] is None
