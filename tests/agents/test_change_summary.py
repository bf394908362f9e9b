from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.agents.change_summary import summarize_change

# Each level holds the one before ten times over: what it means fits in no memory.
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{key}: &{key} [{','.join(['*' + former] * 10)}]\n"
    for former, key in zip("abcdefghijk", "bcdefghijkl", strict=True)
)


def write(settings: str = "", body: str = "Be terse.\n") -> str:
    return f"---\nmodel: m\n{settings}---\n{body}"


@pytest.mark.parametrize(
    ("old", "new", "summary"),
    [
        (write(), write().replace("model: m", "model: n"), "model m → n"),
        (write(), write("temperature: 0.2\n"), "temperature 0.2"),
        (write("temperature: 0.2\n"), write(), "temperature removed"),
        (write("x: true\n"), write("x: null\n"), "x true → (empty)"),
        (write(), write("tools: [a, b]\n"), "tools [a, b]"),
        (write("tools: [a, b]\n"), write("tools: [b, c]\n"), "tools +c -a"),
        (write("tools: [a, b]\n"), write("tools: [b, a]\n"), "tools [a, b] → [b, a]"),
        (write("tools: a\n"), write("tools: [a]\n"), "tools a → [a]"),
        (write("stop: 1\n"), write('stop: "1"\n'), "stop changed"),
        (write(), write('description: "one\\ntwo\\x1b"\n'), "description one two\x1b"),
        (
            write("description: " + "long " * 20 + "\n"),
            write("description: " + "long " * 20 + "tail\n"),
            "description changed",
        ),
        (write(), write(f"description: {'x' * 50}\n"), f"description {'x' * 39}…"),
        (
            write("tools: []\n"),
            write("tools: [a, b, c, d, e, f, g]\n"),
            "tools +a +b +c +d +e and 2 more",
        ),
        (write("x: {a: 1}\n"), write("x: {a: 2}\n"), "x changed"),
        (write(), write("x: {a: 2}\n"), "x added"),
        (write("x:\n- [a]\ny: 1\n"), write("x:\n- [b]\ny: 1\n"), "x changed"),
        (write("x:\n- [a]\ny: 1\n"), write("x:\n- [a]\ny: 2\n"), "y 1 → 2"),
        (write("x: {a: 1}\n"), write("x:\n  a: 1\n"), "comments or layout"),
        (write("x: 1\n"), write("x: true\n"), "x 1 → true"),
        (write(), write("# a note\n"), "comments or layout"),
        (write(), write(body="Be terse.\nPlease.\n"), "prompt +1 line"),
        (write(), write(body="Be brief.\n"), "prompt +1 -1 lines"),
        (write(), write("top_p: 1\n", body=""), "top_p 1, prompt -1 line"),
        (write(body="a\nb\n"), write(body="b\na\n"), "order of the prompt's lines"),
        (write(body="a\nb\n"), write(body="a\r\nb\r\n"), "line ends of the prompt"),
        (write(), "no agent\n", "file +1 -4 lines"),
        ("a\n", "a\r\n", "line ends of the file"),
        ("a\n", "a\n", "bytes that are not UTF-8"),
    ],
)
def test_a_change_is_said_in_few_words(old: str, new: str, summary: str) -> None:
    assert summarize_change(old, new) == summary


def test_a_value_that_means_more_than_fits_in_memory_is_told_by_its_lines() -> None:
    assert summarize_change(write(BOMB), write(BOMB.replace("l: &l", "z: &z"))) == (
        "file +1 -1 lines"
    )


def test_a_great_change_is_summed_up_at_once() -> None:
    old = write(body="\n".join(["a", "", "b", ""] * 20_000))
    new = write(body="\n".join(["b", "", "a", "c"] * 20_000))
    assert summarize_change(old, new) == "prompt +20000 -19999 lines"


SETTINGS = st.dictionaries(st.text(max_size=8), st.text(max_size=60), max_size=4).map(
    lambda found: "".join(f"{key}: {value}\n" for key, value in found.items())
)
FREE = st.text(st.sampled_from("-\n:[]{}&*!\"'#| \r\t\x85\u2028\ud800\x00aé\\u"), max_size=60)
TEXTS = st.one_of(
    st.text(), FREE, st.builds(write, FREE, st.text()), st.builds(write, SETTINGS, FREE)
)


@given(TEXTS, TEXTS)
def test_any_change_has_a_summary_of_one_short_line(old: str, new: str) -> None:
    summary = summarize_change(old, new)
    assert summary.strip()
    assert len(summary) <= 200
    assert len(summary.splitlines()) == 1
    summary.encode()
