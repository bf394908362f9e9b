"""The end of a growing Markdown text: the part that is not finished yet."""

from __future__ import annotations

import re

from hiveloom_cli.terminal.blocks import FENCE, measure_fence, measure_finished

# A last line of nothing but marks may become a heading, a list, a rule: drawn too early, the
# paragraph above it would flash as a heading at every "-".
# An opening fence says no more than its language until code follows.
_UNDECIDED = re.compile(r"[ \t]*(?:[-=+*#>|:`~_ \t]+|\d{1,9}[.)]?|(?:```|~~~)[^\n]*)")


class Tail:
    """Text from the start of the first unfinished block on."""

    def __init__(self) -> None:
        self._text = ""
        self._pieces: list[str] = []
        self._judged = 0

    def add(self, text: str) -> None:
        """Append what came."""
        self._pieces.append(text)

    def gather(self) -> str:
        """Return all that is unfinished."""
        self._text, self._pieces = "".join((self._text, *self._pieces)), []
        return self._text

    def settle(self) -> str:
        """Return the blocks at its head that no further text can change, often none."""
        text, settled = self.gather(), 0
        while count := self._measure(text[settled:]):
            settled, self._judged = settled + count, 0
        self._judged += settled
        return text[:settled]

    def drop(self, count: int) -> None:
        """Forget characters at the head: they are somebody else's now."""
        self._text, self._judged = self.gather()[count:], max(0, self._judged - count)

    def build_preview(self, start: int, rows: int, width: int) -> str:
        """Give Markdown that shows the text as it stands from its character `start` on.

        Of a long fenced block only about as much as fills `rows` rows of `width` cells: it is the
        one block that commonly grows beyond a screen and can be cut without changing its look.
        """
        text = self._text[start:]
        head, line_end, last = text.rpartition("\n")
        if _UNDECIDED.fullmatch(last):
            text = head + line_end
        opening = FENCE.match(text)
        if opening is None:
            return text
        if not text[opening.end() :].strip():
            return ""
        code_start = max(opening.end(), len(text) - rows * width)
        lines = text[code_start:].rsplit("\n", rows)
        return opening[0] + "\n".join(lines[-rows:])

    def _measure(self, text: str) -> int:
        whole_lines = text.rfind("\n") + 1
        if whole_lines <= self._judged:
            return 0
        count = measure_fence(text, self._judged)
        if count is None:
            count = measure_finished(text[:whole_lines])
        self._judged = whole_lines
        return count
