"""A turn as plain lines that only ever grow, for a screen reader or a terminal that is dumb."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from hiveloom_cli.terminal.look import Reasoning
from hiveloom_cli.terminal.pace import format_wait
from hiveloom_cli.terminal.plain_text import PlainText, Thoughts

if TYPE_CHECKING:
    from hiveloom_cli.terminal.look import Look
    from hiveloom_cli.terminal.streams import Streams

USER_LABEL = "User: "
_ANSWER_LABEL, _THOUGHTS_LABEL = "Assistant: ", "Thinking: "
_WHOLE_WORDS = re.compile(r".*\s", re.DOTALL)


class AppendOnlyDisplay:
    """Names who speaks, and writes whole words: half of one would be spoken as another."""

    def __init__(self, streams: Streams, look: Look) -> None:
        self._streams = streams
        self._look = look
        self._text = PlainText(streams.write)
        self._thoughts = Thoughts(self._text)
        self._speaker = ""
        self._pending = ""
        self._thinking_since_s: float | None = None

    def feed(self, text: str) -> None:
        """See `display.Display.feed`."""
        if text.strip():
            self._end_thoughts()
        self._pending += text
        if self._speaker != _ANSWER_LABEL:
            self._pending = self._pending.lstrip()
        if found := _WHOLE_WORDS.match(self._pending):
            self._pending = self._pending[found.end() :]
            self._say(_ANSWER_LABEL, found[0])

    def think(self, text: str) -> None:
        """See `display.Display.think`."""
        if self._look.reasoning is Reasoning.HIDDEN:
            return
        if self._thinking_since_s is None:
            self._end_line()
            self._thinking_since_s = self._look.clock.elapsed_s()
            if self._look.reasoning is Reasoning.FOLDED:
                self._text.feed("(thinking)\n")
        if self._look.reasoning is Reasoning.SHOWN:
            self._say(_THOUGHTS_LABEL, "")
            self._thoughts.feed(text)

    def print_notice(self, line: str) -> None:
        """See `display.Display.print_notice`."""
        self._end_line()
        self._streams.print_notice(line)

    def end_part(self, doing: str = "") -> None:  # noqa: ARG002 - said once, as a notice
        """See `display.Display.end_part`."""
        self._end_line()

    def lend(self) -> AbstractContextManager[None]:
        """See `display.Display.lend`."""
        self._end_thoughts()
        self._end_line()
        return nullcontext()

    def print_summary(self, line: str) -> None:
        """Say nothing: a line of figures after each answer would have to be listened to."""

    def close(self) -> None:
        """Write what is left, and end the line."""
        self._end_thoughts()
        self._end_line()

    def _end_thoughts(self) -> None:
        if self._thinking_since_s is None:
            return
        spent_s = self._look.clock.elapsed_s() - self._thinking_since_s
        self._thinking_since_s = None
        self._end_line()
        if self._look.reasoning is Reasoning.FOLDED:
            self._text.feed(f"({format_thought(spent_s)})\n")

    def _end_line(self) -> None:
        if self._pending.strip():
            self._say(_ANSWER_LABEL, self._pending)
        self._pending = ""
        self._thoughts.close()
        self._text.close()
        self._speaker = ""

    def _say(self, speaker: str, text: str) -> None:
        if self._speaker != speaker:
            self._text.close()
            self._speaker = speaker
            text = speaker + text
        self._text.feed(text)


def format_thought(seconds: float) -> str:
    """Say for how long a model thought, and how to see what."""
    wait = format_wait(seconds) if seconds >= 1 else "less than 1 s"
    return f"thought for {wait}; --show-reasoning shows it"
