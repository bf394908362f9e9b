"""A wish to stop, which many threads can wait for."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Stop:
    """Called for once, when the person interrupts or the chat ends."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        """Whether everything is to stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait that long at most; return whether everything is to stop."""
        return self._event.wait(seconds)

    def set(self) -> None:
        """Call for the end of everything; the callbacks run in this thread, once each."""
        with self._lock:
            callbacks = [] if self._event.is_set() else [*self._callbacks]
            self._event.set()
        for callback in callbacks:
            callback()

    @contextmanager
    def on_stop(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have `callback` called when everything is to stop; at once if it is already.

        It may be called while the block ends, and does not raise.
        """
        with self._lock:
            self._callbacks.append(callback)
            is_set = self._event.is_set()
        try:
            if is_set:
                callback()
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)
