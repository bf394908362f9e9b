"""An answer rendered as Markdown while it streams."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from hiveloom_cli.terminal.answer import TOP, format_rows
from hiveloom_cli.terminal.look import DEFAULT_LOOK, Look
from hiveloom_cli.terminal.rows import LiveRows
from hiveloom_cli.terminal.tail import Finished, Tail
from hiveloom_cli.terminal.theme import build_theme
from hiveloom_cli.terminal.visible import format_visible

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from hiveloom_cli.terminal.answer import Above
    from hiveloom_cli.terminal.rows import Row
    from hiveloom_cli.terminal.streams import Streams

_FRAME_S = 1 / 12
_CHARACTERS_PER_S = 30_000  # at most a quarter of one core, for a list of short items


def print_markdown(text: str, streams: Streams) -> None:
    """Put a text that is whole on stdout, which is a terminal, rendered as Markdown."""
    with MarkdownStream(streams.open_console(streams.stdout)) as stream:
        stream.feed(text)


class MarkdownStream:
    """Draws an answer block by block: finished blocks once, the open one in place.

    Use as a context manager, or call `close`; nothing else may write to the terminal in between.
    After `close`, more text goes below whatever was written meanwhile.
    A console that is no terminal, or a dumb one, gets finished blocks only. Text is made visible
    here, so it may come straight from a model.

    The work for a piece of text does not depend on how long the answer is: finished blocks are not
    read again, and the longer the open one is, the less often it is redrawn.
    """

    def __init__(self, console: Console, look: Look = DEFAULT_LOOK) -> None:
        """Take the console to draw on, and the theme and the clock to draw by."""
        self._console = console
        self._theme = build_theme(look.theme)
        self._clock = look.clock
        self._rows = LiveRows(console)
        self._redraws = (
            console.is_terminal and not console.is_dumb_terminal and not console.legacy_windows
        )
        self._tail = Tail()
        self._above = TOP
        self._next_frame_s = look.clock.elapsed_s()
        self._pending = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def feed(self, text: str) -> None:
        """Take the next piece of the answer, cut anywhere."""
        self._tail.add(format_visible(text))
        self._pending = True
        self.refresh()

    def refresh(self) -> None:
        """Draw what came, if it is not drawn yet and it is time for a frame."""
        now = self._clock.elapsed_s()
        if not self._pending or now < self._next_frame_s:
            return
        self._pending = False
        seen = self._draw()
        self._next_frame_s = now + max(_FRAME_S, seen / _CHARACTERS_PER_S)

    def begin_below(self) -> None:
        """Draw what is open anew from the cursor on, which others moved: a shell, say."""
        self._rows.abandon()
        self._pending = True

    def close(self) -> None:
        """Draw all that came, for good, and leave the cursor on a fresh line."""
        self._pending = False
        text = self._tail.gather()
        self._show(Finished(text, len(text)), "")
        self._rows.end()

    def _draw(self) -> int:
        """Draw a frame; return how many characters had to be read for it."""
        finished = self._tail.settle()
        preview = ""
        if self._redraws:
            size = (self._rows.limit, self._console.width)
            preview = self._tail.build_preview(finished, *size)
        self._show(finished, preview)
        return len(finished.source) + len(preview)

    def _show(self, finished: Finished, preview: str) -> None:
        done, above = self._format(finished.source, self._above, fold_code=False)
        if finished.count:
            above = replace(above, stack=finished.stack)
        open_rows, _ = self._format(preview, above, fold_code=True)
        # An interrupt during the layout above, where the time goes, changes nothing: `close` draws
        # the same text again.
        self._tail.drop(finished)
        self._above = above
        self._rows.show(done, open_rows)

    def _format(self, source: str, above: Above, *, fold_code: bool) -> tuple[list[Row], Above]:
        return format_rows(self._console, source, self._theme, above, fold_code=fold_code)
