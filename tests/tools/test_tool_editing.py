"""Single settings changed in a file, and nothing else of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.tools.tool_editing import ToolChanges, edit_tool_text

PATH = Path("x.md")
TEXT = "---\n# mine\nurl: https://a.example   # here\nheaders:\n  A: b\n---\n\nFinds.\n"


def test_a_setting_is_changed_where_it_stands() -> None:
    changed = edit_tool_text(TEXT, PATH, ToolChanges({"url": "https://b.example"}))
    assert changed == TEXT.replace("a.example", "b.example")


def test_a_setting_of_several_lines_is_written_at_the_end() -> None:
    changed = edit_tool_text(TEXT, PATH, ToolChanges({"url": "u", "headers": {"A": {"b": "c"}}}))
    expected = TEXT.replace("https://a.example", "u").replace("  A: b\n", "  A:\n    b: c\n")
    assert changed == expected
    changed = edit_tool_text(TEXT.replace("\n", "\r\n"), PATH, ToolChanges({"input": {"a": "b"}}))
    expected = TEXT.replace("  A: b\n", "  A: b\ninput:\n  a: b\n").replace("\n", "\r\n")
    assert changed == expected


def test_a_setting_is_added_and_taken_out() -> None:
    changed = edit_tool_text(TEXT, PATH, ToolChanges({"timeout": 5}, ("headers",)))
    assert changed == TEXT.replace("headers:\n  A: b\n", "timeout: 5\n")


def test_a_description_takes_the_place_of_another() -> None:
    changed = edit_tool_text(TEXT, PATH, ToolChanges(description="\nNew\nlines.\n"))
    assert changed == TEXT.replace("\nFinds.", "New\nlines.")
    open_end = "---\nurl: a\n---"
    assert edit_tool_text(open_end, PATH, ToolChanges(description="New.")) == f"{open_end}\nNew.\n"


def test_nothing_changed_is_the_same_text() -> None:
    assert edit_tool_text(TEXT, PATH, ToolChanges()) == TEXT
    assert ToolChanges().is_empty


def test_what_is_not_set_cannot_be_unset() -> None:
    with pytest.raises(UsageMistake, match="timeout is not set") as caught:
        edit_tool_text(TEXT, PATH, ToolChanges(unset=("timeout",)))
    assert caught.value.hint == "set are: url, headers"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("---\nboth: &a x\nurl: *a\n---\nFinds.\n", ToolChanges({"both": "y"})),
        ("---\n{url: a}\n---\nFinds.\n", ToolChanges({"timeout": 5})),
    ],
)
def test_a_layout_that_does_not_let_it_be_changed_is_refused(
    text: str, changes: ToolChanges
) -> None:
    with pytest.raises(UsageMistake, match="laid out") as caught:
        edit_tool_text(text, PATH, changes)
    assert caught.value.hint == "change it in an editor"


def test_what_is_no_front_matter_is_told() -> None:
    with pytest.raises(SettingsInvalid, match="expected `---` on the first line"):
        edit_tool_text("Finds.\n", PATH, ToolChanges({"timeout": 5}))
