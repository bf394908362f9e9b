"""Chat Completions as the server writes it, held to the official types and to our own reader."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from openai.types import ErrorObject, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from hiveloom_cli.errors import UpstreamRefused
from hiveloom_cli.protocols.event import FinishReason, ReasoningDelta, UsageReported
from hiveloom_cli.protocols.message import ReasoningPart, TextPart, ToolCall
from hiveloom_cli.protocols.output_schema import OutputSchema
from hiveloom_cli.serve.asked import AgentBrief, Asked
from hiveloom_cli.serve.formats import anthropic_messages, openai_chat
from hiveloom_cli.upstream.event import Notice, RetryWaiting
from tests.support.replies import read_reply
from tests.support.turns import (
    ASKED,
    OWN_CALL,
    QUESTION,
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

_BRIEF = AgentBrief("helper", "Helps.", "gpt-4o")


@given(events=draw_turns())
def test_what_is_streamed_reads_back_as_the_same_turn(events: list[Event]) -> None:
    stream = write_stream(openai_chat, events)
    assert summarise(read_reply("openai", [stream])) == describe_turn(events)
    for chunk in read_events(stream):
        ChatCompletionChunk.model_validate(chunk, strict=True)
    assert stream.endswith(b"data: [DONE]\n\n")


@given(events=draw_turns())
def test_a_whole_answer_reads_back_as_the_same_turn(events: list[Event]) -> None:
    reply = openai_chat.build_reply(events, ASKED, STAMP)
    ChatCompletion.model_validate(reply, strict=True)
    assert summarise(read_reply("openai", [json.dumps(reply).encode()])) == describe_turn(events)


def test_an_answer_names_the_agent_as_its_model() -> None:
    reply = openai_chat.build_reply(build_said(TextPart("Noon.")), ASKED, STAMP)
    assert (reply["id"], reply["model"]) == ("chatcmpl-01abc", "helper")
    assert reply["created"] == int(STAMP.made_at.timestamp())


def test_rounds_with_tools_of_the_agent_are_parted_by_a_blank_line() -> None:
    seen = summarise(read_reply("openai", [write_stream(openai_chat, build_tool_turn())]))
    assert {"text": "I look it up.\n\nIt is noon."} in seen
    assert not any("tool_call" in one for one in seen)


def test_calls_of_the_agents_own_tools_are_not_shown() -> None:
    said = build_said(OWN_CALL, THEIR_CALL, reason=FinishReason.TOOL_CALLS)
    choice = openai_chat.build_reply(said, ASKED, STAMP)["choices"][0]
    assert [call["id"] for call in choice["message"]["tool_calls"]] == ["call_1"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (FinishReason.STOP, "stop"),
        (FinishReason.LENGTH, "length"),
        (FinishReason.CONTENT_FILTER, "content_filter"),
        (FinishReason.TOOL_CALLS, "stop"),  # none of the client's
        (FinishReason.PAUSE, "stop"),
        (FinishReason.OTHER, "stop"),
    ],
)
def test_why_an_answer_ended_is_told_in_the_formats_words(reason: FinishReason, told: str) -> None:
    said = build_said(TextPart("Noon."), OWN_CALL, reason=reason)
    assert openai_chat.build_reply(said, ASKED, STAMP)["choices"][0]["finish_reason"] == told


@pytest.mark.parametrize("arguments", ["", " \n"])
def test_a_call_without_arguments_is_one_that_clients_can_read(arguments: str) -> None:
    call = ToolCall("call_1", "tell_time", arguments)
    end = build_end(call, reason=FinishReason.TOOL_CALLS)
    whole = openai_chat.build_reply([end], ASKED, STAMP)["choices"][0]["message"]
    assert whole["tool_calls"][0]["function"]["arguments"] == "{}"
    chunks = read_events(write_stream(openai_chat, [end]))
    [told] = [one for chunk in chunks for one in find_calls(chunk)]
    assert told["function"]["arguments"] == "{}"
    written = anthropic_messages.build_reply([end], ASKED, STAMP)["content"][0]
    assert written["input"] == {}


def find_calls(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    return [call for one in chunk["choices"] for call in one["delta"].get("tool_calls", ())]


def test_calls_of_an_answer_that_was_cut_off_are_not_shown() -> None:
    said = build_said(TextPart("I"), THEIR_CALL, reason=FinishReason.LENGTH)
    choice = openai_chat.build_reply(said, ASKED, STAMP)["choices"][0]
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "length"


def test_thoughts_have_a_field_only_where_there_are_any() -> None:
    plain = openai_chat.build_reply(build_said(TextPart("Noon.")), ASKED, STAMP)
    assert "reasoning_content" not in plain["choices"][0]["message"]
    thoughtful = build_said(ReasoningPart("Hm.", "thinking"), TextPart("Noon."))
    reply = openai_chat.build_reply(thoughtful, ASKED, STAMP)
    assert reply["choices"][0]["message"]["reasoning_content"] == "Hm."
    stream = write_stream(openai_chat, [ReasoningDelta("Hm."), *build_turn()])
    assert b'"reasoning_content": "Hm."' in stream


def test_notices_are_not_shown() -> None:
    assert b"slow" not in write_stream(openai_chat, [Notice("slow"), *build_turn()])


def test_usage_is_streamed_only_where_it_is_asked_for_and_known() -> None:
    quiet = Asked("helper", (QUESTION,), stream=True)
    assert b"usage" not in write_stream(openai_chat, build_turn(), quiet)
    chunks = read_events(write_stream(openai_chat, build_turn()))
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 12
    unknown = read_events(write_stream(openai_chat, build_turn(usage=None)))
    assert all(chunk["choices"] for chunk in unknown)


def test_an_answer_by_schema_is_streamed_without_what_was_said_before_it() -> None:
    asked = Asked("helper", (QUESTION,), output=OutputSchema({"type": "object"}), stream=True)
    stream = write_stream(openai_chat, build_tool_turn(), asked)
    assert {"text": "It is noon."} in summarise(read_reply("openai", [stream]))


def test_nothing_is_written_before_the_answer_begins() -> None:
    fold = openai_chat.StreamFold(ASKED, STAMP)
    early = (Notice("slow"), RetryWaiting("busy", 0.5, 2, 4), UsageReported(USAGE))
    assert [list(fold.feed(event)) for event in early] == [[], [], []]
    assert list(fold.feed(build_turn()[0]))


def test_an_error_in_the_middle_ends_a_stream_that_nobody_takes_for_whole() -> None:
    fold = openai_chat.StreamFold(ASKED, STAMP)
    begun = b"".join(fold.feed(build_turn()[0]))
    error = UpstreamRefused("it answered 429: org-77 sent too much", status=429)
    failed = b"".join(fold.fail(error))
    assert b"[DONE]" not in failed
    assert b"org-77" not in failed
    seen = read_reply("openai", [begun + failed])
    assert [one.get("error") for one in seen] == [None, "upstream_refused"]


def test_errors_have_the_official_shape() -> None:
    error = openai_chat.build_error(404, "no such agent", "model_not_found", STAMP)["error"]
    ErrorObject.model_validate(error, strict=True)
    assert (error["type"], error["code"]) == ("invalid_request_error", "model_not_found")
    plain = openai_chat.build_error(400, "n: 1", "invalid_request_error", STAMP)["error"]
    assert (plain["type"], plain["code"]) == ("invalid_request_error", None)
    assert openai_chat.build_error(502, "", "upstream", STAMP)["error"]["type"] == "server_error"


def test_agents_are_listed_as_models() -> None:
    listed = openai_chat.build_models([_BRIEF])
    assert listed["object"] == "list"
    assert listed["data"] == [openai_chat.build_model(_BRIEF)]
    assert Model.model_validate(listed["data"][0], strict=True).id == "helper"
