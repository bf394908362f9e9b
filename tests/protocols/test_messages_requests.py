"""Messages requests: the limit, the tools, the marks for the cache, and what the order demands."""

from __future__ import annotations

from typing import Any

import pytest

from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.message import (
    Message,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
    build_user_message,
)
from hiveloom_cli.protocols.request import ChatRequest, Parameters, ToolDefinition
from hiveloom_cli.protocols.table import PROTOCOLS

OWN, OTHER = "https://api.anthropic.com", "http://127.0.0.1:8000"
LONG = "word " * 500
MARK = {"type": "ephemeral"}


def build(chat: ChatRequest, base: str = OWN) -> dict[str, Any]:
    base_url = parse_base_url(base, source="the test")
    body = PROTOCOLS["anthropic"].requests.build_request(chat, base_url).body
    assert body is not None
    return dict(body)


@pytest.mark.parametrize(
    ("model", "streamed"),
    [
        ("claude-opus-5-5", 128_000),
        ("claude-sonnet-5", 128_000),
        ("claude-opus-4-8", 128_000),
        ("claude-sonnet-4-6", 128_000),
        ("claude-opus-6", 128_000),
        ("claude-haiku-4-5-20251001", 64_000),
        ("claude-opus-4-5@20251101", 64_000),
        ("claude-opus-4-1-20250805", 32_000),
        ("claude-opus-4-20250514", 32_000),
        ("claude-latest", 32_000),
        ("llama", 32_000),
    ],
)
def test_the_limit_is_the_model_s_own(model: str, streamed: int) -> None:
    messages = (build_user_message("hi"),)
    assert build(ChatRequest(model, messages))["max_tokens"] == streamed
    assert build(ChatRequest(model, messages, stream=False))["max_tokens"] == 21_333
    few = Parameters(max_tokens=7)
    assert build(ChatRequest(model, messages, parameters=few))["max_tokens"] == 7


def test_a_stop_sequence_of_white_space_alone_is_left_out() -> None:
    messages = (build_user_message("hi"),)
    some, none = Parameters(stop=("\n\n", "END")), Parameters(stop=("\n\n",))
    assert build(ChatRequest("m", messages, parameters=some))["stop_sequences"] == ["END"]
    assert "stop_sequences" not in build(ChatRequest("m", messages, parameters=none))


def build_history(turns: int) -> tuple[Message, ...]:
    told = [
        message
        for turn in range(turns)
        for message in (
            build_user_message(f"{LONG}{turn}"),
            Message("assistant", (TextPart("yes"),)),
        )
    ]
    return (*told, build_user_message("and now?"))


def list_marks(body: dict[str, Any]) -> list[str]:
    """Name the places of a body that are marked: "system", or the number of a message."""
    system = body.get("system")
    marks = ["system"] if isinstance(system, list) and system[0]["cache_control"] == MARK else []
    for place, message in enumerate(body["messages"]):
        marks += [str(place) for block in message["content"] if "cache_control" in block]
    return marks


def test_a_conversation_s_beginning_and_last_turns_are_marked() -> None:
    body = build(ChatRequest("m", build_history(3), system=LONG))
    assert list_marks(body) == ["system", "4", "6"]
    assert body["system"] == [{"type": "text", "text": LONG, "cache_control": MARK}]
    assert body["messages"][6]["content"][-1] == {
        "type": "text",
        "text": "and now?",
        "cache_control": MARK,
    }


def test_a_first_question_is_not_marked() -> None:
    body = build(ChatRequest("m", build_history(0), system=LONG))
    assert (list_marks(body), body["system"]) == ([], LONG)


def test_what_is_too_short_to_be_kept_is_not_marked() -> None:
    told = (
        build_user_message("a"),
        Message("assistant", (TextPart("b"),)),
        build_user_message("c"),
    )
    assert list_marks(build(ChatRequest("m", told, system="be terse"))) == []
    assert list_marks(build(ChatRequest("m", (*told, *build_history(1))))) == ["2", "4"]


def test_tools_count_towards_the_size() -> None:
    tools = (ToolDefinition("f", LONG, {}),)
    body = build(ChatRequest("m", build_history(1), system="be terse", tools=tools))
    assert list_marks(body) == ["system", "0", "2"]


def test_only_anthropic_itself_gets_marks() -> None:
    chat = ChatRequest("m", build_history(2), system=LONG)
    assert list_marks(build(chat, OTHER)) == []
    assert list_marks(build(chat, "https://api.anthropic.com:443/v1")) == ["system", "2", "4"]


def test_no_mark_is_on_a_thought() -> None:
    thought = ReasoningPart("", "thinking", '{"type":"thinking","signature":"E"}', made_by="x")
    paused = Message("assistant", (TextPart("so"), thought))
    chat = ChatRequest("m", (*build_history(1), paused), asked_of="x")
    assert list_marks(build(chat)) == ["0", "2"]


CALLED = (
    build_user_message("q"),
    Message("assistant", (ToolCall("functions.f:0", "a.f", "[1"), ToolCall("b", "a.f", "3"))),
    Message("user", (ToolResult("functions.f:0", "1"),)),
)


def test_ids_and_names_from_elsewhere_are_made_fit() -> None:
    calls = build(ChatRequest("m", CALLED))["messages"][1]["content"]
    results = build(ChatRequest("m", CALLED))["messages"][2]["content"]
    assert [call["id"] for call in calls] == [result["tool_use_id"] for result in results]
    assert calls[0]["id"].isalnum()
    assert calls[1]["id"] == "b"
    assert calls[0]["name"] == "a_f"
    assert [call["input"] for call in calls] == [{"arguments": "[1"}, {"arguments": "3"}]
    assert results[1] == {
        "type": "tool_result",
        "tool_use_id": "b",
        "content": "aborted",
        "is_error": True,
    }


def test_a_history_with_calls_brings_their_tools_along() -> None:
    (tool,) = build(ChatRequest("m", CALLED))["tools"]
    assert tool["name"] == "a_f"
    assert tool["input_schema"] == {"type": "object"}
    given = (ToolDefinition("g", "does g", {"properties": {}}),)
    (tool,) = build(ChatRequest("m", CALLED, tools=given))["tools"]
    assert tool["name"] == "g"
    assert "tools" not in build(ChatRequest("m", build_history(1)))


def test_a_shortened_history_begins_with_the_user_all_the_same() -> None:
    chat = ChatRequest("m", (Message("assistant", (TextPart("yes"),)), build_user_message("q")))
    assert [message["role"] for message in build(chat)["messages"]] == ["user", "assistant", "user"]


def test_a_last_turn_of_the_assistant_does_not_end_in_white_space() -> None:
    chat = ChatRequest("m", (build_user_message("q"), Message("assistant", (TextPart("so \n"),))))
    assert build(chat)["messages"][-1]["content"] == [{"type": "text", "text": "so"}]
