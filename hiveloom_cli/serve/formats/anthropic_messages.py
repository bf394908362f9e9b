"""Anthropic Messages from the server's side (a `WireFormat`).

Shapes follow `Message`, the `Raw…Event` types and `ModelInfo` of the official SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.chat.event import ToolStarted, TurnEnded
from hiveloom_cli.protocols.event import FinishReason, Usage
from hiveloom_cli.serve.formats.answer import begins_answer, decide_reason, find_end, find_stop
from hiveloom_cli.serve.formats.anthropic_blocks import Blocks, build_content
from hiveloom_cli.serve.formats.anthropic_request import parse_asked
from hiveloom_cli.serve.formats.failure import explain_failure, find_status
from hiveloom_cli.serve.formats.wire_format import Stamp, format_event
from hiveloom_cli.upstream.event import RetryWaiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.serve.asked import AgentBrief, Asked, Rejection

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


def build_reply(events: Sequence[Event], asked: Asked, stamp: Stamp) -> dict[str, Any]:
    """See `WireFormat.build_reply`."""
    ended = find_end(events)
    return {
        **_build_message(asked, stamp, ended.usage),
        "content": build_content(events, asked),
        **_build_end(ended, asked),
    }


class StreamFold:
    """A stream of events (a `StreamFold`), from `message_start` to `message_stop`."""

    def __init__(self, asked: Asked, stamp: Stamp) -> None:
        self._asked = asked
        self._stamp = stamp
        self._blocks = Blocks(asked)
        self._has_begun = False

    def feed(self, event: Event) -> Iterator[bytes]:
        """See `StreamFold.feed`; a long wait is told as a ping."""
        if not self._has_begun:
            if not begins_answer(event):
                return
            yield from self._begin()
        for told in self._blocks.take(event):
            yield _write(**told)
        if isinstance(event, RetryWaiting | ToolStarted):
            yield _write("ping")
        elif isinstance(event, TurnEnded):
            usage = _build_usage(event.usage)
            yield _write("message_delta", delta=_build_end(event, self._asked), usage=usage)
            yield _write("message_stop")

    def keep_alive(self) -> Iterator[bytes]:
        """See `StreamFold.keep_alive`."""
        if self._has_begun:
            yield _write("ping")
        else:
            yield from self._begin()

    def fail(self, error: HiveloomError | Rejection) -> Iterator[bytes]:
        """See `StreamFold.fail`."""
        status, code = find_status(error)
        told = build_error(status, explain_failure(error), code, self._stamp)
        yield format_event(told, "error")

    def _begin(self) -> Iterator[bytes]:
        self._has_begun = True
        yield _write("message_start", message=_build_message(self._asked, self._stamp, None))
        yield _write("ping")


def build_error(status: int, message: str, code: str, stamp: Stamp) -> dict[str, Any]:
    """See `WireFormat.build_error`; this format has a type for each status, and no codes."""
    del code
    general = "api_error" if status >= 500 else "invalid_request_error"
    error = {"type": _ERROR_TYPES.get(status, general), "message": message}
    return {"type": "error", "error": error, "request_id": stamp.request_id}


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


def _build_end(ended: TurnEnded, asked: Asked) -> dict[str, Any]:
    reason = decide_reason(ended, asked)
    if reason is FinishReason.STOP and (stop := find_stop(ended, asked)):
        return {"stop_reason": "stop_sequence", "stop_sequence": stop}
    return {"stop_reason": _REASONS.get(reason, "end_turn"), "stop_sequence": None}


def _write(type: str, **fields: object) -> bytes:  # noqa: A002 - the format's own word
    return format_event({"type": type, **fields}, type)
