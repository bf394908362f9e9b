"""An answer by schema on the wire: what goes out, and how a call becomes the answer's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.json_schema import check_schema
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.event import FinishReason, ReplyEnded, TextDelta, ToolCallReady
from hiveloom_cli.protocols.message import (
    Message,
    ReasoningPart,
    TextPart,
    ToolCall,
    build_user_message,
)
from hiveloom_cli.protocols.output_schema import (
    OutputSchema,
    digest_schema,
    is_strict,
    narrow_schema,
    relay_answer,
    take_answer,
)
from hiveloom_cli.protocols.request import ChatRequest
from hiveloom_cli.protocols.table import PROTOCOLS
from tests.support.official import check_official

if TYPE_CHECKING:
    from hiveloom_cli.protocols.event import ReplyEvent

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}
OPEN: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}
NAME = OutputSchema({}).name
CALL = ToolCall("c", NAME, '{"a": 1}')


def build(protocol: Any, schema: dict[str, Any], *, stream: bool = True) -> dict[str, Any]:
    chat = ChatRequest("m", (build_user_message("hi"),), stream=stream, output=OutputSchema(schema))
    base_url = parse_base_url("https://h.example", source="the test")
    body = PROTOCOLS[protocol].requests.build_request(chat, base_url).body
    assert body is not None
    return dict(body)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("schema", [CLOSED, OPEN, {}, {"type": "array", "items": CLOSED}])
@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_a_request_by_schema_is_one_of_the_official_type(
    protocol: Any, schema: dict[str, Any], *, stream: bool
) -> None:
    check_official(protocol, build(protocol, schema, stream=stream))


def test_chat_completions_has_the_schema_in_the_response_format() -> None:
    assert build("openai", {"$schema": "https://json-schema.org/draft/2020-12/schema", **OPEN})[
        "response_format"
    ] == {"type": "json_schema", "json_schema": {"name": NAME, "schema": OPEN}}
    strict = build("openai", CLOSED)["response_format"]["json_schema"]
    assert strict == {"name": NAME, "schema": CLOSED, "strict": True}


def test_messages_has_it_in_the_output_config() -> None:
    assert build("anthropic", OPEN)["output_config"] == {
        "format": {"type": "json_schema", "schema": OPEN | {"additionalProperties": False}}
    }


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        (CLOSED | {"properties": {"a": CLOSED}}, True),
        (CLOSED | {"properties": {"a": {"anyOf": [CLOSED, {"type": "null"}]}}}, True),
        (CLOSED | {"$defs": {"b": CLOSED}}, True),
        (OPEN, False),
        (CLOSED | {"required": []}, False),
        (CLOSED | {"properties": {"a": OPEN}}, False),
        (CLOSED | {"properties": {"a": {"type": "array", "items": OPEN}}}, False),
        (CLOSED | {"properties": {"a": {"type": ["object", "null"]}}}, False),
        (CLOSED | {"properties": {"a": True}}, False),
        (CLOSED | {"$defs": {"b": OPEN}}, False),
        (CLOSED | {"not": {}}, False),
        ({"type": "array", "items": CLOSED}, False),
        ({"anyOf": [CLOSED]}, False),
        ({}, False),
    ],
)
def test_a_schema_is_strict_if_all_of_it_is_required_and_closed(
    schema: dict[str, Any], *, strict: bool
) -> None:
    assert is_strict(schema) is strict


def test_what_anthropic_does_not_take_is_told_in_words() -> None:
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "maximum": 9, "description": "Years."},
            "tags": {"type": "array", "items": {"type": "string", "minLength": 2}, "minItems": 1},
            "open": {"type": "object", "additionalProperties": {"type": "string"}},
            "minimum": {"type": "string"},
        },
        "$defs": {"point": {"oneOf": [OPEN, {"type": "null"}]}},
    }
    assert narrow_schema(schema) == {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": "Years. (minimum: 0, maximum: 9)"},
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": "(minLength: 2)"},
                "minItems": 1,
            },
            "open": {"type": "object", "additionalProperties": {"type": "string"}},
            "minimum": {"type": "string"},
        },
        "$defs": {"point": {"anyOf": [OPEN | {"additionalProperties": False}, {"type": "null"}]}},
        "additionalProperties": False,
    }


@given(
    st.recursive(
        st.sampled_from([True, {}, CLOSED, OPEN, {"type": "string", "pattern": "a"}]),
        lambda inner: st.fixed_dictionaries(
            {},
            optional={
                "items": inner,
                "anyOf": st.lists(inner, min_size=1),
                "properties": st.dictionaries(st.text(), inner),
                "required": st.lists(st.text(), unique=True),
                "type": st.sampled_from(["object", ["object", "null"], "array"]),
            },
        ),
        max_leaves=8,
    ).filter(lambda schema: isinstance(schema, dict))
)
def test_a_sound_schema_stays_sound(schema: dict[str, Any]) -> None:
    assert check_schema(schema) == []
    assert check_schema(narrow_schema(schema)) == []
    assert is_strict(schema) in {True, False}


def test_a_schema_is_known_by_its_content() -> None:
    assert digest_schema({"a": 1, "b": 2}) == digest_schema({"b": 2, "a": 1})
    assert digest_schema({"a": 1}) != digest_schema({"a": 2})


def test_the_call_becomes_the_answers_text() -> None:
    thought = ReasoningPart("hm", "thinking")
    message = Message("assistant", (thought, TextPart("Here:"), CALL))
    assert take_answer(message, NAME).parts == (thought, TextPart('{"a": 1}'))
    assert take_answer(Message("assistant", (ToolCall("c", NAME, ""),)), NAME).text == "{}"


@pytest.mark.parametrize("part", [TextPart("just text"), ToolCall("c", "other", "{}")])
def test_what_is_no_call_of_the_answer_stays_as_it_is(part: Any) -> None:
    message = Message("assistant", (part,))
    assert take_answer(message, NAME) is message
    ended = ReplyEnded(message, FinishReason.STOP, "stop")
    assert list(relay_answer(iter([ended]), NAME)) == [ended]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (FinishReason.TOOL_CALLS, FinishReason.STOP),
        (FinishReason.LENGTH, FinishReason.LENGTH),
    ],
)
def test_the_reader_of_a_reply_sees_text_and_no_call(
    said: FinishReason, told: FinishReason
) -> None:
    message = Message("assistant", (CALL,))
    other = ToolCallReady(ToolCall("d", "other", "{}"))
    events: list[ReplyEvent] = [ToolCallReady(CALL), other, ReplyEnded(message, said, "raw")]
    text = Message("assistant", (TextPart('{"a": 1}'),))
    assert list(relay_answer(iter(events), NAME)) == [
        other,
        TextDelta('{"a": 1}'),
        ReplyEnded(text, told, "raw"),
    ]
