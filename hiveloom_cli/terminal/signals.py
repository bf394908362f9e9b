"""Signals that end the program, made into exceptions, so that the terminal is left as it was."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

_ENDINGS = ("SIGTERM", "SIGHUP")  # by name: Windows lacks the second


class Terminated(SystemExit):
    """The process was told to end. Like any `SystemExit` it passes event loops and is quiet."""


def raise_on_termination() -> None:
    """Have SIGTERM and SIGHUP raise `Terminated`, with 128 and the signal's number as exit code.

    The signal that comes after the first ends the process at once. One that is ignored stays so:
    that is how `nohup` works. Does nothing outside the main thread, which alone gets signals.
    """
    with suppress(ValueError):
        for number in _list_endings():
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _raise)


def find_termination(fault: BaseException | None) -> Terminated | None:
    """Find the `Terminated` that `fault` followed upon while the program was leaving."""
    while fault is not None:
        if isinstance(fault, Terminated):
            return fault
        fault = fault.__context__
    return None


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    for other in _list_endings():
        if signal.getsignal(other) == _raise:
            signal.signal(other, signal.SIG_DFL)
    raise Terminated(128 + number)


def _list_endings() -> list[int]:
    return [getattr(signal, name) for name in _ENDINGS if hasattr(signal, name)]
