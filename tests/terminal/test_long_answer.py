"""A long answer: streamed, it leaves the screen and the scrollback that it would leave at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.program import spawn_hiveloom
from tests.support.upstream import json_reply, openai_reply, openai_stream, stream_reply
from tests.terminal.screen import ManualClock, Terminal, cut, draw_whole, open_stream

if TYPE_CHECKING:
    from tests.support.upstream import Reply, ScriptedUpstream

SECTION = """## {n}. Section with `code` and **bold**

A paragraph of some length, with a [link](http://x.example/{n}), *emphasis*, 日本語のテキスト and 🎉
emoji, a combined e\u0301, and\ta tab. It is long enough to be wrapped more than once 漢字漢字漢字.

- first item {n}
- second item, which is longer than the others and will be wrapped on a narrow screen
  - nested 🚀
  - nested again
- {long}

| Name | What it is | Number |
|:-----|------------|-------:|
| one  | `first` of them | {n} |
| 二   | an explanation of some length, folded | 1,234,567 |

```python
def function_{n}(argument: str) -> int:
    \"\"\"Return the answer to section {n}, in a line longer than a narrow screen is wide.\"\"\"
\treturn len(argument) + {n}  # 日本
```

1. one
2. two

   more of two

> quoted {n}
> > deeper

"""


def build_answer(tokens: int) -> str:
    """Build Markdown of about that many tokens, counted as words and signs."""
    text, count = "", 0
    for n in range(tokens):
        section = SECTION.format(n=n, long="Donau" * 30)
        count += len(re.findall(r"\w+|[^\w\s]", section))
        text += section
        if count >= tokens:
            break
    return text


def read_terminal(upstream: ScriptedUpstream, reply: Reply, *words: str, columns: int) -> list[str]:
    upstream.add(reply)
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    words = ("chat", "--model", "m", *words, "hi")
    with spawn_hiveloom(*words, env=env, columns=columns) as terminal:
        assert terminal.wait(120) == 0
        return terminal.all_lines


@pytest.mark.parametrize("columns", [80, 20])
def test_ten_thousand_tokens_end_on_the_screen_as_if_they_had_come_at_once(
    columns: int, upstream: ScriptedUpstream
) -> None:
    text = build_answer(10_000)
    streamed = stream_reply(openai_stream(cut(text, seed=1, longest=9)))
    whole = json_reply(openai_reply(text))
    lines = read_terminal(upstream, streamed, columns=columns)
    assert lines == read_terminal(upstream, whole, "--no-stream", columns=columns)
    assert len(lines) > 1000
    assert max(map(len, lines)) <= columns


PIECES = st.lists(st.tuples(st.integers(1, 400), st.sampled_from([0.0, 0.03, 0.5])), min_size=1)


@settings(max_examples=25, deadline=None)
@given(PIECES, st.sampled_from([20, 31, 64]), st.sampled_from([5, 12, 24]))
def test_no_cut_and_no_pause_changes_the_picture(
    pieces: list[tuple[int, float]], width: int, height: int
) -> None:
    text = build_answer(400)
    streamed, whole, clock = Terminal(width, height), Terminal(width, height), ManualClock()
    with open_stream(streamed, clock) as stream:
        start = 0
        while start < len(text):
            size, pause_s = pieces[start % len(pieces)]
            stream.feed(text[start : start + size])
            clock.now_s += pause_s
            start += size
    draw_whole(whole, text)
    assert streamed.read_lines() == whole.read_lines()


# Signs one and two cells wide, of which a row that is cut anywhere may hold either.
WORDS = st.lists(st.text("ab漢字🎉", min_size=1, max_size=9), min_size=1, max_size=30).map(" ".join)
BLOCKS = st.builds(
    lambda marks, words: [f"{marks}{text}" for text in words],
    st.sampled_from(["\n\n", "\n- ", "\n1. ", "\n> "]),
    st.lists(WORDS, min_size=1, max_size=4),
)
WIDTH_CHANGES = st.lists(st.tuples(WORDS, st.integers(8, 60)), min_size=1, max_size=5)


def read_text(lines: list[str]) -> str:
    """Read the words alone, without the marks that the rows of a list or a quote begin with."""
    return re.sub(r"[\s•▌>.\d-]", "", "".join(lines))


@settings(max_examples=200, deadline=None)
@given(BLOCKS, WIDTH_CHANGES, st.integers(8, 60))
@example(["\n\n" + "漢" * 20], [("a", 8)], 40)
@example(["\n- 🎉 a", "\n- 漢字 b"], [("a 🎉", 8), ("字", 50), ("b", 9)], 30)
def test_a_resize_that_wraps_the_rows_anew_leaves_each_word_once(
    before: list[str], after: list[tuple[str, int]], width: int
) -> None:
    terminal, clock = Terminal(width, height=300), ManualClock()
    with open_stream(terminal, clock) as stream:
        stream.feed("".join(before))
        for text, new_width in after:
            terminal.reflow(new_width)
            stream._console.width = new_width
            clock.now_s += 1
            stream.feed(f" {text}")
    said = [*before, *(text for text, _ in after)]
    assert read_text(terminal.read_lines()) == read_text(said)


def test_a_list_taller_than_the_screen_scrolls_while_it_grows() -> None:
    terminal, clock = Terminal(height=6), ManualClock()
    with open_stream(terminal, clock) as stream:
        stream.feed("Intro.\n\n")
        for n in range(20):
            stream.feed(f"- item {n}\n")
            clock.now_s += 1
        assert terminal.read_lines() == ["Intro.", "", *(f" • item {n}" for n in range(20))]
    assert terminal.read_lines() == ["Intro.", "", *(f" • item {n}" for n in range(20))]


def test_an_item_taller_than_the_screen_shows_its_end_and_is_whole_when_it_ends() -> None:
    terminal, clock = Terminal(height=6), ManualClock()
    lines = ["Intro.", "", " • item", *(f"    • item {n}" for n in range(20))]
    with open_stream(terminal, clock) as stream:
        stream.feed("Intro.\n\n- item\n")
        for n in range(20):
            stream.feed(f"  - item {n}\n")
            clock.now_s += 1
        assert terminal.read_lines()[-5:] == lines[-5:]
    assert terminal.read_lines() == lines


@pytest.mark.parametrize("pattern", ["- item {n}\n", "item {n}\\\n", "| item {n} |\n"])
def test_a_lower_screen_loses_no_row_and_doubles_none_that_stays_as_it_is(pattern: str) -> None:
    head = "| a |\n|---|\n" if pattern.startswith("|") else ""
    terminal, clock = Terminal(height=14), ManualClock()
    with open_stream(terminal, clock) as stream:
        stream.feed("Intro.\n\n" + head + "".join(pattern.format(n=n) for n in range(9)))
        terminal.reflow(terminal.width, height=6)
        stream._console.height = 6
        clock.now_s += 1
        stream.feed(pattern.format(n=9))
    items = [line.strip(" •\\") for line in terminal.read_lines() if "item" in line]
    assert items == [f"item {n}" for n in range(10)]
