"""Read a Messages reply, streamed or whole.

Source: Anthropic's API reference, "Streaming Messages".

Events are told by `data.type`: some servers leave out the `event:` line. Blocks are told by their
`index`: some servers let them overlap. Types of events and deltas that are not known are passed
over, as the protocol's versioning policy asks; unknown blocks are kept, to be sent back.
"""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import ReplyNotUnderstood, StreamCutShort
from hiveloom_cli.protocols.anthropic_messages.block import Block
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReplyEnded,
    ReplyEvent,
    ToolCallReady,
    Usage,
    UsageReported,
)
from hiveloom_cli.protocols.lookup import get_count, get_list, get_map, get_text
from hiveloom_cli.protocols.message import Message, Part, ToolCall
from hiveloom_cli.protocols.text import repair_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FINISH_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
    "pause_turn": FinishReason.PAUSE,
}


class MessagesFold:
    """What a Messages reply has said so far (a `ReplyFold`)."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, Block]] = []
        self._by_index: dict[int, Block] = {}
        self._usage: dict[str, Any] = {}
        self._message_id = ""
        self._raw_reason = ""
        self._explanation = ""
        self._stop = ""
        self._ended = False

    def take_event(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read one event."""
        match value.get("type"):
            case "message_start":
                yield from self._start_message(get_map(value, "message"))
            case "content_block_start":
                yield from self._start_block(value.get("index"), get_map(value, "content_block"))
            case "content_block_delta" | "content_block_stop" as kind:
                if (block := self._find_block(value.get("index"))) is not None:
                    is_over = kind == "content_block_stop"
                    yield from block.end() if is_over else block.take_delta(get_map(value, "delta"))
            case "message_delta":
                self._take_reason(get_map(value, "delta"))
                yield from self._take_usage(get_map(value, "usage"))
            case "message_stop":
                yield from self._end()

    def take_done(self) -> Iterator[ReplyEvent]:
        """Pass over `[DONE]`, which some gateways add after `message_stop`."""
        return iter(())

    def take_whole(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read a reply that is one JSON body.

        Raises `ReplyNotUnderstood` if the JSON knows nothing of content.
        """
        if "content" not in value:
            raise ReplyNotUnderstood(
                "the upstream sent JSON that is no answer to a message",
                hint="check the base URL: it must be the API's",
            )
        for index, block in enumerate(get_list(value, "content")):
            if isinstance(block, dict):
                yield from self._start_block(index, block)
        self._take_reason(value)
        yield from self._take_usage(get_map(value, "usage"))
        yield from self._end()

    def close(self) -> Iterator[ReplyEvent]:
        """Only `message_stop` makes a stream complete."""
        if not self._ended:
            yield from self._flush()
            raise StreamCutShort("the upstream's answer ended in the middle", hint="ask again")

    def build_message(self, *, complete: bool) -> Message:
        """See `ReplyFold.build_message`."""
        built = (block.build() for block in self._list_blocks())
        parts = _name_calls(part for part in built if part is not None)
        return Message("assistant", tuple(parts), complete=complete)

    def _start_message(self, message: dict[str, Any]) -> Iterator[ReplyEvent]:
        message_id = get_text(message, "id")
        if self._message_id:
            if message_id != self._message_id:
                # A gateway tried again inside one stream: what follows would repeat what was shown.
                raise ReplyNotUnderstood(
                    "the upstream began another answer inside this one", hint="ask again"
                )
            return
        self._message_id = message_id
        self._usage |= get_map(message, "usage")
        # Blocks that are there from the start stand before all that have an index.
        content = get_list(message, "content")
        for index, block in enumerate(content, start=-len(content)):
            if isinstance(block, dict):
                yield from self._start_block(index, block)

    def _start_block(self, index: Any, start: dict[str, Any]) -> Iterator[ReplyEvent]:
        if isinstance(index, int):
            # An index begun anew hides its first block from later deltas, and loses nothing.
            block = self._by_index[index] = Block(start)
            self._blocks.append((index, block))
            yield from block.begin()

    def _find_block(self, index: Any) -> Block | None:
        return self._by_index.get(index) if isinstance(index, int) else None

    def _list_blocks(self) -> list[Block]:
        return [block for _, block in sorted(self._blocks, key=itemgetter(0))]

    def _take_reason(self, delta: dict[str, Any]) -> None:
        self._raw_reason = self._raw_reason or repair_text(get_text(delta, "stop_reason"))
        self._stop = self._stop or repair_text(get_text(delta, "stop_sequence"))
        explanation = get_text(get_map(delta, "stop_details"), "explanation")
        self._explanation = self._explanation or repair_text(explanation)

    def _take_usage(self, usage: dict[str, Any]) -> Iterator[ReplyEvent]:
        # Cumulative: what is named again replaces what was said before.
        self._usage |= {key: value for key, value in usage.items() if value is not None}
        if self._usage:
            yield UsageReported(_parse_usage(self._usage))

    def _flush(self) -> Iterator[ReplyEvent]:
        for block in self._list_blocks():
            yield from block.flush()

    def _end(self) -> Iterator[ReplyEvent]:
        if self._ended:
            return
        self._ended = True
        for block in self._list_blocks():
            yield from block.end()
        message = self.build_message(complete=True)
        reason = _decide_reason(self._raw_reason, message)
        if reason is FinishReason.TOOL_CALLS:
            for part in message.parts:
                if isinstance(part, ToolCall):
                    yield ToolCallReady(part)
        yield ReplyEnded(message, reason, self._raw_reason, self._explanation, self._stop)


def open_fold() -> MessagesFold:
    """Open what one reply is read into."""
    return MessagesFold()


def _name_calls(parts: Iterable[Part]) -> Iterator[Part]:
    # Servers of this protocol may leave out ids; a result has to name its call all the same.
    for place, part in enumerate(parts):
        if isinstance(part, ToolCall) and not part.id:
            yield replace(part, id=f"call_{place}")
        else:
            yield part


def _decide_reason(raw_reason: str, message: Message) -> FinishReason:
    reason = _FINISH_REASONS.get(raw_reason, FinishReason.OTHER)
    if reason is FinishReason.STOP and any(isinstance(part, ToolCall) for part in message.parts):
        return FinishReason.TOOL_CALLS  # a proxy translated a forced call's "stop"
    return reason


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
