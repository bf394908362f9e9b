"""Read a Messages reply, streamed or whole.

Source: Anthropic's API reference, "Streaming Messages".

Events are told by `data.type`: some servers leave out the `event:` line. Blocks are told by their
`index`: some servers let them overlap. Types of events, blocks and deltas that are not known are
passed over, as the protocol's versioning policy asks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import ReplyNotUnderstood, StreamCutShort
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    ReplyEnded,
    ReplyEvent,
    TextDelta,
    ToolCallReady,
    Usage,
    UsageReported,
)
from hiveloom_cli.protocols.lookup import get_count, get_list, get_map, get_text
from hiveloom_cli.protocols.message import Message, Part, ReasoningPart, TextPart, ToolCall
from hiveloom_cli.protocols.text import SurrogateJoiner

if TYPE_CHECKING:
    from collections.abc import Iterator

_FINISH_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
    "pause_turn": FinishReason.PAUSE,
}
_REASONING_TYPES = ("thinking", "redacted_thinking")


@dataclass(slots=True)
class _Block:
    """A content block under construction: its start as it came, and its deltas."""

    start: dict[str, Any]
    text: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    signature: str = ""
    joiner: SurrogateJoiner = field(default_factory=SurrogateJoiner)

    @property
    def type(self) -> str:
        return get_text(self.start, "type")

    def say(self, text: str) -> Iterator[ReplyEvent]:
        if not text:
            return
        self.text.append(text)
        yield ReasoningDelta(text) if self.type in _REASONING_TYPES else TextDelta(text)

    def build(self) -> Part | None:
        text = "".join(self.text)
        if self.type == "text":
            return TextPart(text) if text else None
        if self.type in _REASONING_TYPES:
            return ReasoningPart(text, field=self.type, wire=self._build_wire(text))
        if self.type == "tool_use":
            arguments = "".join(self.arguments)
            if not arguments:
                # Only deltas carry arguments in a stream; a call without any sends none at all.
                arguments = json.dumps(get_map(self.start, "input"), ensure_ascii=False)
            return ToolCall(get_text(self.start, "id"), get_text(self.start, "name"), arguments)
        return None

    def _build_wire(self, text: str) -> str:
        wire = dict(self.start)
        if self.type == "thinking":
            signature = self.signature or get_text(self.start, "signature")
            wire |= {"thinking": text, "signature": signature}
        return json.dumps(wire, ensure_ascii=False)


class MessagesFold:
    """What a Messages reply has said so far (a `ReplyFold`)."""

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._usage: dict[str, Any] = {}
        self._message_id = ""
        self._raw_reason = ""
        self._ended = False

    def take_event(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read one event."""
        match value.get("type"):
            case "message_start":
                self._start_message(get_map(value, "message"))
            case "content_block_start":
                yield from self._start_block(value.get("index"), get_map(value, "content_block"))
            case "content_block_delta":
                yield from self._take_delta(value.get("index"), get_map(value, "delta"))
            case "message_delta":
                reason = get_text(get_map(value, "delta"), "stop_reason")
                self._raw_reason = reason or self._raw_reason
                yield from self._take_usage(get_map(value, "usage"))
            case "message_stop":
                yield from self._end()

    def take_done(self) -> Iterator[ReplyEvent]:
        """Pass over `[DONE]`, which some gateways add after `message_stop`."""
        return iter(())

    def take_whole(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read a reply that is one JSON body."""
        for index, block in enumerate(get_list(value, "content")):
            if isinstance(block, dict):
                yield from self._start_block(index, block)
        self._raw_reason = get_text(value, "stop_reason")
        yield from self._take_usage(get_map(value, "usage"))
        yield from self._end()

    def close(self) -> Iterator[ReplyEvent]:
        """Only `message_stop` makes a stream complete."""
        yield from self._flush()
        if not self._ended:
            raise StreamCutShort(
                "the upstream's answer ended in the middle", hint="ask again; what came is kept"
            )

    def build_message(self, *, complete: bool) -> Message:
        """See `ReplyFold.build_message`."""
        built = (block.build() for _, block in sorted(self._blocks.items()))
        return Message("assistant", tuple(part for part in built if part), complete=complete)

    def _start_message(self, message: dict[str, Any]) -> None:
        message_id = get_text(message, "id")
        if self._message_id and message_id != self._message_id:
            # A gateway tried again inside one stream: what follows would repeat what was shown.
            raise ReplyNotUnderstood(
                "the upstream began another answer inside this one", hint="ask again"
            )
        self._message_id = message_id
        self._usage |= get_map(message, "usage")

    def _start_block(self, index: Any, start: dict[str, Any]) -> Iterator[ReplyEvent]:
        if not isinstance(index, int):
            return
        block = self._blocks[index] = _Block(start)
        if block.type in ("text", "thinking"):
            yield from block.say(block.joiner.feed(get_text(start, block.type)))

    def _take_delta(self, index: Any, delta: dict[str, Any]) -> Iterator[ReplyEvent]:
        block = self._blocks.get(index) if isinstance(index, int) else None
        if block is None:
            return
        match delta.get("type"):
            case "text_delta":
                yield from block.say(block.joiner.feed(get_text(delta, "text")))
            case "thinking_delta":
                yield from block.say(block.joiner.feed(get_text(delta, "thinking")))
            case "signature_delta":
                block.signature = get_text(delta, "signature")
            case "input_json_delta":
                block.arguments.append(get_text(delta, "partial_json"))

    def _take_usage(self, usage: dict[str, Any]) -> Iterator[ReplyEvent]:
        # Cumulative: what is named again replaces what was said before.
        self._usage |= {key: value for key, value in usage.items() if value is not None}
        if self._usage:
            yield UsageReported(_parse_usage(self._usage))

    def _flush(self) -> Iterator[ReplyEvent]:
        for _, block in sorted(self._blocks.items()):
            yield from block.say(block.joiner.close())

    def _end(self) -> Iterator[ReplyEvent]:
        if self._ended:
            return
        self._ended = True
        yield from self._flush()
        message = self.build_message(complete=True)
        reason = _FINISH_REASONS.get(self._raw_reason, FinishReason.OTHER)
        if reason is FinishReason.TOOL_CALLS:
            for part in message.parts:
                if isinstance(part, ToolCall):
                    yield ToolCallReady(part)
        yield ReplyEnded(message, reason, self._raw_reason)


def _parse_usage(usage: dict[str, Any]) -> Usage:
    # `input_tokens` leaves out what the cache held or took; a person means all of it.
    parts = [
        get_count(usage, name)
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    ]
    counted = [part for part in parts if part is not None]
    return Usage(
        input_tokens=sum(counted) if counted else None,
        output_tokens=get_count(usage, "output_tokens"),
        cached_input_tokens=get_count(usage, "cache_read_input_tokens"),
    )
