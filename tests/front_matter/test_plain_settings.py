from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hiveloom_cli.front_matter.plain_settings import parse_plain
from hiveloom_cli.front_matter.yaml_text import parse_mapping

PATH = Path("x.md")

_pieces = st.sampled_from(
    [
        *"abz019 .,;:!?'\"()/+=_@-#[]{}&*|>%~\r\n\té",
        "true",
        "null",
        "~",
        " #",
        ": ",
        "- ",
        "1.5",
        "no",
    ]
)
_values = st.lists(_pieces, max_size=12).map("".join)
_lists = st.lists(st.lists(_pieces, max_size=4).map("".join), max_size=4).map(
    lambda words: f"[{', '.join(words)}]"
)
_keys = st.sampled_from(["model", "a", "stop", "tools", "true", "n_1", "A", "", "null", "model "])
_lines = st.builds(
    "{}:{}{}{}".format, _keys, st.sampled_from(["", " ", "  "]), _values | _lists, st.just("\n")
)


@given(st.lists(_lines | st.sampled_from(["\n", "# c\n", "\r\n", " \n"]), max_size=5).map("".join))
@example("a: b c: d\n")
@example("a: b #c\n")
@example("a: b#c\n")
@example("a: [b, c,]\n")
@example("a: [b,c]\n")
@example("a: [a:b]\n")
@example("a: 1.\n")
@example("a: 0123\n")
@example("a: 'b\n")
@example("a: b\r\n")
def test_what_is_plain_is_what_yaml_reads(text: str) -> None:
    plain = parse_plain(text, line=2)
    if plain is not None:
        assert plain == parse_mapping(text, PATH, line=2)
        assert [type(field.value) for field in plain.values()] == [
            type(field.value) for field in parse_mapping(text, PATH, line=2).values()
        ]


@pytest.mark.parametrize(
    "text",
    [
        "model: gpt-4o-mini\n",
        "model: anthropic/claude-sonnet-4  # through a router\n",
        "model: llama3:70b\n",
        "description: Terse, and (mostly) helpful: it's fine.\n",
        "temperature: 0.2\nmax_tokens: 400\n",
        "# settings\n\ntools: [weather, mcp:github]\nskills: []\r\n",
    ],
)
def test_the_usual_settings_are_plain(text: str) -> None:
    assert (parse_plain(text, line=1) is not None) is ("fine" not in text)


@pytest.mark.parametrize(
    "text",
    ["a: 'b'\n", "a: yes no: b\n", "a: true\n", "a:\n", "a: b\na: c\n", "a: |\n  b\n", "a: é\n"],
)
def test_all_else_is_left_to_yaml(text: str) -> None:
    assert parse_plain(text, line=1) is None
