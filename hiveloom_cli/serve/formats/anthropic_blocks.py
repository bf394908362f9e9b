"""The blocks of a Messages answer: text, thoughts, calls of the client's tools.

Each is told as a stream tells it; an answer that is not streamed is put together of the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.chat.event import ToolEnded, TurnEnded
from hiveloom_cli.protocols.arguments import parse_arguments
from hiveloom_cli.protocols.event import ReasoningDelta, ThoughtEnded
from hiveloom_cli.protocols.text import repair_text
from hiveloom_cli.serve.formats.answer import VisibleText, list_shown_calls
from hiveloom_cli.serve.formats.thoughts import SEALED_FIELDS, seal_thought

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.protocols.message import ReasoningPart, ToolCall
    from hiveloom_cli.serve.asked import Asked

_STARTS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}
# What each kind of delta adds to, under the same name in the block.
_DELTAS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}


class Blocks:
    """The blocks of an answer that is under way; thoughts are shown only if they were asked for."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._text = VisibleText(asked)
        self._kind = ""  # of the block that is open
        self._begun = 0
        self._round = 0  # tools of the agent's that ran so far

    def take(self, event: Event) -> Iterator[dict[str, Any]]:
        """Take a turn's next event; yield what is told of blocks: start, deltas, stop."""
        match event:
            case ReasoningDelta(text) if self._asked.thoughts:
                yield from self._add("thinking", text)
            case ThoughtEnded(part) if self._asked.thoughts:
                yield from self._end_thought(part)
            case ToolEnded():
                self._round += 1
                if self._kind == "thinking":
                    yield from self._close()
        if text := self._text.take(event):
            yield from self._add("text", text)
        if isinstance(event, TurnEnded):
            yield from self._close()
            for call in list_shown_calls(event, self._asked):
                yield from self._say_call(call)

    def _add(self, kind: str, text: str) -> Iterator[dict[str, Any]]:
        if self._kind != kind:
            yield from self._close()
            yield self._open(kind, _STARTS[kind])
        yield self._build_delta(f"{kind}_delta", text)

    def _end_thought(self, part: ReasoningPart) -> Iterator[dict[str, Any]]:
        seal = seal_thought(part, self._round)
        if part.field == "thinking" and (seal or part.text):
            if self._kind != "thinking":
                yield from self._add("thinking", part.text)
            yield self._build_delta("signature_delta", seal)
        yield from self._close()
        if part.field == "redacted_thinking" and seal:
            yield self._open(part.field, {"type": part.field, SEALED_FIELDS[part.field]: seal})
            yield from self._close()

    def _say_call(self, call: ToolCall) -> Iterator[dict[str, Any]]:
        start = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        yield self._open("tool_use", start)
        arguments = json.dumps(_parse_input(call), ensure_ascii=False)
        yield self._build_delta("input_json_delta", repair_text(arguments))
        yield from self._close()

    def _open(self, kind: str, start: dict[str, Any]) -> dict[str, Any]:
        self._kind = kind
        self._begun += 1
        return {"type": "content_block_start", "index": self._begun - 1, "content_block": start}

    def _build_delta(self, kind: str, text: str) -> dict[str, Any]:
        delta = {"type": kind, _DELTAS[kind]: text}
        return {"type": "content_block_delta", "index": self._begun - 1, "delta": delta}

    def _close(self) -> Iterator[dict[str, Any]]:
        if self._kind:
            self._kind = ""
            yield {"type": "content_block_stop", "index": self._begun - 1}


def build_content(events: Iterable[Event], asked: Asked) -> list[dict[str, Any]]:
    """Build the blocks of a whole answer."""
    blocks = Blocks(asked)
    begun: list[tuple[dict[str, Any], dict[str, list[str]]]] = []
    for event in events:
        for told in blocks.take(event):
            if told["type"] == "content_block_start":
                begun.append((told["content_block"], {}))
            elif told["type"] == "content_block_delta":
                name = _DELTAS[told["delta"]["type"]]
                begun[-1][1].setdefault(name, []).append(told["delta"][name])
    return [_join(start, pieces) for start, pieces in begun]


def _join(start: dict[str, Any], pieces: dict[str, list[str]]) -> dict[str, Any]:
    joined = {name: "".join(texts) for name, texts in pieces.items()}
    if arguments := joined.pop("partial_json", ""):
        return start | {"input": json.loads(arguments)}
    return start | joined


def _parse_input(call: ToolCall) -> dict[str, Any]:
    """Read a call's arguments; what strict JSON does not know goes along as text."""
    arguments = parse_arguments(call.arguments)
    try:
        json.dumps(arguments, allow_nan=False)
    except ValueError:
        return {"arguments": call.arguments}
    return arguments
