"""Keeping what a person types ahead out of what is drawn, and for the next prompt."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def hide_typing(stream: TextIO) -> Iterator[None]:
    """Turn the terminal's echo off; what is typed meanwhile waits for whoever reads next.

    Does nothing where `stream` is no terminal, or the system has no such switch.
    """
    if os.name == "nt" or not stream.isatty():
        yield
        return
    import termios

    before = termios.tcgetattr(stream)
    quiet = [*before]
    quiet[0] &= ~termios.ICRNL  # Enter stays Enter: the prompt takes a newline for Alt-Enter
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(stream, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(stream, termios.TCSANOW, before)
