from __future__ import annotations

import _thread
import threading
import time

import pytest

from hiveloom_cli.credentials.deadline import call_with_deadline


def test_an_answer_in_time_is_given() -> None:
    assert call_with_deadline(lambda: None, 5) is None
    assert call_with_deadline(lambda: "answer", 5) == "answer"


def test_an_error_in_time_is_raised() -> None:
    def fail() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        call_with_deadline(fail, 5)


def test_a_thread_that_wants_to_exit_is_heard() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        call_with_deadline(leave, 5)


def test_no_answer_is_not_waited_for() -> None:
    released = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        call_with_deadline(lambda: released.wait(30), 0.05)
    assert time.monotonic() - began < 5
    released.set()


def test_what_never_answers_is_not_asked_without_end() -> None:
    released = threading.Event()

    def count_threads() -> int:
        return sum(thread.name == "deadline" for thread in threading.enumerate())

    for _ in range(20):
        with pytest.raises(TimeoutError):
            call_with_deadline(lambda: released.wait(30), 0.01)
    assert count_threads() <= 8
    released.set()
    assert call_with_deadline(lambda: "answer", 5) == "answer"


def test_ctrl_c_ends_the_wait() -> None:
    released = threading.Event()

    def press_and_go_on() -> None:
        time.sleep(0.2)  # until it is waited for
        _thread.interrupt_main()
        released.wait(30)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        call_with_deadline(press_and_go_on, 30)
    assert time.monotonic() - began < 10
    released.set()
