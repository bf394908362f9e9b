"""Lines beside an answer: one that lives while a person waits, and those that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment, Segments

from hiveloom_cli.terminal.pace import format_wait
from hiveloom_cli.terminal.rows import LiveRows, Row

if TYPE_CHECKING:
    from rich.console import Console
    from rich.style import Style

    from hiveloom_cli.clock import Clock

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_PER_S = 10


class StatusLine:
    """One quiet line that says what goes on, and for how long; it leaves no trace.

    A terminal that cannot take back what was written shows none.
    """

    def __init__(self, console: Console, clock: Clock, style: Style) -> None:
        self._console = console
        self._clock = clock
        self._style = style
        self._rows = LiveRows(console)
        self._redraws = not console.is_dumb_terminal and not console.legacy_windows
        self._label = ""
        self._since_s = 0.0

    def start(self, label: str, since_s: float) -> None:
        """Show `label`, and the time since that moment of the clock."""
        self._label, self._since_s = label, since_s
        self.refresh()

    def refresh(self) -> None:
        """Draw the line again, if there is one."""
        if not self._label or not self._redraws:
            return
        spent_s = self._clock.elapsed_s() - self._since_s
        frame = _FRAMES[int(spent_s * _FRAMES_PER_S) % len(_FRAMES)]
        wait = f" {format_wait(spent_s)}" if spent_s >= 1 else ""
        text = f"{frame} {self._label}{wait}"
        self._rows.show([], [Row(self._render(text), cell_len(text))])

    def stop(self) -> None:
        """Take the line away; what is written next stands in its place."""
        if self._label:
            self._label = ""
            self._rows.show([], [])
            self._rows.end()

    def begin_below(self) -> None:
        """Draw from the cursor on, which others moved."""
        self._rows.abandon()

    def print_line(self, text: str) -> None:
        """Put a quiet line there for good."""
        print_styled(self._console, text, self._style)
        print_styled(self._console, "\n")

    def _render(self, text: str) -> str:
        with self._console.capture() as capture:
            print_styled(self._console, text, self._style)
        return capture.get()


def print_styled(console: Console, text: str, style: Style | None = None) -> None:
    """Put text on the console as it is, in a style and with nothing after it."""
    console.print(Segments([Segment(text, style)]), end="", soft_wrap=True)
