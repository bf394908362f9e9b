"""Anthropic Messages from the server's side (a `WireFormat`).

Shapes follow `Message`, the `Raw…Event` types and `ModelInfo` of the official SDK. Thoughts are not
shown: a block of them needs a signature, which only the model's own upstream can give and check.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.chat.event import ToolStarted, TurnEnded
from hiveloom_cli.protocols.arguments import parse_arguments
from hiveloom_cli.protocols.event import FinishReason, Usage
from hiveloom_cli.serve.answer import VisibleText, begins_answer, decide_reason, list_shown_calls
from hiveloom_cli.serve.anthropic_request import parse_asked
from hiveloom_cli.serve.failure import explain_failure, find_status
from hiveloom_cli.serve.wire_format import Stamp, format_event
from hiveloom_cli.upstream.event import RetryWaiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.protocols.message import ToolCall
    from hiveloom_cli.serve.asked import AgentBrief, Asked

__all__ = ["StreamFold", "build_error", "build_model", "build_models", "build_reply", "parse_asked"]
_REASONS = {
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
}
_ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def build_reply(
    ended: TurnEnded, asked: Asked, stamp: Stamp, used: Sequence[str] = ()
) -> dict[str, Any]:
    """See `WireFormat.build_reply`; the format has no place for what was used."""
    del used
    text = ended.message.text
    calls = list_shown_calls(ended, asked)
    content = [{"type": "text", "text": text, "citations": None}] if text else []
    content += [_build_call(call, _parse_input(call)) for call in calls]
    return _build_message(asked, stamp, ended.usage) | {
        "content": content,
        "stop_reason": _decide_reason(ended, asked),
    }


class StreamFold:
    """A stream of events (a `StreamFold`), from `message_start` to `message_stop`."""

    def __init__(self, asked: Asked, stamp: Stamp) -> None:
        self._asked = asked
        self._stamp = stamp
        self._text = VisibleText(asked)
        self._has_begun = False
        self._blocks = 0  # how many have begun; a block of text can only be the first

    def feed(self, event: Event) -> Iterator[bytes]:
        """See `StreamFold.feed`; a long wait is told as a ping."""
        if not self._has_begun:
            if not begins_answer(event):
                return
            self._has_begun = True
            yield _write("message_start", message=_build_message(self._asked, self._stamp, None))
            yield _write("ping")
        if text := self._text.take(event):
            yield from self._say(text)
        if isinstance(event, RetryWaiting | ToolStarted):
            yield _write("ping")
        elif isinstance(event, TurnEnded):
            yield from self._end(event)

    def fail(self, error: HiveloomError) -> Iterator[bytes]:
        """See `StreamFold.fail`."""
        status, code = find_status(error)
        told = build_error(status, explain_failure(error), code, self._stamp)
        yield format_event(told, "error")

    def _say(self, text: str) -> Iterator[bytes]:
        if not self._blocks:
            self._blocks = 1
            block = {"type": "text", "text": "", "citations": None}
            yield _write("content_block_start", index=0, content_block=block)
        yield _write("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def _end(self, ended: TurnEnded) -> Iterator[bytes]:
        if self._blocks:
            yield _write("content_block_stop", index=0)
        calls = list_shown_calls(ended, self._asked)
        for index, call in enumerate(calls, start=self._blocks):
            arguments = json.dumps(_parse_input(call), ensure_ascii=False)
            delta = {"type": "input_json_delta", "partial_json": arguments}
            yield _write("content_block_start", index=index, content_block=_build_call(call, {}))
            yield _write("content_block_delta", index=index, delta=delta)
            yield _write("content_block_stop", index=index)
        reason = _decide_reason(ended, self._asked)
        yield _write(
            "message_delta",
            delta={"stop_reason": reason, "stop_sequence": None},
            usage=_build_usage(ended.usage),
        )
        yield _write("message_stop")


def build_error(status: int, message: str, code: str, stamp: Stamp) -> dict[str, Any]:
    """See `WireFormat.build_error`; this format has a type for each status, and no codes."""
    del code
    general = "api_error" if status >= 500 else "invalid_request_error"
    error = {"type": _ERROR_TYPES.get(status, general), "message": message}
    return {"type": "error", "error": error, "request_id": f"req_{stamp.id}"}


def build_models(agents: Sequence[AgentBrief]) -> dict[str, Any]:
    """See `WireFormat.build_models`: clients know agents as models."""
    names = [agent.name for agent in agents]
    return {
        "data": [build_model(agent) for agent in agents],
        "has_more": False,
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }


def build_model(agent: AgentBrief) -> dict[str, Any]:
    """See `WireFormat.build_model`."""
    return {
        "type": "model",
        "id": agent.name,
        "display_name": agent.name,
        "created_at": "1970-01-01T00:00:00Z",  # the format's own way to say that it is not known
        "lifecycle": "active",
        "max_input_tokens": None,
        "max_tokens": None,
        "capabilities": None,
    }


def _build_message(asked: Asked, stamp: Stamp, usage: Usage | None) -> dict[str, Any]:
    return {
        "id": f"msg_{stamp.id}",
        "type": "message",
        "role": "assistant",
        "model": asked.agent,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _build_usage(usage),
    }


def _build_usage(usage: Usage | None) -> dict[str, Any]:
    # Every count is required here, so that what is not known is 0.
    told = usage or Usage()
    cached = told.cached_input_tokens or 0
    return {
        "input_tokens": max(0, (told.input_tokens or 0) - cached),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": told.output_tokens or 0,
    }


def _build_call(call: ToolCall, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}


def _parse_input(call: ToolCall) -> dict[str, Any]:
    """Read a call's arguments; what strict JSON does not know goes along as text."""
    arguments = parse_arguments(call.arguments)
    try:
        json.dumps(arguments, allow_nan=False)
    except ValueError:
        return {"arguments": call.arguments}
    return arguments


def _decide_reason(ended: TurnEnded, asked: Asked) -> str:
    return _REASONS.get(decide_reason(ended, asked), "end_turn")


def _write(kind: str, **fields: object) -> bytes:
    return format_event({"type": kind, **fields}, kind)
