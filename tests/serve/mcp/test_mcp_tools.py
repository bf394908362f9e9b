"""What an MCP client sees of an agent, and what it may call it with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.json_schema import check_schema, find_schema_faults
from hiveloom_cli.serve.asked import AgentBrief, ConversationBrief, Rejection
from hiveloom_cli.serve.mcp.tools import (
    build_answer,
    build_failure,
    build_list,
    build_tools,
    parse_chat,
    parse_limit,
)

HELPER = AgentBrief("helper", "Answers in few words.", "m")
KEPT = AgentBrief("helper", "", "m", keeps=True)
SAID = ConversationBrief("01abc", "Bees", datetime(2026, 1, 31, 12, 30, tzinfo=UTC))

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def find_tool(agent: AgentBrief, name: str) -> dict[str, Any]:
    return next(tool for tool in build_tools(agent) if tool["name"] == name)


@pytest.mark.parametrize("agent", [HELPER, KEPT])
def test_schemas_are_sound(agent: AgentBrief) -> None:
    for tool in build_tools(agent):
        assert check_schema(tool["inputSchema"]) == []
        assert check_schema(tool["outputSchema"]) == []


def test_a_conversation_is_offered_only_where_it_can_be_gone_on_with() -> None:
    [chat] = build_tools(HELPER)
    assert "conversation_id" not in json.dumps(chat)
    assert "remembers nothing" in chat["description"]
    chat, listing = build_tools(KEPT)
    assert "conversation_id" in chat["inputSchema"]["properties"]
    assert "conversation_id" in chat["outputSchema"]["required"]
    assert listing["annotations"]["readOnlyHint"] is True


def test_a_description_is_one_of_whole_sentences() -> None:
    said = find_tool(HELPER, "chat")["description"]
    assert "the agent helper" in said
    assert "says of itself: Answers in few words. It sees" in said
    assert "says of itself" not in find_tool(KEPT, "chat")["description"]


@pytest.mark.parametrize(
    ("agent", "name", "result"),
    [
        (HELPER, "chat", build_answer("Hello.", "")),
        (KEPT, "chat", build_answer("Hello.", "01abc")),
        (KEPT, "list_conversations", build_list([])),
        (KEPT, "list_conversations", build_list([SAID, SAID])),
    ],
)
def test_a_result_fits_what_its_tool_says(
    agent: AgentBrief, name: str, result: dict[str, Any]
) -> None:
    schema = find_tool(agent, name)["outputSchema"]
    assert find_schema_faults(result["structuredContent"], schema) == []
    assert all(part["type"] == "text" for part in result["content"])
    assert "isError" not in result


def test_a_listed_conversation_tells_when_it_changed() -> None:
    [row] = build_list([SAID])["structuredContent"]["conversations"]
    assert row == {"id": "01abc", "title": "Bees", "changed_at": "2026-01-31T12:30:00Z"}


def test_the_id_is_there_for_models_that_see_text_alone() -> None:
    texts = [part["text"] for part in build_answer("Hello.", "01abc")["content"]]
    assert texts == ["Hello.", "conversation_id: 01abc"]


def test_what_failed_is_marked_as_such() -> None:
    failed = build_failure("it is late")
    assert failed == {"content": [{"type": "text", "text": "it is late"}], "isError": True}


def test_a_message_is_asked_with_the_id_of_its_call() -> None:
    asked = parse_chat({"message": "hi", "conversation_id": "01abc"}, "helper", "01xyz")
    assert (asked.agent, asked.messages[-1].text) == ("helper", "hi")
    assert (asked.conversation_id, asked.id) == ("01abc", "01xyz")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "message: it is required"),
        ({"message": None}, "message: it is required"),
        ({"message": " \n"}, "message: it is empty"),
        ({"message": ["hi"]}, "message: a string is expected"),
        ({"message": "hi", "conversation_id": 7}, "conversation_id: a string is expected"),
        ({"message": "hi", "stream": True}, "there is no argument “stream”"),
        ({"mesage": "hi"}, "known are: message, conversation_id"),
    ],
)
def test_a_wrong_argument_is_told_by_its_name(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejection) as refused:
        parse_chat(arguments, "helper", "01xyz")
    assert said in refused.value.message


@given(
    st.dictionaries(st.sampled_from(["message", "conversation_id", "limit"]) | st.text(), VALUES)
)
def test_any_arguments_are_read_or_refused(arguments: dict[str, Any]) -> None:
    for parse in (lambda: parse_chat(arguments, "helper", "01xyz"), lambda: parse_limit(arguments)):
        try:
            assert parse()
        except Rejection as refused:
            assert refused.message.isprintable()  # noqa: PT017 - being read is as good


@pytest.mark.parametrize(("given_", "limit"), [({}, 20), ({"limit": 1}, 1), ({"limit": 100}, 100)])
def test_a_limit_is_read(given_: dict[str, Any], limit: int) -> None:
    assert parse_limit(given_) == limit


@pytest.mark.parametrize("limit", [0, 101, -1, 1.5, "3", True])
def test_a_limit_is_a_number_within_limits(limit: Any) -> None:
    with pytest.raises(Rejection, match="limit: a whole number"):
        parse_limit({"limit": limit})
