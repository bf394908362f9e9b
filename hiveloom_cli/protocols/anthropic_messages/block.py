"""Content blocks of a Messages reply under construction."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols.event import ReasoningDelta, ReplyEvent, TextDelta, ThoughtEnded
from hiveloom_cli.protocols.lookup import get_map, get_text, parse_json
from hiveloom_cli.protocols.message import OpaquePart, Part, ReasoningPart, TextPart, ToolCall
from hiveloom_cli.protocols.text import SurrogateJoiner, repair_text

if TYPE_CHECKING:
    from collections.abc import Iterator

REASONING_TYPES = ("thinking", "redacted_thinking")


@dataclass(slots=True)
class Block:
    """A block: its start as it came, and its deltas.

    A block of an unknown type is kept as it came. A delta of an unknown type makes one useless,
    since what it adds to is not known: half a block is not sent back.
    """

    start: dict[str, Any]
    _text: list[str] = field(default_factory=list)
    _arguments: list[str] = field(default_factory=list)
    _signature: str = ""
    _joiner: SurrogateJoiner = field(default_factory=SurrogateJoiner)
    _is_known: bool = True
    _has_ended: bool = False

    @property
    def type(self) -> str:
        """The type that the start names, or ""."""
        return get_text(self.start, "type")

    def begin(self) -> Iterator[ReplyEvent]:
        """Say what the start holds already."""
        if self.type in ("text", "thinking"):
            yield from self._say(self._joiner.feed(get_text(self.start, self.type)))

    def take_delta(self, delta: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read one delta."""
        match get_text(delta, "type"):
            case "text_delta" if self.type == "text":
                yield from self._say(self._joiner.feed(get_text(delta, "text")))
            case "thinking_delta" if self.type == "thinking":
                yield from self._say(self._joiner.feed(get_text(delta, "thinking")))
            case "signature_delta":
                self._signature += get_text(delta, "signature")
            case "input_json_delta":
                self._arguments.append(get_text(delta, "partial_json"))
            case _:
                self._is_known = False

    def flush(self) -> Iterator[ReplyEvent]:
        """Say what was held back."""
        yield from self._say(self._joiner.close())

    def end(self) -> Iterator[ReplyEvent]:
        """Say what was held back, and that a block of thoughts is whole."""
        yield from self.flush()
        if self.type in REASONING_TYPES and not self._has_ended:
            self._has_ended = True
            yield ThoughtEnded(self._build_thought())

    def build(self) -> Part | None:
        """Build the part as far as it has come, or None where nothing of use has."""
        text = "".join(self._text)
        if self.type == "text":
            return TextPart(text) if text else None
        if self.type in REASONING_TYPES:
            return self._build_thought()
        if self.type == "tool_use":
            return self._build_call()
        return self._build_opaque()

    def _say(self, text: str) -> Iterator[ReplyEvent]:
        if text:
            self._text.append(text)
            yield ReasoningDelta(text) if self.type in REASONING_TYPES else TextDelta(text)

    def _build_thought(self) -> ReasoningPart:
        text, wire = "".join(self._text), dict(self.start)
        if self.type == "thinking":
            signature = self._signature or get_text(self.start, "signature")
            wire |= {"thinking": text, "signature": signature}
        return ReasoningPart(text, field=self.type, wire=json.dumps(wire))

    def _build_call(self) -> ToolCall | None:
        name = repair_text(get_text(self.start, "name"))
        arguments = "".join(self._arguments)
        if not arguments:
            # Only deltas carry arguments in a stream; a call without any sends none at all.
            arguments = json.dumps(get_map(self.start, "input"), ensure_ascii=False)
        call_id = repair_text(get_text(self.start, "id"))
        # Without a name it can be neither run nor sent back.
        return ToolCall(call_id, name, repair_text(arguments)) if name else None

    def _build_opaque(self) -> OpaquePart | None:
        if not (self.type and self._is_known):
            return None
        wire = dict(self.start)
        if self._arguments:
            try:
                wire["input"] = parse_json("".join(self._arguments) or "{}")
            except ValueError:
                return None
        # Escapes keep even what is no character, so that it goes back as it came.
        return OpaquePart(json.dumps(wire))
