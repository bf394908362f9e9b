"""Reading a reply's bytes with a protocol's reader, and events in a form that JSON can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from hiveloom_cli.errors import UpstreamError
from hiveloom_cli.protocols.event import (
    ReasoningDelta,
    ReplyEnded,
    TextDelta,
    ToolCallReady,
    UsageReported,
)
from hiveloom_cli.protocols.table import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.protocols.event import ReplyEvent
    from hiveloom_cli.protocols.providers import ProtocolName

Seen = list[dict[str, Any]]


def read_reply(protocol: ProtocolName, pieces: Iterable[bytes]) -> Seen:
    """Read a reply; an error that ends it is its last entry."""
    reader = PROTOCOLS[protocol].open_reader()
    seen: Seen = []
    try:
        for piece in pieces:
            seen += map(describe, reader.feed(piece))
        seen += map(describe, reader.close())
    except UpstreamError as error:
        seen.append({"error": error.code, "message": error.message})
    return seen


def describe(event: ReplyEvent) -> dict[str, Any]:
    match event:
        case TextDelta(text):
            return {"text": text}
        case ReasoningDelta(text):
            return {"reasoning": text}
        case ToolCallReady(call):
            return {"tool_call": [call.id, call.name, call.arguments]}
        case UsageReported(usage):
            counts = [usage.input_tokens, usage.output_tokens, usage.cached_input_tokens]
            return {"usage": counts}
        case ReplyEnded():
            return {"ended": event.finish_reason.value, "raw": event.raw_reason}
        case _:
            assert_never(event)


def join_text(seen: Seen) -> str:
    """Join the text of what was seen."""
    return "".join(entry.get("text", "") for entry in seen)
