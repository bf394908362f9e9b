"""Waiting for something that may never answer."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
_SLICE_S = 0.1
_MOST_AT_ONCE = 8  # what never answers keeps its thread, and a server asks again and again
_asking = threading.BoundedSemaphore(_MOST_AT_ONCE)


def call_with_deadline(work: Callable[[], _T], deadline_s: float) -> _T:
    """Return what `work` returns, or raise `TimeoutError` when it takes longer.

    `work` runs in a daemon thread, which keeps neither the terminal nor the end of the process
    waiting; after a timeout it is left alone and may yet finish. Eight may run at a time: where
    none of them ends by the deadline, `work` is not begun. Whatever `work` raises is raised here.
    Ctrl-C ends the wait at once.
    """
    answer: Future[_T] = Future()
    until_s = time.monotonic() + deadline_s

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 - a thread's SystemExit is an answer as well
            answer.set_exception(error)
        finally:
            _asking.release()

    if not _asking.acquire(timeout=max(deadline_s, 0)):
        raise TimeoutError
    try:
        threading.Thread(target=run, name="deadline", daemon=True).start()
    except RuntimeError:  # the system gives no thread
        _asking.release()
        raise
    # In slices: on Windows, Ctrl-C does not interrupt a wait, only the moment between two.
    while not answer.done() and (left_s := until_s - time.monotonic()) > 0:
        wait([answer], min(_SLICE_S, left_s))
    return answer.result(timeout=0)
