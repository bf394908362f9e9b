"""The server's side of Anthropic Messages, as far as text goes.

Shapes follow `Message`, the `Raw…Event` types and `ModelInfo` of the official SDK.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.demo.answer import (
    Question,
    Refusal,
    Stamp,
    count_tokens,
    format_answer,
    parse_pieces,
)
from hiveloom_cli.demo.body import parse_body, parse_messages, parse_text
from hiveloom_cli.demo.sample import find_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ANSWER_PATH = "/v1/messages"
REQUEST_ID_HEADER = "request-id"
VERSION_HEADER = "anthropic-version"
_ROLES = frozenset({"assistant", "system", "user"})
_ERROR_TYPES = {401: "authentication_error", 404: "not_found_error"}
_OLD_VERSION = "2023-06-01"
_OLD_FIELDS = ("temperature", "top_p", "top_k")  # versions since refuse them at any value


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise `Refusal` unless a key and a version came; any key will do, in either header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    if not (headers.get("x-api-key", "").strip() or bearer):
        raise Refusal(401, "x-api-key header is required")
    if not headers.get(VERSION_HEADER):
        raise Refusal(400, f"{VERSION_HEADER}: header is required")


def parse_question(body: bytes, headers: Mapping[str, str]) -> Question:
    """Read the body of a request, or raise `Refusal`; its version decides which fields it has."""
    fields = parse_body(body)
    _check_fields(fields, headers)
    messages = parse_messages(fields, _ROLES)
    if messages[0].role != "user":
        raise Refusal(400, "messages: first message must use the user role")
    if not all(said.text.strip() or said.attached for said in messages if said.role == "user"):
        raise Refusal(400, "messages: text content blocks must be non-empty")
    system = parse_text("system", fields.get("system") or "")
    asked = next(said for said in reversed(messages) if said.role == "user")
    return Question(
        model=fields["model"],
        text=asked.text,
        system=system,
        messages=len(messages),
        prompt="\n".join([system, *(said.text for said in messages)]),
        stream=bool(fields.get("stream")),
        attached=asked.attached,
        schema=find_schema(fields, "output_config", "format", "schema"),
    )


def build_reply(question: Question, stamp: Stamp) -> dict[str, Any]:
    """Build the whole answer as one object."""
    answer = format_answer(question)
    return _build_message(question, stamp, count_tokens(answer)) | {
        "content": [{"type": "text", "text": answer, "citations": None}],
        "stop_reason": "end_turn",
    }


def build_events(question: Question, stamp: Stamp) -> Iterator[bytes]:
    """Build the answer as server-sent events, from `message_start` to `message_stop`."""
    block = {"type": "text", "text": "", "citations": None}
    pieces = parse_pieces(format_answer(question))
    yield _build_event("message_start", message=_build_message(question, stamp, 1))
    yield _build_event("content_block_start", index=0, content_block=block)
    yield _build_event("ping")
    for piece in pieces:
        delta = {"type": "text_delta", "text": piece}
        yield _build_event("content_block_delta", index=0, delta=delta)
    yield _build_event("content_block_stop", index=0)
    yield _build_event(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": None},
        usage=_build_usage(question, len(pieces)),
    )
    yield _build_event("message_stop")


def build_error(refusal: Refusal, stamp: Stamp) -> dict[str, Any]:
    """Build an error's body."""
    kind = _ERROR_TYPES.get(refusal.status, "invalid_request_error")
    error = {"type": kind, "message": refusal.message}
    return {"type": "error", "error": error, "request_id": f"req_{stamp.id}"}


def build_models() -> dict[str, Any]:
    """Build the list of models; in truth any name is served."""
    model = {
        "type": "model",
        "id": "claude-loopback",
        "display_name": "Loopback",
        "created_at": "1970-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": None,
        "max_tokens": None,
        "capabilities": None,
    }
    return {"data": [model], "has_more": False, "first_id": model["id"], "last_id": model["id"]}


def _check_fields(fields: dict[str, Any], headers: Mapping[str, str]) -> None:
    limit = fields.get("max_tokens")
    if type(limit) is not int or limit < 1:  # a bool is an int to isinstance
        raise Refusal(400, "max_tokens: a positive integer is required")
    for name in _OLD_FIELDS:
        if name in fields and headers.get(VERSION_HEADER) != _OLD_VERSION:
            raise Refusal(400, f"{name}: Extra inputs are not permitted")


def _build_event(kind: str, **fields: object) -> bytes:
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def _build_message(question: Question, stamp: Stamp, output_tokens: int) -> dict[str, Any]:
    return {
        "id": f"msg_{stamp.id}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _build_usage(question, output_tokens),
    }


def _build_usage(question: Question, output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": count_tokens(question.prompt),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
    }
