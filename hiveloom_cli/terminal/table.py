"""Plain columns, for lists that people read and other programs cut."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from hiveloom_cli.terminal.visible import format_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTHLESS = frozenset({"Mn", "Me", "Cf"})


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table: columns as wide as their widest cell, two spaces between.

    A row is one line whatever its cells hold, so that no text can pass for a row of its own.
    """
    lines = [[format_one_line(cell, sys.maxsize) for cell in line] for line in (header, *rows)]
    sizes = [list(map(measure_cells, line)) for line in lines]
    widths = [max(column) for column in zip(*sizes, strict=True)]
    for line, size in zip(lines, sizes, strict=True):
        yield "  ".join(
            cell + " " * (width - taken)
            for cell, width, taken in zip(line, widths, size, strict=True)
        ).rstrip()


def measure_cells(text: str) -> int:
    """Count the cells that `text` takes on a terminal: wide characters two, marks none."""
    return len(text) if text.isascii() else sum(map(_measure, text))


@cache
def _measure(character: str) -> int:
    import unicodedata

    if unicodedata.category(character) in _WIDTHLESS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
