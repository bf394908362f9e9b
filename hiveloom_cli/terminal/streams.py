"""The standard streams, UTF-8 whatever the locale: the answer on stdout, the rest on stderr."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TextIO

from hiveloom_cli.terminal.visible import format_one_line, format_visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console


_USUAL_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a person types and reads, or a pipe. `colour` is None where the terminal decides."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    colour: bool | None = None

    @property
    def is_interactive(self) -> bool:
        """Whether a person types, and has a terminal to see it on: a chat finds the right one."""
        return self.stdin.isatty() and (self.stdout.isatty() or self.stderr.isatty())

    @property
    def can_ask(self) -> bool:
        """Whether a person types, and sees what is asked of them on stderr."""
        return self.stdin.isatty() and self.stderr.isatty()

    def measure_width(self) -> int:
        """Return how many cells a line on stderr's terminal has; 80 where that is not known."""
        with suppress(OSError, ValueError):
            return os.get_terminal_size(self.stderr.fileno()).columns or _USUAL_WIDTH
        return _USUAL_WIDTH

    def without_colour(self) -> Streams:
        """Return the same streams with colours off."""
        return replace(self, colour=False)

    def write(self, text: str) -> None:
        """Put text on stdout as it is, at once."""
        self.stdout.write(text)
        self.stdout.flush()

    def release(self) -> None:
        """Drop what could not be written, which would fail once more when the process ends."""
        for stream in (self.stdout, self.stderr):
            try:
                stream.flush()
            except OSError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    def print_line(self, line: str = "") -> None:
        """Put a line on stdout; on a terminal, with nothing in it that steers the terminal."""
        self.write(f"{format_visible(line) if self.stdout.isatty() else line}\n")

    def print_lines(self, lines: Iterable[str]) -> None:
        """Put lines on stdout as `print_line` does, in one piece."""
        self.print_line("\n".join(lines))

    def print_text(self, text: str) -> None:
        """Put a text on stdout as it is; on a terminal, rendered as Markdown."""
        if not self.stdout.isatty():
            self.print_line(text)
            return
        from hiveloom_cli.terminal.markdown import print_markdown

        print_markdown(text, self)

    def print_json(self, value: Any) -> None:
        """Put one JSON value on stdout, in lines that a person can read as well."""
        import json

        self.print_line(json.dumps(value, ensure_ascii=False, indent=2))

    def write_bytes(self, content: bytes) -> None:
        """Put a file's bytes on stdout as they are; on a terminal, as lines that steer nothing."""
        if self.stdout.isatty():
            self.print_line(content.decode("utf-8", "replace").removesuffix("\n"))
        else:
            self.stdout.flush()
            self.stdout.buffer.write(content)
            self.stdout.flush()

    def print_notice(self, line: str) -> None:
        """Put one line for the person on stderr; foreign text in it is safe."""
        self.print_aside(format_one_line(line, limit=2000))

    def print_wait(self, line: str) -> None:
        """Say to a person who looks on what they wait for."""
        if self.stderr.isatty():
            self.print_notice(line)

    def print_aside(self, text: str) -> None:
        """Put lines for the person on stderr; foreign text in them is safe.

        A stderr that takes nothing is no reason to stop: there is nobody to tell.
        """
        self.write_aside(f"{format_visible(text)}\n")

    def write_aside(self, text: str) -> None:
        """Put text on stderr as it is, at once; one that takes nothing will do."""
        with suppress(OSError):
            self.stderr.write(text)
            self.stderr.flush()

    def break_line(self) -> None:
        """Leave a line that stands unfinished on the terminal, so that what follows has its own."""
        self.write_aside("\n")

    def load_stdin(self) -> str:
        """Read all of stdin; bytes that are not UTF-8 are replaced, and that is said."""
        content = self.stdin.buffer.read()
        try:
            return content.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError:
            self.print_notice("note: stdin was not all UTF-8; what was not reads as \ufffd")
            return content.decode("utf-8", "replace")

    def open_console(self, stream: TextIO) -> Console:
        """Open rich's console on one of the streams; honours NO_COLOR, FORCE_COLOR, COLUMNS."""
        from rich.console import Console

        return Console(
            file=stream,
            no_color=True if self.colour is False else None,
            highlight=False,
            markup=False,
            emoji=False,
        )


def open_streams() -> Streams:
    """Set up the process's own streams.

    A closed stdin is an empty one, a closed stderr takes everything, and writing to a closed stdout
    fails as it does on a full disk: what was to be shown is lost.
    """
    sys.stdin = sys.stdin or _open_instead(0, os.O_RDONLY)
    sys.stdout = sys.stdout or _open_instead(1, os.O_RDONLY)
    sys.stderr = sys.stderr or _open_instead(2, os.O_WRONLY)
    for stream, errors in (
        # What is typed is judged as the command line is, which has lone surrogates for such bytes.
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "replace"),
        (sys.stderr, "backslashreplace"),
    ):
        # Under LC_ALL=C Python would choose ASCII, and on Windows it would change line ends.
        stream.reconfigure(encoding="utf-8", errors=errors, newline="")  # type: ignore[union-attr]
    return Streams(sys.stdin, sys.stdout, sys.stderr)


def _open_instead(number: int, flags: int) -> TextIO:
    # On the number itself: what is opened next must not get it, and all that is printed with it.
    opened = os.open(os.devnull, flags)
    try:
        os.fstat(number)
    except OSError:
        os.dup2(opened, number)
        os.close(opened)
        opened = number
    return os.fdopen(opened, "w" if number else "r", encoding="utf-8", closefd=False)
