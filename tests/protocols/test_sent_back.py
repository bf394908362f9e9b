"""What a model made and only it gets back: signed thoughts, opaque blocks, reasoning."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.message import (
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
    build_user_message,
    stamp_message,
)
from hiveloom_cli.protocols.openai_chat.reasoning import echo_reasoning
from hiveloom_cli.protocols.openai_chat.request import build_body as build_chat_body
from hiveloom_cli.protocols.request import ChatRequest
from hiveloom_cli.protocols.table import PROTOCOLS
from tests.support.replies import read_whole
from tests.support.wire import anthropic_event

HERE, ELSEWHERE = "here m", "elsewhere n"
THOUGHT: dict[str, Any] = {"type": "thinking", "thinking": "hm \ud83d", "signature": "Eq"}
ENCRYPTED: dict[str, Any] = {"type": "redacted_thinking", "data": "Em"}
SEARCH: dict[str, Any] = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
FOUND: dict[str, Any] = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
SAID: dict[str, Any] = {"type": "text", "text": "ah"}


def read_turn(*blocks: dict[str, Any], made_by: str = HERE, reason: str = "end_turn") -> Message:
    reply = {"type": "message", "content": blocks, "stop_reason": reason}
    _, message = read_whole("anthropic", [json.dumps(reply).encode()])
    return stamp_message(message, made_by)


def send(*history: Message, asked_of: str = HERE) -> list[dict[str, Any]]:
    chat = ChatRequest("m", (build_user_message("q"), *history), asked_of=asked_of)
    base_url = parse_base_url("https://api.anthropic.com", source="the test")
    body = PROTOCOLS["anthropic"].requests.build_request(chat, base_url).body
    assert body is not None
    messages: list[dict[str, Any]] = body["messages"]
    return messages


def test_blocks_go_back_unchanged_and_in_place_to_who_made_them() -> None:
    blocks = [THOUGHT, SEARCH, FOUND, ENCRYPTED, SAID]
    assert send(read_turn(*blocks))[1]["content"] == [
        # Half a character is none; the rest is as it came.
        {**THOUGHT, "thinking": "hm �"},
        *blocks[1:],
    ]


@pytest.mark.parametrize(("made_by", "asked_of"), [(ELSEWHERE, HERE), ("", ""), (HERE, ELSEWHERE)])
def test_another_model_gets_the_text_alone(made_by: str, asked_of: str) -> None:
    turn = read_turn(THOUGHT, SEARCH, FOUND, ENCRYPTED, SAID, made_by=made_by)
    assert send(turn, asked_of=asked_of)[1]["content"] == [SAID]


def test_a_paused_turn_goes_back_as_it_is() -> None:
    turn = read_turn(SEARCH, FOUND, reason="pause_turn")
    assert send(turn)[-1] == {"role": "assistant", "content": [SEARCH, FOUND]}


def test_a_streamed_block_is_put_together() -> None:
    stream = [
        anthropic_event("message_start", message={"id": "m", "content": [ENCRYPTED]}),
        anthropic_event("content_block_start", index=0, content_block=SEARCH),
        anthropic_event(
            "content_block_delta",
            index=0,
            delta={"type": "input_json_delta", "partial_json": '{"query": "b"}'},
        ),
        anthropic_event("message_delta", delta={"stop_reason": "pause_turn"}, usage={}),
        anthropic_event("message_stop"),
    ]
    _, message = read_whole("anthropic", stream)
    turn = stamp_message(message, HERE)
    assert send(turn)[-1]["content"] == [ENCRYPTED, {**SEARCH, "input": {"query": "b"}}]


@pytest.mark.parametrize(
    "delta",
    [
        {"type": "input_json_delta", "partial_json": '{"query'},
        {"type": "delta_of_tomorrow", "what": "?"},
    ],
)
def test_half_a_block_is_not_kept(delta: dict[str, Any]) -> None:
    stream = [
        anthropic_event("content_block_start", index=0, content_block=SEARCH),
        anthropic_event("content_block_delta", index=0, delta=delta),
    ]
    assert read_whole("anthropic", stream)[1].parts == ()


def test_an_interrupted_turn_sends_back_only_what_is_signed() -> None:
    turn = read_turn({**THOUGHT, "signature": ""}, THOUGHT, ENCRYPTED, SEARCH, SAID)
    sent = send(replace(turn, complete=False))[1]["content"]
    assert [block["type"] for block in sent] == ["thinking", "redacted_thinking", "text"]


def build_turn(*parts: Part, made_by: str = HERE) -> tuple[Message, ...]:
    history = (build_user_message("q"), stamp_message(Message("assistant", parts), made_by))
    calls = [part for part in parts if isinstance(part, ToolCall)]
    results = tuple(ToolResult(call.id, "1") for call in calls)
    return (*history, Message("user", (*results, TextPart("go on"))))


def echo(field: str, *turns: tuple[Message, ...]) -> list[object]:
    """Return what each assistant message of the body sends back in the field."""
    messages = tuple(message for turn in turns for message in turn)
    chat = ChatRequest("m", messages, system="be terse", asked_of=HERE)
    body = build_chat_body(chat)
    echoed = echo_reasoning(body, chat, field)
    assert build_chat_body(chat) == body
    sent = [message for message in echoed["messages"] if message["role"] == "assistant"]
    return [message.get(field) for message in sent]


CALL = ToolCall("a", "f", "{}")
ANSWER = TextPart("ah")
DETAILS = [{"type": "reasoning.text", "index": 0, "text": "hm", "signature": "Eq"}]
WITH_DETAILS = ReasoningPart("hm", "reasoning_details", json.dumps(DETAILS))
WITH_TEXT = ReasoningPart("hm", "reasoning_content")


def test_by_default_no_reasoning_is_sent() -> None:
    body = build_chat_body(ChatRequest("m", build_turn(WITH_DETAILS, ANSWER), asked_of=HERE))
    assert body["messages"][1] == {"role": "assistant", "content": "ah"}


@pytest.mark.parametrize(
    ("field", "part", "sent"),
    [
        ("reasoning_content", WITH_TEXT, "hm"),
        ("reasoning_content", ReasoningPart("hm", "reasoning"), "hm"),
        ("reasoning", WITH_TEXT, "hm"),
        ("reasoning", WITH_DETAILS, "hm"),
        ("reasoning_details", WITH_DETAILS, DETAILS),
        ("reasoning_details", WITH_TEXT, None),
        ("thinking_blocks", WITH_DETAILS, None),
        ("reasoning", ReasoningPart("hm", "think"), None),
        ("reasoning", ReasoningPart("hm", "thinking", "{}"), None),
    ],
)
def test_reasoning_goes_back_in_the_field_asked_for(field: str, part: Part, sent: object) -> None:
    assert echo(field, build_turn(part, ANSWER)) == [sent]


def test_only_who_made_it_gets_reasoning_back() -> None:
    others = build_turn(WITH_TEXT, ANSWER, made_by=ELSEWHERE)
    unknown = build_turn(WITH_TEXT, ANSWER, made_by="")
    own = build_turn(WITH_TEXT, ANSWER)
    assert echo("reasoning_content", others, unknown, own) == [None, None, "hm"]


def test_a_turn_with_calls_has_reasoning_content_in_any_case() -> None:
    turns = [
        build_turn(CALL),
        build_turn(WITH_TEXT, CALL),
        build_turn(WITH_TEXT, CALL, made_by="x"),
    ]
    assert echo("reasoning_content", *turns, build_turn(ANSWER)) == [" ", "hm", " ", None]
    assert echo("reasoning", *turns) == [None, "hm", None]


def test_turns_that_are_left_out_do_not_shift_the_others() -> None:
    turns = [build_turn(WITH_TEXT), build_turn(OpaquePart("{}")), build_turn(WITH_TEXT, ANSWER)]
    assert echo("reasoning", *turns) == ["hm"]
