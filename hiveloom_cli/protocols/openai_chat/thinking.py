"""Thoughts that a model writes into its content, between `<think>` and `</think>`.

Servers without a reasoning parser pass them on as they are. DeepSeek-R1, Qwen and others write both
tags; where the chat template has opened the thought already, the content begins inside it and only
the closing tag comes, on a line of its own.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.event import ReasoningDelta, TextDelta

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENING = "<think>"
CLOSING = "</think>"
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
# White space before an opening tag; no template writes more.
_MOST_BLANK = 1000


class _State(Enum):
    START = auto()  # only white space so far
    THOUGHT = auto()
    BREAK = auto()  # after a closing tag: the lines between thought and answer
    LINES = auto()  # an answer, or a thought that the template opened
    ANSWER = auto()


class ThoughtSplitter:
    """Text in, in pieces of any size; text and reasoning out, the tags left out.

    An opening tag counts only at the very start, a closing one without it only on a line of its
    own, outside of code, and if no opening tag was mentioned before. What was said as text until
    then cannot be unsaid, but it moves from `text` to `thought`.
    """

    def __init__(self) -> None:
        self._state = _State.START
        self._held = ""
        self._at_line_start = True
        self._text: list[str] = []
        self._thought: list[str] = []
        self._moved = False  # whether `_thought` was said as text

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._text)

    @property
    def thought(self) -> str:
        """The reasoning so far."""
        return "".join(self._thought)

    def feed(self, text: str) -> Iterator[TextDelta | ReasoningDelta]:
        """Take a piece of content; yield what is certain, holding back what may become a tag."""
        if self._state is _State.ANSWER:
            yield from self._say(text)
            return
        self._held += text
        before = None
        while before is not self._state:
            before = self._state
            yield from self._step()

    def close(self, *, has_calls: bool, cut: bool) -> Iterator[TextDelta | ReasoningDelta]:
        """Take note that the content has ended; yield what was held back.

        If it was `cut` in the middle, what was held back is the beginning of a tag, and dropped.
        """
        held, self._held = "" if cut else self._held, ""
        if self._state is _State.THOUGHT:
            yield from self._think(held)
        elif self._state is _State.LINES and held.rstrip() == CLOSING and self._closes_thought():
            self._move_text()
        elif self._state is not _State.BREAK:
            yield from self._say(held)
        if self._moved and not has_calls and not self.text.strip():
            # Nothing came after the tag: what was said was the answer after all.
            self._text, self._thought = [*self._thought, *self._text], []
            self._moved = False

    def take_as_text(self) -> Iterator[TextDelta]:
        """Say an unclosed thought as text: a whole answer that begins with the tag, or a slip."""
        if self._state is _State.THOUGHT:
            thought, self._thought = self.thought, []
            yield from self._say(OPENING + thought)

    def _step(self) -> Iterator[TextDelta | ReasoningDelta]:
        match self._state:
            case _State.START:
                self._find_opening()
            case _State.THOUGHT:
                yield from self._find_closing()
            case _State.BREAK:
                self._held = self._held.lstrip("\r\n")
                if self._held:
                    self._state = _State.ANSWER
            case _State.LINES:
                yield from self._find_lone_closing()
            case _State.ANSWER:
                held, self._held = self._held, ""
                yield from self._say(held)

    def _find_opening(self) -> None:
        head = self._held.lstrip()
        if head.startswith(OPENING):
            self._state = _State.THOUGHT
            self._held = head.removeprefix(OPENING)
        elif not OPENING.startswith(head) or len(self._held) > _MOST_BLANK:
            self._state = _State.LINES

    def _find_closing(self) -> Iterator[ReasoningDelta]:
        thought, tag, rest = self._held.partition(CLOSING)
        if tag:
            self._state, self._held = _State.BREAK, rest
        else:
            kept = _count_begun(thought)
            thought, self._held = thought[: len(thought) - kept], thought[len(thought) - kept :]
        yield from self._think(thought)

    def _find_lone_closing(self) -> Iterator[TextDelta]:
        said: list[str] = []
        while self._held and self._state is _State.LINES:
            line, newline, rest = self._held.partition("\n")
            if self._at_line_start and line.rstrip() == CLOSING and newline:
                yield from self._say("".join(said))
                said = []
                self._take_lone_closing(rest)
            elif self._at_line_start and not newline and _may_be_closing(line):
                break
            else:
                said.append(line + newline)
                self._held, self._at_line_start = rest, bool(newline)
        yield from self._say("".join(said))

    def _take_lone_closing(self, rest: str) -> None:
        if self._closes_thought():
            self._move_text()
            self._state, self._held = _State.BREAK, rest
        else:
            # A mention; those that follow are no better.
            self._state = _State.ANSWER

    def _closes_thought(self) -> bool:
        return OPENING not in self.text and len(_FENCE.findall(self.text)) % 2 == 0

    def _move_text(self) -> None:
        self._thought, self._text = self._text, []
        self._moved = True

    def _say(self, text: str) -> Iterator[TextDelta]:
        if text:
            self._text.append(text)
            yield TextDelta(text)

    def _think(self, text: str) -> Iterator[ReasoningDelta]:
        if not self._thought:
            text = text.lstrip("\r\n")
        if text:
            self._thought.append(text)
            yield ReasoningDelta(text)


def _may_be_closing(line: str) -> bool:
    return CLOSING.startswith(line) or line.rstrip() == CLOSING


def _count_begun(text: str) -> int:
    """Count the characters at the end of a text that may be the closing tag's beginning."""
    sizes = range(min(len(text), len(CLOSING) - 1), 0, -1)
    return next((size for size in sizes if text.endswith(CLOSING[:size])), 0)
