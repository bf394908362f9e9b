from __future__ import annotations

import os

import pytest

from hiveloom_cli.terminal.burst import Burst, is_more_waiting
from hiveloom_cli.terminal.prompt import format_status


class Moments:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def elapsed_s(self) -> float:
        return self.now_s


def test_a_line_end_that_nothing_follows_sends() -> None:
    assert not Burst(Moments().elapsed_s).take_line_end(more=False)


def test_the_last_line_end_of_a_paste_sends_as_little_as_those_before() -> None:
    moments = Moments()
    burst = Burst(moments.elapsed_s)
    assert burst.take_line_end(more=True)
    moments.now_s += 0.01
    burst.note_key()
    assert burst.take_line_end(more=False)


def test_enter_after_a_paste_sends() -> None:
    moments = Moments()
    burst = Burst(moments.elapsed_s)
    assert burst.take_line_end(more=True)
    moments.now_s += 0.5
    burst.note_key()
    assert not burst.take_line_end(more=False)


def test_what_waits_is_seen() -> None:
    reader, writer = os.pipe()
    try:
        assert not is_more_waiting(reader, 0)
        os.write(writer, b"x")
        assert is_more_waiting(reader)
    finally:
        os.close(reader)
        os.close(writer)
    assert not is_more_waiting(-1)


@pytest.mark.parametrize(
    ("columns", "line"),
    [(80, "m · 8 tokens · host"), (16, "m · 8 tokens"), (4, "m"), (1, "")],
)
def test_the_status_has_the_parts_that_fit(columns: int, line: str) -> None:
    assert format_status(("m", "8 tokens", "host", ""), columns) == line


def test_nothing_in_the_status_steers_the_terminal() -> None:
    assert format_status(("a\x1b[2J\nb",), 80) == "a␛[2J b"
