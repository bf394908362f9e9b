"""Where an answer's text goes: rendered on a terminal, or raw into a pipe."""

from __future__ import annotations

import os
import stat
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol, TextIO

from hiveloom_cli.terminal.look import DEFAULT_LOOK, Look, Reasoning
from hiveloom_cli.terminal.plain_text import PlainText, Thoughts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.terminal.streams import Streams


class Display(Protocol):
    """What shows one answer."""

    def feed(self, text: str) -> None:
        """Take the next piece."""
        ...

    def think(self, text: str) -> None:
        """Take the next piece of what the model thinks."""
        ...

    def print_notice(self, line: str) -> None:
        """Put a line for the person between the pieces."""
        ...

    def end_part(self, doing: str = "") -> None:
        """Begin a new paragraph with the next piece, as tools run; say what goes on meanwhile."""
        ...

    def lend(self) -> AbstractContextManager[None]:
        """Draw nothing while this is open, so that the person can be asked something."""
        ...

    def print_summary(self, line: str) -> None:
        """Put a quiet line below the whole answer, where a person looks at it."""
        ...


@contextmanager
def open_display(
    streams: Streams, look: Look = DEFAULT_LOOK, *, end_line: bool = False
) -> Iterator[Display]:
    """Open the display that fits stdout; all that came is shown when it closes, however it does.

    With `end_line` an answer in a file or a pipe is ended with a newline: another one follows.
    """
    if not streams.stdout.isatty():
        with _open_pipe_display(streams, look, end_line=end_line) as display:
            yield display
        return
    with ExitStack() as stack:
        yield _open_terminal_display(streams, look, stack)


def _open_terminal_display(streams: Streams, look: Look, stack: ExitStack) -> Display:
    if look.append_only:
        from hiveloom_cli.terminal.screen_reader import AppendOnlyDisplay

        display = AppendOnlyDisplay(streams, look)
        stack.callback(display.close)
        return display
    from hiveloom_cli.terminal.live import LiveDisplay

    return LiveDisplay(streams, look, stack)


@contextmanager
def _open_pipe_display(streams: Streams, look: Look, *, end_line: bool) -> Iterator[Display]:
    display = _PipeDisplay(streams, look)
    try:
        yield display
    except BaseException:
        display.close(end_line=end_line)
        display.break_line()
        raise
    display.close(end_line=end_line)


class _PipeDisplay:
    """Puts the answer on stdout byte for byte, as it comes; thoughts, on demand, on stderr."""

    def __init__(self, streams: Streams, look: Look) -> None:
        self._streams = streams
        self._shows_thoughts = look.reasoning is Reasoning.SHOWN
        self._thoughts = Thoughts(PlainText(streams.write_aside))
        self._thinking = False
        self._line_open = False
        self._has_text = self._is_parted = False

    def feed(self, text: str) -> None:
        if text.strip():
            self._end_thoughts()
        if self._is_parted:
            text = ("\n\n" if self._line_open else "\n") + text
            self._is_parted = False
        self._has_text = self._has_text or bool(text)
        self._streams.write(text)
        self._line_open = not text.endswith("\n") if text else self._line_open

    def think(self, text: str) -> None:
        if not self._shows_thoughts:
            return
        if not self._thinking:
            self._thinking = True
            self.break_line()
        self._thoughts.feed(text)

    def print_notice(self, line: str) -> None:
        self._end_thoughts()
        self.break_line()
        self._streams.print_notice(line)

    def end_part(self, doing: str = "") -> None:  # noqa: ARG002 - nobody looks at a pipe
        self._is_parted = self._has_text

    def lend(self) -> AbstractContextManager[None]:
        self._end_thoughts()
        self.break_line()
        return nullcontext()

    def print_summary(self, line: str) -> None:
        pass  # nobody looks at a pipe

    def close(self, *, end_line: bool) -> None:
        self._end_thoughts()
        if end_line and self._line_open:
            self.feed("\n")

    def break_line(self) -> None:
        """Keep what is told next apart from the answer, where both may share a screen."""
        if self._line_open and self._streams.stderr.isatty() and _is_pipe(self._streams.stdout):
            self._streams.break_line()

    def _end_thoughts(self) -> None:
        self._thinking = False
        self._thoughts.close()


def _is_pipe(stream: TextIO) -> bool:
    return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
