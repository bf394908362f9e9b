from __future__ import annotations

import io
import os
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING, NoReturn, TextIO

import pytest

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.terminal.display import open_display
from hiveloom_cli.terminal.question import ask_consent
from hiveloom_cli.terminal.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator


class Screen(io.StringIO):
    """A terminal, as far as anyone asks."""

    def isatty(self) -> bool:
        return True


@contextmanager
def open_pipe() -> Iterator[TextIO]:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield stream


def test_a_chat_needs_one_terminal_to_type_at_and_one_to_see() -> None:
    for stdin, stdout, stderr in product((Screen(), io.StringIO()), repeat=3):
        streams = Streams(stdin, stdout, stderr)
        seen = stdout.isatty() or stderr.isatty()
        assert streams.is_interactive is (stdin.isatty() and seen)
        assert streams.can_ask is (stdin.isatty() and stderr.isatty())


@pytest.mark.parametrize("by", [KeyboardInterrupt, EOFError])
def test_what_follows_a_question_that_was_left_has_its_own_line(
    by: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = Streams(Screen(""), Screen(), Screen())
    if by is KeyboardInterrupt:
        monkeypatch.setattr(streams.stdin, "readline", _interrupt)
    with pytest.raises((KeyboardInterrupt, HiveloomError)):
        ask_consent("Delete?", yes=False, streams=streams)
    assert isinstance(streams.stderr, Screen)
    assert streams.stderr.getvalue() == "Delete? [y/N] \n"


@pytest.mark.parametrize(("text", "told"), [("half", "\n"), ("half\n", ""), ("", "")])
def test_an_error_does_not_continue_an_answer_that_shares_its_screen(text: str, told: str) -> None:
    with open_pipe() as stdout:
        streams = Streams(io.StringIO(), stdout, Screen())
        with pytest.raises(KeyboardInterrupt):
            _break_off(streams, text)
        assert isinstance(streams.stderr, Screen)
        assert streams.stderr.getvalue() == told


def test_a_notice_does_not_continue_an_answer_either() -> None:
    with open_pipe() as stdout:
        streams = Streams(io.StringIO(), stdout, Screen())
        with open_display(streams) as display:
            display.feed("half")
            display.print_notice("note: once more")
        assert isinstance(streams.stderr, Screen)
        assert streams.stderr.getvalue() == "\nnote: once more\n"


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


def _break_off(streams: Streams, text: str) -> None:
    with open_display(streams) as display:
        display.feed(text)
        raise KeyboardInterrupt
