"""`hiveloom tool edit` without options: the person's own editor, on a real terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.program import spawn_hiveloom

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.program import Terminal

TEXT = "---\ncommand: [git] # mine\n---\nLists.\n"
WAIT_S = 30.0
MEND = 'sed -i "s/command:.*/command: [ls]/" "$1"'
BREAK = 'sed -i "s/command:.*/command: ls -l/" "$1"'


@pytest.fixture
def tool(home: Path) -> Path:
    path = home / "tools" / "changes.md"
    path.parent.mkdir()
    path.write_text(TEXT)
    return path


def open_editor(folder: Path, *steps: str) -> AbstractContextManager[Terminal]:
    """Open an editor that does the first step when it is first run, and so on."""
    calls, editor = folder / "calls", folder / "editor"
    cases = "\n".join(f"{number}) {step} ;;" for number, step in enumerate(steps, start=1))
    editor.write_text(
        f'#!/bin/sh\necho >> {calls}\ncase $(wc -l < {calls} | tr -d " ") in\n{cases}\nesac\n'
    )
    editor.chmod(0o755)
    return spawn_hiveloom("tool", "edit", "changes", env={"VISUAL": str(editor)}, columns=200)


def list_drafts(home: Path) -> list[Path]:
    return sorted(path for path in (home / "drafts").rglob("*") if path.is_file())


def test_what_the_editor_saves_becomes_the_tool(home: Path, tool: Path, tmp_path: Path) -> None:
    with open_editor(tmp_path, MEND) as terminal:
        assert terminal.wait(WAIT_S) == 0
        assert f"Changed changes: {tool}" in terminal.text
    assert tool.read_text() == TEXT.replace("[git] # mine", "[ls]")
    assert list_drafts(home) == []


def test_a_broken_draft_is_told_with_its_line_and_edited_again(
    home: Path, tool: Path, tmp_path: Path
) -> None:
    with open_editor(tmp_path, BREAK, MEND) as terminal:
        terminal.expect("edit again (e), discard (d)?", WAIT_S)
        assert "changes.md:2: `command`: expected a list of words" in terminal.text
        assert tool.read_text() == TEXT
        terminal.send_line("e")
        assert terminal.wait(WAIT_S) == 0
    assert "command: [ls]\n" in tool.read_text()
    assert list_drafts(home) == []


def test_who_leaves_at_the_question_keeps_the_draft(home: Path, tool: Path, tmp_path: Path) -> None:
    with open_editor(tmp_path, BREAK) as terminal:
        terminal.expect("discard (d)?", WAIT_S)
        terminal.press_control("c")
        assert terminal.wait(WAIT_S) == 130
        assert "Your text is kept:" in terminal.text
    assert tool.read_text() == TEXT
    assert [path.read_text() for path in list_drafts(home)] == [
        TEXT.replace("[git] # mine", "ls -l")
    ]


@pytest.mark.parametrize("change", ["echo more >> {}", "rm {}"])
def test_a_file_that_changed_meanwhile_is_not_overwritten_unasked(
    home: Path, tool: Path, tmp_path: Path, change: str
) -> None:
    with open_editor(tmp_path, f"{MEND}; {change.format(tool)}") as terminal:
        terminal.expect("overwrite (o), edit again (e), discard (d)?", WAIT_S)
        assert "while you edited it." in terminal.text
        assert not tool.exists() or tool.read_text() == f"{TEXT}more\n"
        terminal.send_line("o")
        assert terminal.wait(WAIT_S) == 0
    assert tool.read_text() == TEXT.replace("[git] # mine", "[ls]")


def test_a_broken_tool_can_be_mended(tool: Path, tmp_path: Path) -> None:
    tool.write_text(TEXT.replace("[git]", "git"))
    with open_editor(tmp_path, MEND) as terminal:
        assert terminal.wait(WAIT_S) == 0
        assert "changes.md:2: `command`" in terminal.text
    assert "command: [ls]\n" in tool.read_text()
