from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.terminal.visible import format_exact, format_one_line, format_visible

BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u061c\u200e\u200f"
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@given(ANY_TEXT)
def test_no_character_that_steers_a_terminal_survives(text: str) -> None:
    for character in format_visible(text):
        if character in "\n\t":
            continue
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in BIDIRECTIONAL
        assert character not in MARKS


@given(ANY_TEXT)
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    visible = format_visible(text)

    assert format_visible(visible) == visible


@given(ANY_TEXT, ANY_TEXT)
def test_text_may_be_cut_anywhere(head: str, tail: str) -> None:
    assert format_visible(head + tail) == format_visible(head) + format_visible(tail)


@pytest.mark.parametrize(
    ("foreign", "visible"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\x00b\x7f", "a␀b␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("user\u202etxt.exe", "user<U+202E>txt.exe"),
        ("one\r\ntwo\rthree", "one\ntwothree"),
        ("one\u2028two\u2029three", "one\ntwo\nthree"),
        ("\ud83d alone", "\ufffd alone"),
        ("tab\tnewline\n", "tab\tnewline\n"),
        ("می‌خواهم 👩‍👧 שלום", "می‌خواهم 👩‍👧 שלום"),
    ],
)
def test_each_kind_has_its_visible_form(foreign: str, visible: str) -> None:
    assert format_visible(foreign) == visible


def test_one_line_joins_lines_and_shows_controls() -> None:
    assert format_one_line("bad\r\n\t request:\u2028\x1b[31mred\n") == "bad request: ␛[31mred"


def test_one_line_keeps_the_spaces_of_a_path_and_an_indent() -> None:
    assert format_one_line("  try: cat '/tmp/two  spaces'") == "  try: cat '/tmp/two  spaces'"


@given(ANY_TEXT, st.integers(1, 40))
def test_one_line_keeps_its_limit(text: str, limit: int) -> None:
    line = format_one_line(text, limit)

    assert len(line) <= limit
    assert "\n" not in line
    assert "\t" not in line


def test_one_line_ends_in_an_ellipsis_when_cut() -> None:
    assert format_one_line("word " * 200, 12) == "word word w…"
    assert format_one_line("x" * 500) == "x" * 500


@pytest.mark.parametrize(
    ("foreign", "exact"),
    [
        ("tab\tnewline\n", "tab\tnewline\n"),
        ("Zürich 日本語 שלום 🐝", "Zürich 日本語 שלום 🐝"),
        ("a\U000e0041\U000e0042b", "a<U+E0041><U+E0042>b"),
        ("a\U000e0100\ufe0fb", "a<U+E0100><U+FE0F>b"),
        ("a\u200b\u200d\u2060\ufeffb", "a<U+200B><U+200D><U+2060><U+FEFF>b"),
        ("\u3164\u2800\u00a0\u00ad", "<U+3164><U+2800><U+00A0><U+00AD>"),
        ("\x1b\u202e\ud83d", "␛<U+202E>\ufffd"),
    ],
)
def test_what_is_agreed_to_has_nothing_that_nobody_can_see(foreign: str, exact: str) -> None:
    assert format_exact(foreign) == exact
