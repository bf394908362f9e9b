from __future__ import annotations

from hiveloom_cli.terminal.table import format_table


def test_no_cell_makes_a_row_of_its_own() -> None:
    rows = [("a", "x\nb  forged\u2028c\x1b[2J"), ("d", "y")]
    header, *lines = format_table(("NAME", "TEXT"), rows)
    assert header == "NAME  TEXT"
    assert lines == ["a     x b  forged c␛[2J", "d     y"]


def test_columns_are_measured_in_cells() -> None:
    rows = [("日本", "m"), ("e\u0301", "n"), ("plain", "o")]
    assert list(format_table(("NAME", "MODEL"), rows)) == [
        "NAME   MODEL",
        "日本   m",
        "e\u0301      n",
        "plain  o",
    ]


def test_a_long_cell_is_not_cut() -> None:
    assert list(format_table(("NAME",), [("x" * 5000,)]))[1] == "x" * 5000
