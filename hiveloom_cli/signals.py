"""Signals that end the program, made into exceptions, so that the terminal is left as it was."""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

    Handler = Callable[[int, FrameType | None], None]

_ENDINGS = ("SIGTERM", "SIGHUP")  # by name: Windows lacks the second


class Terminated(SystemExit):
    """The process was told to end. Like any `SystemExit` it is quiet."""


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


def run_async(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` in an event loop; a signal that ends the program cancels it.

    Raised amid a loop, `Terminated` would come up in whichever task runs just then.
    """
    import asyncio

    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.create_task(work)
        with endings_deferred(lambda: loop.call_soon_threadsafe(task.cancel)):
            await task

    asyncio.run(run())


@contextmanager
def endings_deferred(cancel: Callable[[], object]) -> Iterator[list[int]]:
    """Have a signal call `cancel`, and raise `Terminated` only when the block has ended.

    Gives the list of the signals that came, which has one at most.
    """
    received: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        received.append(number)
        _let_next_end(handle)
        cancel()

    with endings_handled(handle):
        try:
            yield received
        finally:
            if received:
                raise Terminated(128 + received[0]) from None


@contextmanager
def endings_handled(handler: Handler) -> Iterator[None]:
    """Have `handler` called where `Terminated` would be raised."""
    taken = [number for number in _list_endings() if signal.getsignal(number) == _raise]
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in taken:
            if signal.getsignal(number) == handler:
                signal.signal(number, _raise)


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    _let_next_end(_raise)
    raise Terminated(128 + number)


def _let_next_end(handler: Handler) -> None:
    """Have the next signal that `handler` would get end the process at once."""
    for number in _list_endings():
        if signal.getsignal(number) == handler:
            signal.signal(number, signal.SIG_DFL)


def _list_endings() -> list[int]:
    return [getattr(signal, name) for name in _ENDINGS if hasattr(signal, name)]
