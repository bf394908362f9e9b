"""Rows on a terminal: some printed for good, the last ones redrawn in place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import chop_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_WRAP_OFF = "\x1b[?7l"
_WRAP_ON = "\x1b[?7h"
_STYLING = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True, slots=True)
class Row:
    """One line ready to be written, and how many cells it is wide."""

    text: str
    cells: int


BLANK_ROW = Row("", 0)


class LiveRows:
    """Rows of which the last ones may still change.

    Each frame is one write that begins at the first row that differs, so what stays the same is
    never written again. Between frames the cursor rests behind the last row, visible, in the
    terminal's usual mode: there is nothing to restore if no further frame comes.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: list[Row] = []
        self._gone: list[Row] = []  # open rows above these, which scrolled off a lower screen
        self._width = console.width
        self._empty = True

    @property
    def limit(self) -> int:
        """How many open rows there is room for.

        One less than the screen has: what scrolls off its top cannot be taken back.
        """
        return max(1, self._console.height - 1)

    def show(self, finished: Sequence[Row], still_open: Sequence[Row]) -> None:
        """Draw the rows that are now finished and, below them, those that may change.

        Open rows beyond the height of the screen are left out at the top.
        """
        gone = self._find_gone([*finished, *still_open])
        finished, still_open, gone = (
            finished[len(gone) :],
            still_open[max(0, len(gone) - len(finished)) :],
            gone[len(finished) :],
        )
        shown = list(still_open[-self.limit :])
        if self._rows and not finished and not shown:
            shown = [BLANK_ROW]  # what was drawn turned out to be a mark that shows nothing
        frame = self._build_frame(list(finished), shown)
        # Before the write: an interrupt inside it leaves the rest of the text in the stream's
        # buffer, from where it still goes out.
        self._rows, self._gone, self._width = shown, gone, self._console.width
        self._empty = self._empty and not finished and not shown
        if frame:
            self._write(frame)

    def abandon(self) -> None:
        """Leave the open rows where they are: others wrote below them, and the next go there."""
        self._rows, self._gone, self._empty = [], [], True

    def end(self) -> None:
        """Leave the cursor at the start of the line below."""
        fresh = self._empty or self._rows == [BLANK_ROW]
        self._rows, self._gone, self._empty = [], [], True
        if not fresh:
            self._write("\n")

    def _find_gone(self, rows: list[Row]) -> list[Row]:
        """Find the rows that stand out of reach, as they would be drawn now: they are left there.

        Where the screen was made lower, rows scrolled off its top. Those that would be drawn
        otherwise now can only be drawn once more.
        """
        excess = 0
        if self._width == self._console.width:
            excess = max(0, len(self._rows) - self._console.height)
        gone = self._gone + self._rows[:excess]
        del self._rows[:excess]
        return gone if gone == rows[: len(gone)] else []

    def _build_frame(self, finished: list[Row], still_open: list[Row]) -> str:
        kept = self._count_kept(finished + still_open)
        lines = [row.text for row in finished[kept:]]
        # A terminal may hold a row wider than it was measured (emoji): cut there, it stays one row.
        lines += [
            f"{_WRAP_OFF}{row.text}{_WRAP_ON}" for row in still_open[max(0, kept - len(finished)) :]
        ]
        return self._build_start(kept) + "\n".join(lines) if lines else ""

    def _count_kept(self, rows: list[Row]) -> int:
        if self._width != self._console.width:
            return 0
        alike = min(len(self._rows), len(rows))
        pairs = enumerate(zip(self._rows, rows, strict=False))
        kept = next((place for place, (old, new) in pairs if old != new), alike)
        # The cursor is to end behind the last row: where rows only go, the one above is rewritten.
        return kept - 1 if kept == len(rows) < len(self._rows) else kept

    def _build_start(self, kept: int) -> str:
        stale = self._rows[kept:]
        if not stale:
            return "" if self._empty else "\n"
        # A terminal made narrower wraps what it shows, so a row may now take several lines.
        up = sum(_count_lines(row, self._console.width) for row in stale) - 1
        if not up:
            return "\r\x1b[K"
        # Row by row at the top: erasing from a screen's first cell makes some terminals save a copy
        # of that screen in their scrollback.
        return f"\r\x1b[{up}A\x1b[K\x1b[B\x1b[J\x1b[A"

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def _count_lines(row: Row, width: int) -> int:
    if row.cells <= width:
        return 1
    # A wide character that does not fit goes to the next line, and leaves a cell empty.
    return len(chop_cells(_STYLING.sub("", row.text), width))
