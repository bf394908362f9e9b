"""Replies of both protocols as an upstream would write them, built from a text.

A stream is a list of pieces, one server-sent event each; join and cut it as a test needs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]

OPENAI_USAGE: Json = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
ANTHROPIC_USAGE: Json = {"input_tokens": 3, "output_tokens": 5}


def encode_json(value: object) -> bytes:
    """Encode as the services do, letters beyond ASCII as they are, half a letter as its escape."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def sse(data: object, event: str = "") -> bytes:
    """Build one server-sent event; `data` that is not a string is encoded as JSON."""
    text = data if isinstance(data, str) else encode_json(data).decode()
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()


def split_text(text: str, size: int = 4) -> list[str]:
    """Cut a text into pieces of `size` characters."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def openai_chunk(
    delta: Json | None = None,
    *,
    finish_reason: str | None = None,
    model: str = "gpt-4o-mini",
    **fields: object,
) -> bytes:
    """Build one chunk of a stream; `fields` replace or join its top level (`choices=[]`)."""
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish_reason}
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": model,
        "choices": [choice],
    }
    return sse(chunk | fields)


def openai_stream(
    text: str | Sequence[str],
    *,
    finish_reason: str | None = "stop",
    usage: Json | None = OPENAI_USAGE,
    done: bool = True,
    model: str = "gpt-4o-mini",
) -> list[bytes]:
    """Build a stream that says `text`, cut up here if it is one string.

    Without `finish_reason` and `done` it breaks off.
    """
    pieces = split_text(text) if isinstance(text, str) else text
    events = [openai_chunk({"role": "assistant", "content": ""}, model=model)]
    events += [openai_chunk({"content": piece}, model=model) for piece in pieces]
    if finish_reason:
        events.append(openai_chunk(finish_reason=finish_reason, model=model))
    if usage:
        events.append(openai_chunk(model=model, choices=[], usage=usage))
    return [*events, sse("[DONE]")] if done else events


def openai_reply(
    text: str,
    *,
    finish_reason: str = "stop",
    usage: Json | None = OPENAI_USAGE,
    model: str = "gpt-4o-mini",
) -> bytes:
    """Build the body of a reply that is not streamed."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": model,
        "choices": [choice],
    }
    return encode_json(reply | ({"usage": usage} if usage else {}))


def openai_error(
    message: str, *, kind: str = "invalid_request_error", code: str | int | None = None
) -> bytes:
    """Build an error's body."""
    return encode_json({"error": {"message": message, "type": kind, "param": None, "code": code}})


def anthropic_event(kind: str, **fields: object) -> bytes:
    """Build one event of a stream."""
    return sse({"type": kind, **fields}, event=kind)


def anthropic_stream(
    text: str | Sequence[str],
    *,
    stop_reason: str | None = "end_turn",
    usage: Json = ANTHROPIC_USAGE,
    model: str = "claude-haiku-4-5",
    stop: bool = True,
) -> list[bytes]:
    """Build a stream that says `text`, cut up here if it is one string.

    Without `stop_reason` and `stop` it breaks off.
    """
    pieces = split_text(text) if isinstance(text, str) else text
    start = _anthropic_message(model, usage | {"output_tokens": 1})
    block = {"type": "text", "text": ""}
    events = [
        anthropic_event("message_start", message=start),
        anthropic_event("content_block_start", index=0, content_block=block),
        anthropic_event("ping"),
        *(
            anthropic_event(
                "content_block_delta", index=0, delta={"type": "text_delta", "text": piece}
            )
            for piece in pieces
        ),
        anthropic_event("content_block_stop", index=0),
    ]
    if stop_reason:
        delta = {"stop_reason": stop_reason, "stop_sequence": None}
        events.append(anthropic_event("message_delta", delta=delta, usage=usage))
    return [*events, anthropic_event("message_stop")] if stop else events


def anthropic_reply(
    text: str,
    *,
    stop_reason: str = "end_turn",
    usage: Json = ANTHROPIC_USAGE,
    model: str = "claude-haiku-4-5",
) -> bytes:
    """Build the body of a reply that is not streamed."""
    content = [{"type": "text", "text": text}] if text else []
    message = _anthropic_message(model, usage)
    return encode_json(message | {"content": content, "stop_reason": stop_reason})


def anthropic_error(message: str, *, kind: str = "invalid_request_error") -> bytes:
    """Build an error's body, which is also the data of an `error` event."""
    error = {"type": kind, "message": message}
    return encode_json({"type": "error", "error": error, "request_id": "req_1"})


def _anthropic_message(model: str, usage: Json) -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
