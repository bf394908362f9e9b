from __future__ import annotations

from typing import Any

import pyte
import pytest
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from hiveloom_cli.terminal.look import Look
from hiveloom_cli.terminal.markdown import MarkdownStream
from tests.terminal.screen import HEIGHT, ManualClock, Terminal, cut, draw_streamed, open_console


def test_finished_blocks_are_written_once() -> None:
    terminal = Terminal()
    text = "".join(f"Paragraph number {n}, with text.\n\n- item {n}\n\n" for n in range(30))

    draw_streamed(terminal, cut(text, seed=3, longest=60), frame_s=0.05)

    # A block is drawn a few times while it is open and stays where it is when it is finished.
    for n in range(30):
        assert 1 <= terminal.written.count(f"Paragraph number {n},") <= 3


def test_a_finished_block_that_was_drawn_whole_is_not_written_again() -> None:
    terminal = Terminal()

    draw_streamed(terminal, ["First block.", "\n\n", "Second block.", "\n\n", "Third."])

    assert [terminal.written.count(word) for word in ("First", "Second", "Third")] == [1, 1, 1]


@pytest.mark.parametrize("closing", ["", "```\n\n"], ids=["one long block", "many blocks"])
def test_the_work_per_piece_does_not_grow(monkeypatch: pytest.MonkeyPatch, closing: str) -> None:
    read = [0]
    parse, scan = MarkdownIt.parse, StateBlock.__init__

    def counting_parse(self: MarkdownIt, src: str, env: Any = None) -> Any:
        read[0] += len(src)
        return parse(self, src, env)

    def counting_scan(self: StateBlock, src: str, *rest: Any) -> None:
        read[0] += len(src)
        scan(self, src, *rest)

    monkeypatch.setattr(MarkdownIt, "parse", counting_parse)
    monkeypatch.setattr(StateBlock, "__init__", counting_scan)
    clock, costs = ManualClock(), []
    stream = MarkdownStream(open_console(Terminal()), Look(clock=clock))
    for _ in range(8):
        before = read[0]
        for n in range(100):
            stream.feed(f"```\nline {n} of code\n{closing}" if closing else f"word {n}, ")
            clock.now_s += 0.02
        costs.append(read[0] - before)
    stream.close()

    # At most three passes over each character of a frame, and 30,000 of those a second; each cost
    # is of two seconds.
    assert max(costs) <= 3 * 30_000 * 2
    assert costs[-1] <= 2 * costs[1] or not closing


def test_redraws_of_a_growing_block_stay_within_a_budget() -> None:
    terminal, clock = Terminal(), ManualClock()
    frames = []
    with MarkdownStream(open_console(terminal), Look(clock=clock)) as stream:
        for _ in range(40):
            before = len(terminal.written)
            stream.feed("word " * 1000)
            frames.append(len(terminal.written) > before)
            clock.now_s += 1 / 12

    assert frames[0]
    assert sum(frames) < 20


def test_frames_are_spaced_by_the_clock() -> None:
    terminal, clock = Terminal(), ManualClock()
    stream = MarkdownStream(open_console(terminal), Look(clock=clock))

    stream.feed("one")
    stream.feed(" two")
    assert "two" not in terminal.written
    clock.now_s += 0.1
    stream.feed(" three")

    assert "one two three" in terminal.written


def test_an_open_block_taller_than_the_screen_shows_its_last_rows() -> None:
    terminal = Terminal()
    stream = MarkdownStream(open_console(terminal), Look(clock=ManualClock()))

    # Until the comment ends, none of its lines has its colour for good.
    stream.feed("```js\n/*\n" + "".join(f"line {n}\n" for n in range(50)) + "last")
    lines = terminal.read_lines()

    assert lines == [f"line {n}" for n in range(40, 50)] + ["last"]
    assert len(lines) == HEIGHT - 1


def test_a_mark_that_may_become_anything_is_not_drawn_yet() -> None:
    terminal = Terminal()
    stream = MarkdownStream(open_console(terminal), Look(clock=ManualClock()))

    stream.feed("A paragraph\n-")

    assert terminal.read_lines() == ["A paragraph"]


def test_an_interrupt_keeps_what_arrived_and_leaves_a_sane_terminal() -> None:
    terminal = Terminal()

    def interrupt() -> None:
        with MarkdownStream(open_console(terminal), Look(clock=ManualClock())) as stream:
            stream.feed("First.\n\nHalf a sen")
            stream.feed("tence")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()

    assert terminal.read_lines() == ["First.", "", "Half a sentence"]
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (0, 3)
    assert pyte.modes.DECAWM in terminal.screen.mode
    assert not terminal.screen.cursor.hidden


def test_an_interrupt_during_layout_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    stream = MarkdownStream(open_console(terminal), Look(clock=(clock := ManualClock())))
    stream.feed("First.")
    clock.now_s += 1
    with monkeypatch.context() as patch:
        patch.setattr("hiveloom_cli.terminal.markdown.format_rows", _raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            stream.feed("\n\nSecond.\n\nThird.")
    stream.close()

    assert terminal.read_lines() == ["First.", "", "Second.", "", "Third."]


def _raise_interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_closing_twice_or_without_text_writes_nothing_more() -> None:
    terminal = Terminal()
    stream = MarkdownStream(open_console(terminal))
    stream.close()
    assert terminal.written == ""
    stream.feed("x")
    stream.close()
    written = terminal.written
    stream.close()

    assert terminal.written == written


def test_a_narrower_terminal_keeps_one_picture() -> None:
    terminal, clock = Terminal(width=30), ManualClock()
    console = open_console(terminal)
    stream = MarkdownStream(console, Look(clock=clock))
    stream.feed("Some words that fill one row and")
    console.width = 20
    clock.now_s += 1
    before = len(terminal.written)
    stream.feed(" more")

    # 27 cells at width 30 are two rows at width 20, and the second row of three stays one.
    assert terminal.written[before:].startswith("\r\x1b[2A\x1b[K\x1b[B\x1b[J\x1b[A")


def test_a_dumb_terminal_gets_each_block_when_it_is_finished() -> None:
    terminal, clock = Terminal(), ManualClock()
    console = open_console(terminal, _environ={"TERM": "dumb"}, color_system=None)
    with MarkdownStream(console, Look(clock=clock)) as stream:
        for piece in ["# Head\n\nsome", " text\n", "\nla", "st"]:
            stream.feed(piece)
            clock.now_s += 1

    assert terminal.written == "Head\n\nsome text\n\nlast\n"


def test_text_after_a_close_goes_below_what_was_written_meanwhile() -> None:
    terminal = Terminal()
    stream = MarkdownStream(open_console(terminal), Look(clock=(clock := ManualClock())))
    stream.feed("before")
    stream.close()
    terminal.write("(a notice)\n")
    clock.now_s += 1
    stream.feed("af")
    clock.now_s += 1
    stream.feed("ter")
    stream.close()

    assert terminal.read_lines() == ["before", "(a notice)", "", "after"]
