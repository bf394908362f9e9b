"""Where an answer's text goes: rendered on a terminal, or raw into a pipe."""

from __future__ import annotations

import os
import stat
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from hiveloom_cli.terminal.echo import call_on_continue, hide_typing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.terminal.streams import Streams

_REFRESH_S = 0.1


class Display(Protocol):
    """What shows one answer."""

    def feed(self, text: str) -> None:
        """Take the next piece."""
        ...

    def print_notice(self, line: str) -> None:
        """Put a line for the person between the pieces."""
        ...


@contextmanager
def open_display(streams: Streams, *, end_line: bool = False) -> Iterator[Display]:
    """Open the display that fits stdout; all that came is shown when it closes, however it does.

    With `end_line` an answer in a file or a pipe is ended with a newline: another one follows.
    """
    if not streams.stdout.isatty():
        plain = _PlainDisplay(streams)
        try:
            yield plain
        except BaseException:
            plain.close(end_line=end_line)
            plain.break_line()
            raise
        plain.close(end_line=end_line)
        return
    with ExitStack() as stack:
        yield _LiveDisplay(streams, stack)


class _PlainDisplay:
    """Puts the answer on stdout byte for byte, as it comes."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._line_open = False

    def feed(self, text: str) -> None:
        self._streams.write(text)
        self._line_open = not text.endswith("\n") if text else self._line_open

    def print_notice(self, line: str) -> None:
        self.break_line()
        self._streams.print_notice(line)

    def close(self, *, end_line: bool) -> None:
        if end_line and self._line_open:
            self.feed("\n")

    def break_line(self) -> None:
        """Keep what is told next apart from the answer, where both may share a screen."""
        if self._line_open and self._streams.stderr.isatty() and _is_pipe(self._streams.stdout):
            self._streams.break_line()


def _is_pipe(stream: TextIO) -> bool:
    return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)


class _LiveDisplay:
    """Renders the answer; a sign of life stands there until its first piece.

    Frames have their own pace, so a thread draws what came since the last one when no piece
    follows: an upstream that stalls hides nothing that it sent.
    """

    def __init__(self, streams: Streams, stack: ExitStack) -> None:
        from hiveloom_cli.terminal.markdown import MarkdownStream

        stack.enter_context(hide_typing(streams.stdin))
        console = streams.open_console(streams.stdout)
        self._streams = streams
        self._markdown = MarkdownStream(console)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._refresher = threading.Thread(target=self._refresh, daemon=True)
        self._status = console.status("waiting", spinner="dots")
        self._suspended = False
        stack.enter_context(call_on_continue(self._note_suspension))
        stack.callback(self._close)
        self._status.start()
        console.show_cursor()  # nothing to restore where Ctrl-Z or a kill leaves the shell with it
        self._refresher.start()

    def feed(self, text: str) -> None:
        self._status.stop()
        with self._lock:
            self._resume()
            self._markdown.feed(text)

    def print_notice(self, line: str) -> None:
        self._status.stop()
        with self._lock:
            self._resume()
            self._markdown.close()  # it goes on below the line
            self._streams.print_notice(line)

    def _close(self) -> None:
        self._status.stop()
        self._over.set()
        with self._lock:
            self._resume()
            self._markdown.close()

    def _note_suspension(self) -> None:
        self._suspended = True  # and no more, in a signal handler: the lock may be taken

    def _resume(self) -> None:
        if self._suspended:
            self._suspended = False
            self._markdown.begin_below()

    def _refresh(self) -> None:
        while not self._over.wait(_REFRESH_S):
            with self._lock:
                if self._over.is_set():
                    return
                try:
                    self._resume()
                    self._markdown.refresh()
                except OSError:
                    return  # the terminal is gone, which the next piece will say
