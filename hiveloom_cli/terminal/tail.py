"""The end of a growing Markdown text: the part that is not finished yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.terminal.blocks import FENCE, measure_fence, measure_finished
from hiveloom_cli.terminal.code_lines import measure_settled

if TYPE_CHECKING:
    from hiveloom_cli.terminal.code_lines import Stack

# A last line of nothing but marks may become a heading, a list, a rule: drawn too early, the
# paragraph above it would flash as a heading at every "-".
# An opening fence says no more than its language until code follows.
_UNDECIDED = re.compile(r"[ \t]*(?:[-=+*#>|:`~_ \t]+|\d{1,9}[.)]?|(?:```|~~~)[^\n]*)")


@dataclass(frozen=True, slots=True)
class Finished:
    """Markdown at the head of a tail that no further text can change, often none.

    `count` is how many characters of the tail it stands for. If it ends within a block of code,
    `opening` is the line that opened that, and `stack` what its lexer has there.
    """

    source: str
    count: int
    opening: str = ""
    stack: Stack | None = None


class Tail:
    """Text from the first unfinished block, or line of code, or item of a list on.

    A block of code that is finished in part keeps the line that opened it.
    """

    def __init__(self) -> None:
        self._text = ""
        self._pieces: list[str] = []
        self._judged = 0
        self._stack: Stack | None = None  # at the first line of code, where some were finished
        self._next_code = 0  # how much code there has to be before its lines are judged again

    def add(self, text: str) -> None:
        """Append what came."""
        self._pieces.append(text)

    def gather(self) -> str:
        """Return all that is unfinished."""
        self._text, self._pieces = "".join((self._text, *self._pieces)), []
        return self._text

    def settle(self) -> Finished:
        """Return what is finished at its head."""
        text, settled = self.gather(), 0
        while count := self._measure(text[settled:]):
            settled, self._judged = settled + count, 0
        self._judged += settled
        opening = FENCE.match(text, settled)
        # The lines of an indented block are not as they are shown.
        if opening is not None and opening[0][0] != " ":
            return self._settle_code(text, settled, opening)
        return Finished(text[:settled], settled)

    def drop(self, finished: Finished) -> None:
        """Forget what is finished: it is somebody else's now."""
        if not finished.count:
            return
        self._text = finished.opening + self.gather()[finished.count :]
        self._judged = len(finished.opening) + max(0, self._judged - finished.count)
        self._stack = finished.stack
        self._next_code = 0

    def build_preview(self, finished: Finished, rows: int, width: int) -> str:
        """Give Markdown that shows the text as it stands below what is finished.

        Of a long fenced block only about as much as fills `rows` rows of `width` cells: it is the
        one block that commonly grows beyond a screen and can be cut without changing its look.
        """
        text = finished.opening + self._text[finished.count :]
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

    def _settle_code(self, text: str, settled: int, opening: re.Match[str]) -> Finished:
        code = text[opening.end() : text.rfind("\n") + 1]
        if settled:
            self._next_code = 0
        if len(code) < self._next_code:
            return Finished(text[:settled], settled)
        before = () if settled or self._stack is None else self._stack
        language = opening[0].lstrip("`~").strip().partition(" ")[0]
        count, stack = measure_settled(code, language, before)
        if not count:
            self._next_code = len(code) + len(code) // 4 + 1
            return Finished(text[:settled], settled)
        end = opening.end() + count
        return Finished(text[:end], end, opening[0], stack)

    def _measure(self, text: str) -> int:
        whole_lines = text.rfind("\n") + 1
        if whole_lines <= self._judged:
            return 0
        count = measure_fence(text, self._judged)
        if count is None:
            count = measure_finished(text[:whole_lines])
        self._judged = whole_lines
        return count
