"""Where an answer's text goes: rendered on a terminal, or raw into a pipe."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

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
def open_display(streams: Streams) -> Iterator[Display]:
    """Open the display that fits stdout; all that came is shown when it closes, however it does."""
    if not streams.stdout.isatty():
        yield _PlainDisplay(streams)
        return
    with ExitStack() as stack:
        yield _LiveDisplay(streams, stack)


class _PlainDisplay:
    """Puts the answer on stdout byte for byte, as it comes."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def feed(self, text: str) -> None:
        self._streams.write(text)

    def print_notice(self, line: str) -> None:
        self._streams.print_notice(line)


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
