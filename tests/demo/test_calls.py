"""The loopback upstream calls the tools that it is told to call."""

from __future__ import annotations

import pytest

from hiveloom_cli.demo.calls import Call, parse_calls


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("hello", ()),
        ("call weather", (Call("call_1", "weather", "{}"),)),
        ('call weather {"city": "Oslo"}', (Call("call_1", "weather", '{"city": "Oslo"}'),)),
        (
            "call weather\ncall time",
            (Call("call_1", "weather", "{}"), Call("call_2", "time", "{}")),
        ),
        ("call other", ()),
        ("please call weather", ()),
    ],
)
def test_a_line_that_says_so_is_a_call(text: str, calls: tuple[Call, ...]) -> None:
    assert parse_calls(text, {"weather", "time"}) == calls
