"""The standard streams, UTF-8 whatever the locale: the answer on stdout, the rest on stderr."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

from hiveloom_cli.terminal.visible import format_one_line, format_visible

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a person types and reads, or a pipe. `colour` is None where the terminal decides."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    colour: bool | None = None

    @property
    def is_interactive(self) -> bool:
        """Whether a person types, and sees what is asked of them."""
        return self.stdin.isatty() and self.stderr.isatty()

    def without_colour(self) -> Streams:
        """Return the same streams with colours off."""
        return replace(self, colour=False)

    def write(self, text: str) -> None:
        """Put text on stdout as it is, at once."""
        self.stdout.write(text)
        self.stdout.flush()

    def print_line(self, line: str = "") -> None:
        """Put a line on stdout; on a terminal, with nothing in it that steers the terminal."""
        self.write(f"{format_visible(line) if self.stdout.isatty() else line}\n")

    def print_notice(self, line: str) -> None:
        """Put one line for the person on stderr; foreign text in it is safe."""
        self.stderr.write(f"{format_one_line(line, limit=2000)}\n")
        self.stderr.flush()

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
    """Set up the process's own streams."""
    for stream, errors in (
        (sys.stdin, "strict"),
        (sys.stdout, "replace"),
        (sys.stderr, "backslashreplace"),
    ):
        # Under LC_ALL=C Python would choose ASCII, and on Windows it would change line ends.
        stream.reconfigure(encoding="utf-8", errors=errors, newline="")  # type: ignore[union-attr]
    return Streams(sys.stdin, sys.stdout, sys.stderr)
