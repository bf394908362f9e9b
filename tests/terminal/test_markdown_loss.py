"""No word of an answer stays off the screen, whatever Markdown makes of it."""

from __future__ import annotations

import html
import re
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hiveloom_cli.terminal.loss import loses_text
from tests.terminal.screen import Terminal, cut, draw_streamed, draw_whole

WIDTHS = st.integers(10, 80)
WORD = st.text("abcdefgxyzäöß日本0123456789", min_size=1, max_size=14)
WORDS = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
TARGET = WORD.map("http://{}.example".format)


def indent(text: str, first: str, rest: str) -> str:
    return first + text.replace("\n", f"\n{rest}")


def nest(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Put blocks into a quote or a list, once or many times over."""
    mark = st.sampled_from([("> ", "> "), ("- ", "  "), ("7. ", "   "), ("12) ", "    ")])
    return st.builds(
        lambda text, mark, count: [text := indent(text, *mark) for _ in range(count)][-1],
        st.lists(inner, min_size=1, max_size=2).map("\n\n".join),
        mark,
        st.sampled_from([1, 1, 2, 3, 8, 26]),
    )


def build_table(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "-|" * len(rows[0]), *lines[1:]])


INLINE = st.one_of(
    WORDS,
    st.builds("[{}]({})".format, WORDS, TARGET),
    st.builds('[{}](<{} x> "{}")'.format, WORDS, TARGET, WORDS),
    st.builds('![{}]({} "{}")'.format, WORDS, TARGET, WORDS),
    st.builds("[![{}]({})]({})".format, WORDS, TARGET, TARGET),
    st.builds("[{}][{}]".format, WORDS, WORD),
    TARGET.map("<{}>".format),
    st.builds("**{}** _{}_ ~~{}~~ `{}`".format, WORDS, WORDS, WORDS, WORDS),
    st.builds("<b title='{}'>{}</b> &amp; &lt;".format, WORDS, WORDS),
)
TEXT = st.lists(INLINE, min_size=1, max_size=3).map(" ".join)
LEAF = st.one_of(
    TEXT,
    st.lists(TEXT, min_size=1, max_size=5).map(lambda items: "\n".join(f"- {i}" for i in items)),
    st.lists(st.tuples(st.integers(0, 99), TEXT), min_size=1, max_size=5).map(
        lambda items: "\n".join(f"{number}. {text}" for number, text in items)
    ),
    st.builds("{} {}".format, st.sampled_from(["#", "###", "######"]), TEXT),
    st.builds("{}\n===".format, TEXT),
    st.builds("```{}\n{}\n```".format, st.one_of(st.just(""), WORDS), WORDS),
    st.builds("    {}".format, WORDS),
    st.builds("<div>\n{}\n</div>\n\n<!-- {} -->".format, WORDS, WORDS),
    st.lists(st.builds("[{}]: {} '{}'".format, WORD, TARGET, WORDS), min_size=1, max_size=4).map(
        "\n".join
    ),
    st.lists(st.lists(TEXT, min_size=1, max_size=9), min_size=1, max_size=4).map(build_table),
    st.just("---"),
)
DOCUMENT = st.lists(st.recursive(LEAF, nest, max_leaves=3), min_size=1, max_size=4).map("\n\n".join)


def read_words(text: str) -> list[str]:
    # At the head of an item a number may be counted on: 1. 1. is shown as 1 2.
    listless = re.sub(r"^(?:[ >]|- )*(?:\d+[.)] +)+", "", text, flags=re.MULTILINE)
    return re.findall(r"[^\W_]+", html.unescape(listless))


def assert_no_word_is_lost(source: str, shown: list[str]) -> None:
    # Words are folded, in a table side by side with others: so letters are counted, and where no
    # table is, each word has its letters in a row.
    letters = re.sub(r"[\W_]", "", "".join(shown))
    words = read_words(source)
    if "|" not in source:
        assert [word for word in words if word not in letters] == []
    label_is_target = Counter("".join(re.findall(r"\[(http\S+)\]\(\1\)", source)))
    assert not Counter("".join(words)) - label_is_target - Counter(letters)


def draw(source: str, width: int, pieces: list[str] | None = None) -> list[str]:
    terminal = Terminal(width, height=10)
    if pieces is None:
        draw_whole(terminal, source)
    else:
        draw_streamed(terminal, pieces)
    return terminal.read_lines()


@settings(max_examples=30, deadline=None)
@given(DOCUMENT, WIDTHS, st.integers(0, 9))
@example("> " * 8 + "<http://0.example>", 10, 0)
def test_every_word_is_shown_and_streaming_ends_alike(source: str, width: int, seed: int) -> None:
    whole = draw(source, width)

    assert_no_word_is_lost(source, whole)
    assert draw(source, width, cut(source, seed, longest=max(7, len(source) // 4))) == whole


@pytest.mark.parametrize("width", [10, 20, 40, 80])
@pytest.mark.parametrize(
    "mark", [("> ", "> "), ("- ", "  "), ("3. ", "   ")], ids=["quote", "list", "numbers"]
)
def test_no_depth_loses_a_word(mark: tuple[str, str], width: int) -> None:
    for depth in (1, 3, 4, 6, 7, 9, 10, 13, 19, 21, 26, 27, 38, 41, 49, 50, 51, 99, 101, 150):
        source = "innermost word"
        for _ in range(depth):
            source = indent(source, *mark)
        source = f"{source}\n\nafter"

        assert_no_word_is_lost(source, draw(source, width))


@pytest.mark.parametrize("width", [10, 14, 20, 40])
def test_no_table_loses_a_word(width: int) -> None:
    head = [f"column{n}" for n in range(8)]
    source = build_table([head, [f"value{n} incomprehensibilities" for n in range(8)]])

    assert_no_word_is_lost(source, draw(source, width))


def test_hostile_depth_is_shown_as_it_was_written() -> None:
    source = f"{'>' * 5000} deep\n\n{'[' * 3000}x{'](y)' * 3000}\n\n{'*' * 900}z{'*' * 900}"

    assert_no_word_is_lost(source, draw(source, 80))


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_code_in_a_list_fits_no_width_and_is_shown_all_the_same(width: int) -> None:
    source = "- a\n\n  - b\n\n    ```\n    code\n    ```"

    assert_no_word_is_lost(source, draw(source, width))


@settings(max_examples=100, deadline=None)
@given(st.text("🎉👩‍👧❤️é\u0301①→a b", max_size=60))
@example("👩‍👧‍👦 ❤️ 🇩🇪 e\u0301 →")
def test_signs_are_no_reason_to_show_the_source(text: str) -> None:
    assert not any("**" in line for line in draw(f"**x** {text.strip()}", 30))


@pytest.mark.parametrize(
    ("source", "shown", "lost"),
    [
        ("one two", "t ne ow o", False),
        ("one one", "one", True),
        ("&amp; &#x41;", "& A", False),
        ("1. a\n1. b", "1 a\n2 b", False),
        ("in 1984", "in", True),
        ("- [ ] *done*", "done", False),
        ("→", "", True),
    ],
)
def test_loss_is_counted(source: str, shown: str, *, lost: bool) -> None:
    assert loses_text(source, shown) is lost
