"""A terminal that tests can read, and answers drawn on it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pyte
from rich.cells import chop_cells
from rich.console import Console

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.terminal.answer import format_rows
from hiveloom_cli.terminal.look import Look, ThemeName
from hiveloom_cli.terminal.markdown import MarkdownStream
from hiveloom_cli.terminal.theme import build_theme

WIDTH, HEIGHT = 40, 12


@dataclass
class Terminal:
    """A screen with its scrollback, and all that was written to it."""

    width: int = WIDTH
    height: int = HEIGHT
    written: str = ""
    screen: pyte.HistoryScreen = field(init=False)
    parser: pyte.Stream = field(init=False)

    def __post_init__(self) -> None:
        self._open_screen()

    def reflow(self, width: int, height: int = 0) -> None:
        """Change the size as most terminals do: rows that do not fit go on in the next one.

        A wide sign goes there as a whole, which this screen would not do by itself.
        """
        lines, self.width = self.read_lines(), width
        self.height = height or self.height
        self._open_screen()
        rows = [row for line in lines for row in (chop_cells(line, width) or [""])]
        self.parser.feed("\r\n".join(rows))

    def _open_screen(self) -> None:
        self.screen = pyte.HistoryScreen(self.width, self.height, history=5000)
        self.parser = pyte.Stream(self.screen)

    def write(self, text: str) -> int:
        self.written += text
        self.parser.feed(text.replace("\n", "\r\n"))
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True

    def read_signs(self) -> list[tuple[str, str, bool, bool]]:
        """Read every sign with how it looks, and the ends of rows."""
        columns = range(self.width)
        rows = [*self.screen.history.top, *(self.screen.buffer[y] for y in range(self.height))]
        signs = []
        for row in rows:
            cells = [row[column] for column in columns]
            signs += [(c.data, c.fg, c.bold, c.italics) for c in cells if c.data.strip()]
            signs.append(("\n", "", False, False))
        while signs and signs[-1][0] == "\n":
            signs.pop()
        return signs

    def read_lines(self) -> list[str]:
        past = [
            "".join(line[column].data for column in range(self.width))
            for line in self.screen.history.top
        ]
        lines = [line.rstrip() for line in [*past, *self.screen.display]]
        return "\n".join(lines).rstrip("\n").split("\n")


class ManualClock(SystemClock):
    """Time stands still but for whoever sets `now_s`."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def elapsed_s(self) -> float:
        return self.now_s


def open_stream(
    terminal: Terminal, clock: ManualClock | None = None, **options: Any
) -> MarkdownStream:
    return MarkdownStream(open_console(terminal, **options), Look(clock=clock or ManualClock()))


def open_console(terminal: Terminal, **options: Any) -> Console:
    settings: dict[str, Any] = {
        "force_terminal": True,
        "color_system": "standard",
        "width": terminal.width,
        "height": terminal.height,
        "_environ": {},
    }
    return Console(file=terminal, **(settings | options))  # type: ignore[arg-type]


def draw_streamed(terminal: Terminal, pieces: list[str], *, frame_s: float = 1.0) -> None:
    clock = ManualClock()
    with open_stream(terminal, clock) as stream:
        for piece in pieces:
            stream.feed(piece)
            clock.now_s += frame_s


def draw_whole(terminal: Terminal, text: str) -> None:
    console = open_console(terminal)
    rows, _ = format_rows(console, text, build_theme(ThemeName.AUTO), fold_code=False)
    terminal.write("".join(f"{row.text}\n" for row in rows))


def cut(text: str, seed: int, longest: int = 7) -> list[str]:
    choice = random.Random(seed)
    pieces = []
    while text:
        size = choice.randint(1, longest)
        pieces.append(text[:size])
        text = text[size:]
    return pieces
