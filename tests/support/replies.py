"""Reading a reply's bytes with a protocol's reader, and events in a form that JSON can hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, assert_never

from hiveloom_cli.errors import UpstreamError
from hiveloom_cli.protocols.event import (
    ReasoningDelta,
    ReplyEnded,
    TextDelta,
    ThoughtEnded,
    ToolCallReady,
    UsageReported,
)
from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    OpaquePart,
    ReasoningPart,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
)
from hiveloom_cli.protocols.table import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hiveloom_cli.protocols.event import ReplyEvent
    from hiveloom_cli.protocols.message import Message, Part
    from hiveloom_cli.protocols.providers import ProtocolName
    from hiveloom_cli.protocols.reply import ReplyReader

Seen = list[dict[str, Any]]


def read_reply(protocol: ProtocolName, pieces: Iterable[bytes]) -> Seen:
    """Read a reply; an error that ends it is its last entry."""
    return read_whole(protocol, pieces)[0]


def read_whole(protocol: ProtocolName, pieces: Iterable[bytes]) -> tuple[Seen, Message]:
    """Read a reply, and the message that it leaves; incomplete if an error ended it."""
    reader = PROTOCOLS[protocol].open_reader()
    seen: Seen = []
    message = None
    try:
        for event in _read_events(reader, pieces):
            seen.append(describe(event))
            if isinstance(event, ReplyEnded):
                message = event.message
    except UpstreamError as error:
        seen.append({"error": error.code, "message": error.message})
    return seen, message or reader.build_partial()


def _read_events(reader: ReplyReader, pieces: Iterable[bytes]) -> Iterator[ReplyEvent]:
    for piece in pieces:
        yield from reader.feed(piece)
    yield from reader.close()


def describe(event: ReplyEvent) -> dict[str, Any]:
    match event:
        case TextDelta(text):
            return {"text": text}
        case ReasoningDelta(text):
            return {"reasoning": text}
        case ThoughtEnded(part):
            return {"thought": describe_part(part)}
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


def describe_part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart(text):
            return {"text": text}
        case ReasoningPart():
            wire = {"wire": json.loads(part.wire)} if part.wire else {}
            return {"reasoning": part.text, "field": part.field, **wire}
        case OpaquePart():
            return {"opaque": json.loads(part.wire)}
        case ToolCall():
            return {"tool_call": [part.id, part.name, part.arguments]}
        case ImagePart() | DocumentPart() | TextFilePart() | ToolResult():
            raise AssertionError(f"no model says {part}")
        case _:
            assert_never(part)
