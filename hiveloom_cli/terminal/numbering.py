"""The numbers of a list's items, one after the other: a list may still grow when it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

_TWO_DIGITS = 10  # for which there is room from the first item on, so that the tenth moves no text


@dataclass(frozen=True, slots=True)
class Numbering:
    """How far a list's numbers have got: the last one, and the highest.

    Numbers are shown as they were written, for the text may refer to them. The same one throughout
    is the habit of leaving the counting to the reader.
    """

    number: int = 0
    highest: int = _TWO_DIGITS
    first: int = 0
    count: int = 0
    is_same: bool = True

    def add(self, written: int) -> Numbering:
        """Go on by an item with that number."""
        first = self.first if self.count else written
        is_same = self.is_same and written == first
        number = first + self.count if is_same else written
        return Numbering(number, max(self.highest, number), first, self.count + 1, is_same)


UNNUMBERED = Numbering()
