"""Text on a terminal as it comes: nothing is laid out, and nothing in it steers the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.terminal.visible import format_visible

if TYPE_CHECKING:
    from collections.abc import Callable


class PlainText:
    """Appends text; `write` puts it on the terminal."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._line_open = False

    def feed(self, text: str) -> None:
        """Append a piece, cut anywhere."""
        shown = format_visible(text)
        if shown:
            self._line_open = not shown.endswith("\n")
            self._write(shown)

    def refresh(self) -> None:
        """Do nothing: what came is shown already."""

    def begin_below(self) -> None:
        """Go on from the cursor, which others moved."""

    def close(self) -> None:
        """Leave the cursor at the start of a line."""
        if self._line_open:
            self._line_open = False
            self._write("\n")


class Thoughts:
    """Appends thoughts without the blank lines that many begin and end with."""

    def __init__(self, text: PlainText) -> None:
        self._text = text
        self._blank = ""
        self._begun = False

    def feed(self, text: str) -> None:
        """Append a piece, cut anywhere."""
        text = self._blank + text
        if not self._begun:
            text = text.lstrip()
        shown = text.rstrip()
        self._blank = text[len(shown) :]
        if shown:
            self._begun = True
            self._text.feed(shown)

    def close(self) -> bool:
        """Leave the cursor at the start of a line; say whether there was anything to show."""
        begun = self._begun
        self._blank, self._begun = "", False
        self._text.close()
        return begun
