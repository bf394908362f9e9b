"""The server's side of OpenAI Chat Completions, as far as text and tool calls go.

Shapes follow `ChatCompletion`, `ChatCompletionChunk` and `Model` of the official SDK.
"""

from __future__ import annotations

import json
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from hiveloom_cli.demo.answer import (
    Question,
    Refusal,
    Stamp,
    count_tokens,
    format_answer,
    parse_pieces,
)
from hiveloom_cli.demo.body import Said, parse_body, parse_messages, parse_tools
from hiveloom_cli.demo.calls import parse_calls
from hiveloom_cli.demo.sample import find_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.demo.calls import Call

ANSWER_PATH = "/v1/chat/completions"
REQUEST_ID_HEADER = "x-request-id"
_ROLES = frozenset({"assistant", "developer", "system", "tool", "user"})
_CODES = {401: "invalid_api_key"}


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise `Refusal` unless a key came; any key will do."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Refusal(
            401, "You didn't provide an API key. It goes in an Authorization header: Bearer KEY"
        )


def parse_question(body: bytes, headers: Mapping[str, str]) -> Question:
    """Read the body of a request, or raise `Refusal`; the headers have no say here."""
    del headers
    fields = parse_body(body)
    messages = parse_messages(fields, _ROLES)
    asked = next((said for said in reversed(messages) if said.role == "user"), Said("user", ""))
    last = list(takewhile(lambda said: said.role == "tool", reversed(messages)))
    results = tuple(said.text for said in reversed(last))
    options = fields.get("stream_options") or {}
    if options and not (isinstance(options, dict) and fields.get("stream")):
        raise Refusal(400, "stream_options: only allowed when stream is true")
    return Question(
        model=fields["model"],
        text=asked.text,
        system="\n".join(said.text for said in messages if said.role in {"developer", "system"}),
        messages=len(messages),
        prompt="\n".join(said.text for said in messages),
        stream=bool(fields.get("stream")),
        include_usage=bool(options.get("include_usage")),
        attached=asked.attached,
        calls=() if results else parse_calls(asked.text, parse_tools(fields)),
        results=results,
        schema=find_schema(fields, "response_format", "json_schema", "schema"),
    )


def build_reply(question: Question, stamp: Stamp) -> dict[str, Any]:
    """Build the whole answer as one object."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": format_answer(question) or None,
        "refusal": None,
        "annotations": [],
    }
    if question.calls:
        message["tool_calls"] = [_build_call(call) for call in question.calls]
    reason = "tool_calls" if question.calls else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    reply = _build_object("chat.completion", question, stamp)
    return reply | {"choices": [choice], "usage": _build_usage(question)}


def build_events(question: Question, stamp: Stamp) -> Iterator[bytes]:
    """Build the answer as server-sent events: the role first, the usage if asked for, `[DONE]`."""
    for delta, finish_reason in _build_deltas(question):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        yield _build_chunk(question, stamp, [choice], None)
    if question.include_usage:
        yield _build_chunk(question, stamp, [], _build_usage(question))
    yield b"data: [DONE]\n\n"


def build_error(refusal: Refusal, stamp: Stamp) -> dict[str, Any]:
    """Build an error's body; this protocol has the request's id in a header only."""
    del stamp
    error = {
        "message": refusal.message,
        "type": "invalid_request_error",
        "param": None,
        "code": _CODES.get(refusal.status),
    }
    return {"error": error}


def build_models() -> dict[str, Any]:
    """Build the list of models; in truth any name is served."""
    model = {"id": "loopback", "object": "model", "created": 0, "owned_by": "hiveloom"}
    return {"object": "list", "data": [model]}


def _build_deltas(question: Question) -> Iterator[tuple[dict[str, Any], str | None]]:
    yield {"role": "assistant", "content": "", "refusal": None}, None
    for piece in parse_pieces(format_answer(question)):
        yield {"content": piece}, None
    for index, call in enumerate(question.calls):
        yield {"tool_calls": [{"index": index, **_build_call(call)}]}, None
    yield {}, "tool_calls" if question.calls else "stop"


def _build_call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _build_chunk(
    question: Question, stamp: Stamp, choices: list[dict[str, Any]], usage: dict[str, Any] | None
) -> bytes:
    chunk = _build_object("chat.completion.chunk", question, stamp) | {"choices": choices}
    if question.include_usage:
        chunk["usage"] = usage  # once asked for, every chunk has the field
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


def _build_object(kind: str, question: Question, stamp: Stamp) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{stamp.id}",
        "object": kind,
        "created": int(stamp.made_at.timestamp()),
        "model": question.model,
        "service_tier": "default",
        "system_fingerprint": "fp_loopback",
    }


def _build_usage(question: Question) -> dict[str, Any]:
    prompt, completion = count_tokens(question.prompt), count_tokens(format_answer(question))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
