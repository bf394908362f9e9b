"""Waiting for something that may never answer."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
_SLICE_S = 0.1


def call_with_deadline(work: Callable[[], _T], deadline_s: float) -> _T:
    """Return what `work` returns, or raise `TimeoutError` when it takes longer.

    `work` runs in a daemon thread, which keeps neither the terminal nor the end of the process
    waiting; after a timeout it is left alone and may yet finish. Whatever `work` raises is raised
    here. Ctrl-C ends the wait at once.
    """
    answers: queue.SimpleQueue[tuple[_T] | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(),))
        except BaseException as error:  # noqa: BLE001 - a thread's SystemExit is an answer as well
            answers.put(error)

    threading.Thread(target=run, name="deadline", daemon=True).start()
    answer = _wait_for_answer(answers, time.monotonic() + deadline_s)
    if isinstance(answer, BaseException):
        raise answer
    return answer[0]


def _wait_for_answer(answers: queue.SimpleQueue[_T], until_s: float) -> _T:
    # In slices: on Windows, Ctrl-C does not interrupt a wait, only the moment between two.
    while True:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        try:
            return answers.get(timeout=min(_SLICE_S, left_s))
        except queue.Empty:
            continue
