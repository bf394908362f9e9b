"""The Model Context Protocol as this server takes and gives it: its frame, and no more.

What a message holds is the protocol's to say, in the revision that client and server agree on.
Source: JSON-RPC 2.0; MCP, "Streamable HTTP".
"""

from __future__ import annotations

from typing import Any

from hiveloom_cli.serve.description.parts import (
    EVENTS,
    JSON,
    Schema,
    build_body,
    build_either,
    build_object,
    build_reply,
    build_text,
    refer,
)

_PHRASES = {
    400: "Not a message of the protocol, or a host that is none",
    404: "There is no such agent",
    406: "The client takes neither JSON nor events",
    500: "The agent cannot be asked as things are on the server",
    501: "The server has no MCP installed",
    503: "The server is busy",
}


def build_request() -> dict[str, Any]:
    """Build the content of a request: one message."""
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    return build_body(refer("McpMessage"), ping=ping)


def build_answers() -> dict[str, Any]:
    """Build the responses, by status; where the guard may speak as well, either does."""
    event = build_object({"event": build_text(), "data": build_text()})
    answered = {JSON: refer("McpMessage"), EVENTS: event}
    refused = {JSON: build_either(refer("McpMessage"), refer("McpFault"))}
    return {
        "200": build_reply("The answer, or events that end with it.", answered),
        "202": build_reply("Taken; there is nothing to say to it.", {}),
        **{str(status): build_reply(phrase, refused) for status, phrase in _PHRASES.items()},
    }


def build_schemas() -> dict[str, Schema]:
    """Build the components that these refer to."""
    fault = build_object({"message": build_text(minLength=1)})
    return {
        "McpMessage": _build_message(),
        "McpFault": build_object({"error": fault}, description="What is said before it is one."),
    }


def _build_message() -> Schema:
    frame: dict[str, Schema] = {"jsonrpc": {"const": "2.0"}}
    numbered = {**frame, "id": {"type": ["integer", "string"]}}
    method, params = {"method": build_text()}, {"params": {"type": ["object", "null"]}}
    error = build_object({"code": {"type": "integer"}, "message": build_text()})
    unnumbered = {"id": {"type": ["integer", "string", "null"]}}
    return build_either(
        build_object({**numbered, **method}, params),
        build_object({**frame, **method}, params),
        build_object({**numbered, "result": {"type": "object"}}),
        build_object({**frame, **unnumbered, "error": error}),
        description="A message of JSON-RPC: a request, a notification, a result, or an error.",
    )
