"""Keeping what a person types ahead out of what is drawn, and for the next prompt."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def hide_typing(stream: TextIO) -> Iterator[None]:
    """Turn the terminal's echo off; what is typed meanwhile waits for whoever reads next.

    The mode is as before when this ends, however it ends, and while the program is stopped with
    Ctrl-Z. Does nothing where `stream` is no terminal, the terminal is somebody else's (the program
    runs in the background, where touching it would stop it), or echo is off already: an answer
    within a chat enters this a second time, an answer alone is the only one to.
    """
    if sys.platform == "win32" or not stream.isatty() or not _is_foreground(stream):
        yield
        return
    import termios

    before = termios.tcgetattr(stream)
    if not before[3] & (termios.ECHO | termios.ICANON):
        yield
        return
    quiet = [*before]
    quiet[0] &= ~termios.ICRNL  # Enter stays Enter: the prompt takes a newline for Alt-Enter
    quiet[3] &= ~(termios.ECHO | termios.ICANON)

    @contextmanager
    def lend() -> Iterator[None]:
        now = termios.tcgetattr(stream)  # a prompt has a mode of its own
        _set_mode(stream, before)
        yield
        _set_mode(stream, now)

    try:
        with _around_suspension(lend):
            _set_mode(stream, quiet)
            yield
    finally:
        _set_mode(stream, before)


@contextmanager
def show_typing(stream: TextIO) -> Iterator[None]:
    """Lend the terminal, as it is outside a chat, to a question or to another program.

    What was typed ahead is dropped: it was not meant as an answer to this.
    """
    if sys.platform == "win32" or not stream.isatty():
        yield
        return
    import termios

    before = termios.tcgetattr(stream)
    usual = [*before]
    usual[0] |= termios.ICRNL
    usual[1] |= termios.OPOST
    usual[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
    try:
        with suppress(termios.error):
            termios.tcflush(stream, termios.TCIFLUSH)
        _set_mode(stream, usual)
        yield
    finally:
        _set_mode(stream, before)


@contextmanager
def keep_hidden(stream: TextIO, note: Callable[[], None]) -> Iterator[None]:
    """Have a prompt that turned the echo off stay so after Ctrl-Z and `fg`; then call `note`.

    Shells give the terminal back with the echo on, and `getpass` would not see it. While the
    program is stopped the terminal is as before. `note` is called from a signal handler.
    """
    if sys.platform == "win32" or not stream.isatty():
        yield
        return
    import termios

    before = termios.tcgetattr(stream)
    hidden = [*before]
    hidden[3] &= ~termios.ECHO

    @contextmanager
    def lend() -> Iterator[None]:
        _set_mode(stream, before)
        yield
        _set_mode(stream, hidden)

    def go_on() -> None:
        _set_mode(stream, hidden)  # also after SIGSTOP, and after `bg` and `fg`
        note()

    try:
        with call_on_continue(go_on), _around_suspension(lend):
            yield
    finally:
        _set_mode(stream, before)


@contextmanager
def call_on_continue(note: Callable[[], None]) -> Iterator[None]:
    """Call `note` whenever the program goes on after a stop: a shell wrote on the screen meanwhile.

    It is called from a signal handler.
    """
    if sys.platform == "win32" or not _is_main_thread():
        yield
        return
    usual = signal.signal(signal.SIGCONT, lambda _number, _frame: note())
    try:
        yield
    finally:
        signal.signal(signal.SIGCONT, usual)


def _set_mode(stream: TextIO, mode: list[object]) -> None:
    import termios

    # A terminal that hung up takes no mode, and needs none.
    with suppress(termios.error):
        if _is_foreground(stream):
            termios.tcsetattr(stream, termios.TCSANOW, mode)  # type: ignore[arg-type]


def _is_foreground(stream: TextIO) -> bool:
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except OSError:
        return True  # not the terminal that controls this process: it has no foreground to leave


@contextmanager
def _around_suspension(lend: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    usual = signal.getsignal(signal.SIGTSTP)
    # Handlers belong to the main thread; a shell without job control has the signal ignored.
    if not _is_main_thread() or usual != signal.SIG_DFL:
        yield
        return

    def suspend(_number: int, _frame: object) -> None:
        with lend():
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTSTP)  # returns when the program goes on
            signal.signal(signal.SIGTSTP, suspend)

    signal.signal(signal.SIGTSTP, suspend)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, usual)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
