"""An answer by schema: what is asked of a model, in each of the ways that upstreams know.

Sources: OpenAI's guide "Structured outputs" (what a strict schema is), Anthropic's guide of that
name and its SDK's `transform_schema` (what a schema may hold there).

Whatever an upstream makes of it, the answer is checked against the whole schema afterwards.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols.event import FinishReason, ReplyEnded, TextDelta, ToolCallReady
from hiveloom_cli.protocols.message import Message, TextPart, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.protocols.event import ReplyEvent

Schema = dict[str, Any]
_NESTED_MAPS = ("properties", "$defs", "definitions")
_NESTED_LISTS = ("anyOf", "oneOf", "allOf")
_NESTED = ("items",)
_STRICT_KEYWORDS = frozenset(
    {
        *("type", "properties", "required", "additionalProperties", "items", "anyOf", "enum"),
        *("const", "$ref", "$defs", "definitions", "title", "description", "pattern", "format"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minItems", "maxItems"),
    }
)
# What Anthropic refuses in a schema; a model that is told of it may keep to it all the same.
_TOLD_ONLY = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
    *("minProperties", "maxProperties", "default", "examples"),
)
_INSTRUCTION = (
    "Answer with nothing but one JSON value that fits this JSON Schema: no other words, and no"
    " code fence around it.\n\n{schema}"
)


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The JSON Schema that an answer has to fit; `name` is what it is called on the wire."""

    schema: Mapping[str, Any]
    name: str = "structured_answer"

    @property
    def is_object(self) -> bool:
        """Whether every answer is an object, as the arguments of a tool are."""
        return self.schema.get("type") == "object"

    def build_schema(self) -> Schema:
        """Build the schema that goes out; which draft it is of, no upstream asks."""
        return {key: value for key, value in self.schema.items() if key != "$schema"}

    def build_instruction(self) -> str:
        """Build the words that ask for it where nothing else does."""
        return _INSTRUCTION.format(schema=json.dumps(dict(self.schema), ensure_ascii=False))


def digest_schema(schema: Mapping[str, Any]) -> str:
    """Name a schema by its content, in twelve letters and digits."""
    text = json.dumps(schema, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI can hold a model to the schema: every property required, and no others."""
    return schema.get("type") == "object" and _is_strict(schema)


def _is_strict(schema: Any) -> bool:
    if not isinstance(schema, dict) or not schema.keys() <= _STRICT_KEYWORDS:
        return False
    properties = schema.get("properties", {})
    closed = schema.get("additionalProperties") is False
    whole = set(schema.get("required", ())) == set(properties)
    if _is_of_objects(schema) and not (closed and whole):
        return False
    return all(map(_is_strict, _list_inner(schema)))


def _is_of_objects(schema: Schema) -> bool:
    kind = schema.get("type")
    return (
        kind == "object" or "properties" in schema or (isinstance(kind, list) and "object" in kind)
    )


def _list_inner(schema: Schema) -> list[Any]:
    inner = [schema[key] for key in _NESTED if key in schema]
    for key in _NESTED_LISTS:
        inner += schema.get(key, ())
    for key in _NESTED_MAPS:
        inner += schema.get(key, {}).values()
    return inner


def narrow_schema(schema: Any) -> Any:
    """Build what Anthropic takes of a schema; the rest is told in its descriptions.

    Objects that list their properties are closed, as that API asks. One that is open on purpose
    stays so, and is refused.
    """
    if not isinstance(schema, dict):
        return schema
    narrow = {key: _narrow(key, value) for key, value in schema.items() if not _is_told(key, value)}
    if "oneOf" in narrow and "anyOf" not in narrow:
        narrow["anyOf"] = narrow.pop("oneOf")
    if schema.get("type") == "object" and "properties" in schema:
        narrow.setdefault("additionalProperties", False)
    if told := {key: value for key, value in schema.items() if _is_told(key, value)}:
        words = ", ".join(f"{key}: {json.dumps(value)}" for key, value in told.items())
        narrow["description"] = " ".join(filter(None, [schema.get("description"), f"({words})"]))
    return narrow


def _narrow(key: str, value: Any) -> Any:
    if key in _NESTED:
        return narrow_schema(value)
    if key in _NESTED_LISTS:
        return [narrow_schema(inner) for inner in value]
    if key in _NESTED_MAPS:
        return {name: narrow_schema(inner) for name, inner in value.items()}
    return value


def _is_told(key: str, value: Any) -> bool:
    return key in _TOLD_ONLY and not (key == "minItems" and value in (0, 1))


def take_answer(message: Message, name: str) -> Message:
    """Make text of the call by which a model gave its answer; what it said beside it goes."""
    calls = [part for part in message.parts if isinstance(part, ToolCall) and part.name == name]
    if not calls:
        return message
    kept = (part for part in message.parts if not isinstance(part, TextPart | ToolCall))
    return replace(message, parts=(*kept, TextPart(calls[0].arguments or "{}")))


def relay_answer(events: Iterator[ReplyEvent], name: str) -> Iterator[ReplyEvent]:
    """Yield a reply's events with the call by which a model gave its answer as text."""
    for event in events:
        if isinstance(event, ReplyEnded):
            yield from _end_answer(event, name)
        elif not (isinstance(event, ToolCallReady) and event.call.name == name):
            yield event


def _end_answer(ended: ReplyEnded, name: str) -> Iterator[ReplyEvent]:
    message = take_answer(ended.message, name)
    if message is not ended.message:
        yield TextDelta(message.text)
        called = ended.finish_reason is FinishReason.TOOL_CALLS
        reason = FinishReason.STOP if called else ended.finish_reason
        ended = replace(ended, message=message, finish_reason=reason)
    yield ended
