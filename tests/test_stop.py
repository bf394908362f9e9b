"""A wish to stop reaches whoever waits for it, once."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.stop import Stop

GATE_S = 20.0


def test_whoever_waits_is_woken() -> None:
    stop = Stop()
    woken = threading.Event()

    def wait() -> None:
        if stop.wait(GATE_S):
            woken.set()

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert not stop.wait(0)
    stop.set()
    for thread in threads:
        thread.join()
    assert woken.is_set()
    assert stop.wait(0)


def test_nothing_is_called_before_or_after_its_block() -> None:
    stop = Stop()
    called: list[str] = []
    with stop.on_stop(lambda: called.append("over")):
        pass
    with stop.on_stop(lambda: called.append("open")):
        assert called == []
        stop.set()
        assert called == ["open"]
    stop.set()
    assert called == ["open"]


def test_one_that_comes_late_is_called_at_once() -> None:
    stop = Stop()
    stop.set()
    called: list[str] = []
    with stop.on_stop(lambda: called.append("late")):
        assert called == ["late"]
        stop.set()
    assert called == ["late"]


@given(st.lists(st.booleans(), max_size=6), st.integers(1, 3))
def test_each_is_called_once_however_often_it_is_said(early: list[bool], times: int) -> None:
    stop = Stop()
    called: list[int] = []
    blocks = [
        stop.on_stop(lambda number=number: called.append(number))  # type: ignore[misc]
        for number, _ in enumerate(early)
    ]
    for block, is_early in zip(blocks, early, strict=True):
        if is_early:
            block.__enter__()
    for _ in range(times):
        stop.set()
    for block, is_early in zip(blocks, early, strict=True):
        if not is_early:
            block.__enter__()
    for block in blocks:
        block.__exit__(None, None, None)
    assert sorted(called) == list(range(len(early)))


def test_the_same_callback_twice_is_called_twice() -> None:
    stop = Stop()
    called: list[str] = []

    def note() -> None:
        called.append("x")

    with stop.on_stop(note), stop.on_stop(note):
        stop.set()
    assert called == ["x", "x"]
