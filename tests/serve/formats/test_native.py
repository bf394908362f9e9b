"""The product's own format, as the server reads and writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.chat.event import ToolStarted
from hiveloom_cli.errors import AgentNotFound
from hiveloom_cli.protocols.message import Message, TextPart
from hiveloom_cli.serve.asked import AgentBrief, Asked, Rejection
from hiveloom_cli.serve.formats import native
from tests.support.turns import (
    OWN_CALL,
    QUESTION,
    STAMP,
    build_tool_turn,
    read_events,
    write_stream,
)

_ASKED = Asked("helper", (QUESTION,), conversation_id="01xyz")


def _encode(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_a_message_is_asked_of_the_agent_that_the_path_names() -> None:
    asked = native.parse_asked(_encode(message="Hello", conversation_id="01xyz"), "helper")
    assert asked == Asked(
        "helper", (Message("user", (TextPart("Hello"),)),), conversation_id="01xyz"
    )
    assert (
        native.parse_asked(_encode(message="Hello", conversation_id=None), "a").conversation_id
        == ""
    )


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({}, "message: it is required"),
        ({"message": 1}, "message: a string"),
        ({"message": " "}, "message: it is empty"),
        ({"message": "a", "conversation_id": 1}, "conversation_id: a string"),
        ({"message": "a", "conversation_id": "a" * 101}, "conversation_id: this is no"),
        ({"message": "a", "stream": 1}, "stream: a boolean"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(Rejection) as caught:
        native.parse_asked(_encode(**fields), "helper")
    assert caught.value.message.startswith(place)


@given(
    body=st.binary()
    | st.dictionaries(
        st.sampled_from(["message", "conversation_id", "stream"]),
        st.none() | st.text() | st.integers(),
    ).map(lambda fields: json.dumps(fields).encode())
)
def test_no_body_however_bent_raises_anything_but_a_rejection(body: bytes) -> None:
    try:
        assert native.parse_asked(body, "helper").messages
    except Rejection as rejection:
        assert rejection.status == 400  # noqa: PT017 - either end is fine


def test_a_reply_names_its_conversation_and_each_tool_that_was_used_once() -> None:
    events = [ToolStarted(OWN_CALL), *build_tool_turn()]
    assert native.build_reply(events, _ASKED, STAMP) == {
        "response": "I look it up.\n\nIt is noon.",
        "conversation_id": "01xyz",
        "capabilities_used": ["look_up"],
    }
    begun = native.build_reply(events, Asked("helper", (QUESTION,), id="01abc"), STAMP)
    assert begun["conversation_id"] == "01abc"


def test_a_stream_is_its_text_and_then_the_reply() -> None:
    *texts, reply = read_events(write_stream(native, build_tool_turn(), _ASKED))
    assert "".join(one["text"] for one in texts) == "I look it up.\n\nIt is noon."
    assert reply["response"] == "I look it up.\n\nIt is noon."
    assert reply["capabilities_used"] == ["look_up"]


def test_an_error_is_a_code_and_a_message_in_a_stream_too() -> None:
    told = native.build_error(404, "no agent", "model_not_found", STAMP)
    assert told == {"error": {"code": "model_not_found", "message": "no agent"}}
    fold = native.StreamFold(_ASKED, STAMP)
    failed = b"".join(fold.fail(AgentNotFound("no agent")))
    assert failed == b"event: error\ndata: " + json.dumps(told).encode() + b"\n\n"


def test_agents_are_listed_with_what_they_are_for() -> None:
    brief = AgentBrief("helper", "Helps.", "gpt-4o")
    listed = {"name": "helper", "description": "Helps.", "model": "gpt-4o"}
    assert native.build_models([brief]) == {"agents": [listed]}
