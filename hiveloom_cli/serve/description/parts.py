"""The small pieces that the description is built of.

Source: OpenAPI 3.1, whose schemas are JSON Schema, draft 2020-12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Schema = dict[str, Any]
JSON = "application/json"
EVENTS = "text/event-stream"
REQUEST_IDS = ("X-Request-Id", "Request-Id")


def refer(name: str, kind: str = "schemas") -> Schema:
    """Refer to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def build_text(**more: Any) -> Schema:
    """Build a string, with what else is to hold of it."""
    return {"type": "string", **more}


def build_object(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, **more: Any
) -> Schema:
    """Build an object with these members; it may have others, which are passed over."""
    members = {"properties": {**required, **(optional or {})}}
    return {"type": "object", **members, "required": list(required), **more}


def build_list(items: Schema, most: int, *, least: int = 0, **more: Any) -> Schema:
    """Build an array."""
    bounds = {"minItems": least, "maxItems": most} if least else {"maxItems": most}
    return {"type": "array", "items": items, **bounds, **more}


def build_number(least: float, most: float, *, kind: str = "number", **more: Any) -> Schema:
    """Build a number, or with `kind` an integer, between two, which belong to it."""
    return {"type": kind, "minimum": least, "maximum": most, **more}


def build_words(*words: str | float | None, **more: Any) -> Schema:
    """Build one of some words."""
    return {"enum": list(words), **more}


def build_either(*schemas: Schema, **more: Any) -> Schema:
    """Build what fits at least one of some schemas."""
    return {"anyOf": list(schemas), **more}


def allow_null(schema: Schema) -> Schema:
    """Build the same for a member that may be null, which counts as not said."""
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return build_either(schema, {"type": "null"})


def build_flag(**more: Any) -> Schema:
    """Build a boolean that may be left out."""
    return allow_null({"type": "boolean", **more})


def build_event(name: str, data: Schema) -> Schema:
    """Build one server-sent event, whose data is JSON of that schema."""
    data = build_text(contentMediaType=JSON, contentSchema=data)
    return build_object({"event": {"const": name}, "data": data})


def build_operation(
    name: str,
    summary: str,
    responses: Mapping[str, Any],
    *,
    tag: str,
    body: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Build an operation; `body` is the content of what is sent to it."""
    sent = {"requestBody": {"required": True, "content": body}} if body else {}
    return {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        **more,
        **sent,
        "responses": dict(sorted(responses.items())),
    }


def build_body(schema: Schema, **examples: Any) -> dict[str, Any]:
    """Build the content of a request, with examples by name."""
    shown = {name: {"value": value} for name, value in examples.items()}
    return {JSON: {"schema": schema, "examples": shown}}


def build_reply(
    description: str, content: Mapping[str, Schema], headers: Sequence[str] = (), **more: Any
) -> dict[str, Any]:
    """Build a response; `content` has a schema for each content type, `headers` are components."""
    return {
        "description": description,
        "headers": {name: refer(name, "headers") for name in (*REQUEST_IDS, *headers)},
        "content": {kind: {"schema": schema} for kind, schema in content.items()},
        **more,
    }
