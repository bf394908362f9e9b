"""A turn on a terminal, alive: an answer that grows, and a sign of life while none comes."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hiveloom_cli.terminal.echo import call_on_continue, hide_typing
from hiveloom_cli.terminal.look import Reasoning
from hiveloom_cli.terminal.plain_text import PlainText, Thoughts
from hiveloom_cli.terminal.screen_reader import format_thought
from hiveloom_cli.terminal.status import StatusLine, print_styled
from hiveloom_cli.terminal.theme import build_theme
from hiveloom_cli.threads import leave_signals_to_main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from rich.console import Console

    from hiveloom_cli.terminal.look import Look
    from hiveloom_cli.terminal.markdown import MarkdownStream
    from hiveloom_cli.terminal.streams import Streams

_REFRESH_S = 0.1
_WAITING = "waiting"


class LiveDisplay:
    """Shows the answer as it comes; a line tells what is waited for until its first piece.

    Frames have their own pace, so a thread draws what came since the last one when no piece
    follows: an upstream that stalls hides nothing that it sent.
    """

    def __init__(self, streams: Streams, look: Look, stack: ExitStack) -> None:
        stack.enter_context(hide_typing(streams.stdin))
        console = streams.open_console(streams.stdout)
        quiet = build_theme(look.theme).quiet
        self._streams = streams
        self._look = look
        self._answer = _open_answer(console, look, streams)
        self._thoughts = Thoughts(PlainText(lambda text: print_styled(console, text, quiet)))
        self._status = StatusLine(console, look.clock, quiet)
        self._asked_s = look.clock.elapsed_s()
        self._doing = _WAITING
        self._thinking_since_s: float | None = None
        self._blank = ""
        self._begun = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._suspended = False
        stack.enter_context(call_on_continue(self._note_suspension))
        stack.callback(self._close)
        self._status.start(self._doing, self._asked_s)
        threading.Thread(target=self._refresh, daemon=True).start()

    def feed(self, text: str) -> None:
        """See `display.Display.feed`."""
        with self._lock:
            self._resume()
            text = self._blank + text
            if not self._begun and not text.strip():
                self._blank = text  # nothing to see yet
                return
            self._end_thoughts()
            self._status.stop()
            self._blank, self._begun = "", True
            self._answer.feed(text)

    def think(self, text: str) -> None:
        """See `display.Display.think`."""
        if self._look.reasoning is Reasoning.HIDDEN:
            return
        with self._lock:
            self._resume()
            if self._thinking_since_s is None:
                self._begin_thoughts()
            if self._look.reasoning is Reasoning.SHOWN:
                self._thoughts.feed(text)

    def print_notice(self, line: str) -> None:
        """See `display.Display.print_notice`."""
        with self._lock:
            self._break_off()
            self._streams.print_notice(line)
            if not self._begun:
                self._status.start(self._doing, self._asked_s)

    def end_part(self, doing: str = "") -> None:
        """See `display.Display.end_part`."""
        with self._lock:
            self._break_off()
            self._doing = doing or _WAITING
            self._begin_waiting()

    @contextmanager
    def lend(self) -> Iterator[None]:
        """See `display.Display.lend`."""
        with self._lock:  # which keeps the thread from drawing
            self._break_off()
            yield
            self._begin_waiting()

    def _begin_waiting(self) -> None:
        self._begun = False
        self._asked_s = self._look.clock.elapsed_s()
        self._status.start(self._doing, self._asked_s)

    def print_summary(self, line: str) -> None:
        """See `display.Display.print_summary`."""
        with self._lock:
            self._break_off()
            self._status.print_line(line)

    def _begin_thoughts(self) -> None:
        self._status.stop()
        self._answer.close()  # it goes on below them
        self._begun = False
        self._thinking_since_s = self._look.clock.elapsed_s()
        if self._look.reasoning is Reasoning.FOLDED:
            self._status.start("thinking", self._thinking_since_s)

    def _end_thoughts(self) -> None:
        if self._thinking_since_s is None:
            return
        spent_s = self._look.clock.elapsed_s() - self._thinking_since_s
        self._thinking_since_s = None
        self._status.stop()
        if self._look.reasoning is Reasoning.FOLDED:
            self._status.print_line(format_thought(spent_s))
        elif self._thoughts.close():
            self._status.print_line("")

    def _break_off(self) -> None:
        """Leave the cursor at the start of a line of its own."""
        self._resume()
        self._end_thoughts()
        self._status.stop()
        self._answer.close()

    def _close(self) -> None:
        self._over.set()
        with self._lock:
            self._break_off()

    def _note_suspension(self) -> None:
        self._suspended = True  # and no more, in a signal handler: the lock may be taken

    def _resume(self) -> None:
        if self._suspended:
            self._suspended = False
            self._answer.begin_below()
            self._status.begin_below()

    def _refresh(self) -> None:
        leave_signals_to_main()
        while not self._over.wait(_REFRESH_S):
            with self._lock:
                if self._over.is_set():
                    return
                try:
                    self._resume()
                    self._status.refresh()
                    self._answer.refresh()
                except OSError:
                    return  # the terminal is gone, which the next piece will say


def _open_answer(console: Console, look: Look, streams: Streams) -> MarkdownStream | PlainText:
    if not look.markdown:
        return PlainText(streams.write)
    from hiveloom_cli.terminal.markdown import MarkdownStream

    return MarkdownStream(console, look)
