"""The server's side of Anthropic Messages, as far as text and tool calls go.

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
from hiveloom_cli.demo.body import parse_body, parse_messages, parse_text, parse_tools
from hiveloom_cli.demo.calls import parse_calls
from hiveloom_cli.demo.sample import find_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.demo.calls import Call

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
    said_by_user = [said for said in messages if said.role == "user"]
    if not all(said.text.strip() or said.attached or said.results for said in said_by_user):
        raise Refusal(400, "messages: text content blocks must be non-empty")
    system = parse_text("system", fields.get("system") or "")
    asked = said_by_user[-1]
    return Question(
        model=fields["model"],
        text=asked.text,
        system=system,
        messages=len(messages),
        prompt="\n".join([system, *(said.text for said in messages)]),
        stream=bool(fields.get("stream")),
        attached=asked.attached,
        calls=() if asked.results else parse_calls(asked.text, parse_tools(fields)),
        results=asked.results,
        schema=find_schema(fields, "output_config", "format", "schema"),
    )


def build_reply(question: Question, stamp: Stamp) -> dict[str, Any]:
    """Build the whole answer as one object."""
    answer = format_answer(question)
    text = {"type": "text", "text": answer, "citations": None}
    calls = [_build_call(call, _parse_input(call)) for call in question.calls]
    return _build_message(question, stamp, count_tokens(answer)) | {
        "content": calls or [text],
        "stop_reason": _decide_reason(question),
    }


def build_events(question: Question, stamp: Stamp) -> Iterator[bytes]:
    """Build the answer as server-sent events, from `message_start` to `message_stop`."""
    pieces = parse_pieces(format_answer(question))
    yield _build_event("message_start", message=_build_message(question, stamp, 1))
    for index, call in enumerate(question.calls):
        delta = {"type": "input_json_delta", "partial_json": call.arguments}
        yield from _build_block(index, _build_call(call, {}), [delta])
    if not question.calls:
        text = {"type": "text", "text": "", "citations": None}
        yield from _build_block(0, text, [{"type": "text_delta", "text": one} for one in pieces])
    yield _build_event(
        "message_delta",
        delta={"stop_reason": _decide_reason(question), "stop_sequence": None},
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


def _build_block(
    index: int, block: dict[str, Any], deltas: list[dict[str, Any]]
) -> Iterator[bytes]:
    yield _build_event("content_block_start", index=index, content_block=block)
    yield _build_event("ping")
    for delta in deltas:
        yield _build_event("content_block_delta", index=index, delta=delta)
    yield _build_event("content_block_stop", index=index)


def _build_call(call: Call, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}


def _parse_input(call: Call) -> Any:
    try:
        return json.loads(call.arguments)
    except ValueError:
        raise Refusal(400, f"the arguments of {call.name} are not JSON") from None


def _decide_reason(question: Question) -> str:
    return "tool_use" if question.calls else "end_turn"


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
