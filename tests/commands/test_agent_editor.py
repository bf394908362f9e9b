"""`hiveloom agent edit` without options: the person's own editor, on a real terminal."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.agents.contents import Contents
from hiveloom_cli.agents.store import AgentStore
from hiveloom_cli.agents.versions import Versions
from hiveloom_cli.app import App
from hiveloom_cli.commands.draft import print_unchanged
from hiveloom_cli.terminal.streams import Streams
from tests.support.clocks import ManualClock
from tests.support.program import Terminal, spawn_hiveloom

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

TEXT = "---\nmodel: old # mine\n---\n\nHi\n\n"
MEND = 'sed -i "s/model:.*/model: new/" "$1"'
BREAK = 'sed -i "s/model:.*/model: [/" "$1"'
WAIT_S = 30.0


@pytest.fixture
def agent(home: Path) -> Path:
    path = home / "agents" / "helper.md"
    path.parent.mkdir()
    path.write_text(TEXT)
    return path


def write_editor(folder: Path, *steps: str) -> str:
    """Write a script that does the first step when it is first run, and so on."""
    calls = folder / "calls"
    cases = "\n".join(f"{number}) {step} ;;" for number, step in enumerate(steps, start=1))
    editor = folder / "editor"
    editor.write_text(
        f'#!/bin/sh\necho >> {calls}\ncase $(wc -l < {calls} | tr -d " ") in\n{cases}\nesac\n'
    )
    editor.chmod(0o755)
    return str(editor)


def open_editor(folder: Path, *steps: str) -> AbstractContextManager[Terminal]:
    env = {"VISUAL": write_editor(folder, *steps), "EDITOR": "/nowhere/editor"}
    return spawn_hiveloom("agent", "edit", "helper", env=env, columns=200)


def finish(terminal: Terminal) -> int:
    return terminal.wait(WAIT_S)


def expect(terminal: Terminal, text: str) -> None:
    terminal.expect(text, WAIT_S)


def list_drafts(home: Path) -> list[Path]:
    folder = home / "drafts"
    return sorted(path for path in folder.rglob("*") if path.is_file())


def open_store(home: Path) -> AgentStore:
    versions = Versions(
        home / "versions" / "own", Contents(home / "versions" / "contents"), ManualClock()
    )
    return AgentStore(home / "agents", versions)


def load_texts(home: Path) -> list[str]:
    versions = open_store(home).versions
    return [versions.contents.load(one.digest).decode() for one in versions.load("helper")]


def test_what_the_editor_saves_becomes_the_agent(home: Path, agent: Path, tmp_path: Path) -> None:
    look = f'basename "$1" > {tmp_path}/seen; stat -c %a "$1" "$(dirname "$1")" >> {tmp_path}/seen'
    with open_editor(tmp_path, f"{look}; {MEND}") as terminal:
        assert finish(terminal) == 0
        assert "Changed helper: model old → new (version 2)" in terminal.text
    assert agent.read_text() == TEXT.replace("old # mine", "new")
    assert (tmp_path / "seen").read_text() == "helper.md\n600\n700\n"
    assert list_drafts(home) == []
    assert load_texts(home) == [TEXT, agent.read_text()]


def test_a_draft_that_stays_the_same_changes_nothing(
    home: Path, agent: Path, tmp_path: Path
) -> None:
    with open_editor(tmp_path, "true") as terminal:
        assert finish(terminal) == 0
        assert "Nothing changed in helper" in terminal.text
    assert agent.read_text() == TEXT
    assert list_drafts(home) == []


@pytest.mark.parametrize(("elapsed_s", "is_hinted"), [(0.1, True), (60.0, False)])
def test_an_editor_that_comes_back_at_once_may_not_have_waited(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, elapsed_s: float, *, is_hinted: bool
) -> None:
    import sys

    app = App({}, Streams(sys.stdin, sys.stdout, sys.stderr))
    print_unchanged(app, tmp_path / "helper.md", elapsed_s)
    assert ("--wait" in capsys.readouterr().err) is is_hinted


def test_a_broken_draft_is_told_with_its_line_and_edited_again(
    home: Path, agent: Path, tmp_path: Path
) -> None:
    with open_editor(tmp_path, BREAK, MEND) as terminal:
        expect(terminal, "edit again (e), discard (d)?")
        assert "helper.md:3: not valid YAML" in terminal.text
        assert agent.read_text() == TEXT
        terminal.send_line("what?")
        terminal.send_line("e")
        assert finish(terminal) == 0
    assert agent.read_text() == TEXT.replace("old # mine", "new")
    assert list_drafts(home) == []


def test_a_draft_that_is_no_text_is_told(agent: Path, tmp_path: Path) -> None:
    with open_editor(tmp_path, r'printf "\377" >> "$1"') as terminal:
        expect(terminal, "discard (d)?")
        assert "helper.md:7: not UTF-8 text" in terminal.text
        terminal.send_line("discard")
        assert finish(terminal) == 1


def test_a_draft_that_is_discarded_is_gone(home: Path, agent: Path, tmp_path: Path) -> None:
    with open_editor(tmp_path, BREAK) as terminal:
        expect(terminal, "discard (d)?")
        terminal.send_line("d")
        assert finish(terminal) == 1
        assert "discarded; nothing was changed" in terminal.text
    assert agent.read_text() == TEXT
    assert list_drafts(home) == []


@pytest.mark.parametrize(("letter", "code"), [("c", 130), ("d", 1)])
def test_who_leaves_at_the_question_keeps_the_draft(
    home: Path, agent: Path, tmp_path: Path, letter: str, code: int
) -> None:
    with open_editor(tmp_path, BREAK) as terminal:
        expect(terminal, "discard (d)?")
        terminal.press_control(letter)
        assert finish(terminal) == code
        (draft,) = list_drafts(home)
        assert f"Your text is kept: {draft}" in terminal.text.replace("\n", "")
    assert draft.read_text() == TEXT.replace("old # mine", "[")
    assert agent.read_text() == TEXT


@pytest.mark.parametrize("end", ["exit 1", "kill -9 $$", "kill -INT $$"])
def test_an_editor_that_dies_leaves_the_draft(
    home: Path, agent: Path, tmp_path: Path, end: str
) -> None:
    with open_editor(tmp_path, f"{MEND}; {end}") as terminal:
        assert finish(terminal) == 1
        (draft,) = list_drafts(home)
        assert f"Your text is kept: {draft}" in terminal.text.replace("\n", "")
    assert "model: new" in draft.read_text()
    assert agent.read_text() == TEXT


def test_what_a_dying_editor_saved_beside_the_draft_stays(
    home: Path, agent: Path, tmp_path: Path
) -> None:
    step = 'echo rescued > "$(dirname "$1")/.helper.md.swp"; kill -9 $$'
    with open_editor(tmp_path, step) as terminal:
        assert finish(terminal) == 1
    assert "rescued\n" in [path.read_text() for path in list_drafts(home)]


def test_an_editor_that_says_no_discards_what_was_not_written(
    home: Path, agent: Path, tmp_path: Path
) -> None:
    with open_editor(tmp_path, "exit 1") as terminal:
        assert finish(terminal) == 1
        assert "nothing was changed" in terminal.text
    assert agent.read_text() == TEXT
    assert list_drafts(home) == []


@pytest.mark.parametrize("editor", ["/nowhere/editor", "'unfinished"])
def test_an_editor_that_cannot_be_run_is_told(home: Path, agent: Path, editor: str) -> None:
    with spawn_hiveloom("agent", "edit", "helper", env={"EDITOR": editor}) as terminal:
        assert finish(terminal) == 1
        assert "set VISUAL or EDITOR" in terminal.text
    assert list_drafts(home) == []


def test_ctrl_c_belongs_to_the_editor_while_it_runs(agent: Path, tmp_path: Path) -> None:
    step = f"trap '{MEND}; exit 0' INT; echo ready; while :; do sleep 0.1; done"
    with open_editor(tmp_path, step) as terminal:
        expect(terminal, "ready")
        terminal.press_control("c")
        assert finish(terminal) == 0
    assert "model: new" in agent.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_draft_outlives_the_program(
    home: Path, agent: Path, tmp_path: Path, number: signal.Signals
) -> None:
    step = f'{MEND}; echo ready; while kill -0 "$PPID" 2>/dev/null; do sleep 0.1; done'
    with open_editor(tmp_path, step) as terminal:
        expect(terminal, "ready")
        os.kill(terminal.pid, number)
        assert finish(terminal) in (128 + number, -number)
    (draft,) = list_drafts(home)
    assert "model: new" in draft.read_text()
    assert agent.read_text() == TEXT


def meet_change(agent: Path, tmp_path: Path, *later: str) -> AbstractContextManager[Terminal]:
    theirs = f"{MEND}; printf -- '---\\nmodel: theirs\\n---\\n' > {agent}"
    return open_editor(tmp_path, theirs, *later)


def test_what_someone_else_wrote_meanwhile_stays_as_a_version(
    home: Path, agent: Path, tmp_path: Path
) -> None:
    with meet_change(agent, tmp_path) as terminal:
        expect(terminal, "overwrite (o), edit again (e), discard (d)?")
        (number,) = [at for at, text in enumerate(load_texts(home), 1) if "theirs" in text]
        assert f"kept as version {number}." in terminal.text
        terminal.send_line("o")
        assert finish(terminal) == 0
    assert agent.read_text() == TEXT.replace("old # mine", "new")
    assert load_texts(home)[-2:] == ["---\nmodel: theirs\n---\n", agent.read_text()]


def test_a_conflict_can_be_edited_again_and_discarded(
    home: Path, agent: Path, tmp_path: Path
) -> None:
    with meet_change(agent, tmp_path, 'echo more >> "$1"') as terminal:
        expect(terminal, "discard (d)?")
        terminal.send_line("e")
        assert finish(terminal) == 0
    assert agent.read_text().endswith("more\n")
    agent.write_text(TEXT)
    (tmp_path / "calls").unlink()
    with meet_change(agent, tmp_path) as terminal:
        expect(terminal, "discard (d)?")
        terminal.send_line("d")
        assert finish(terminal) == 1
    assert agent.read_text() == "---\nmodel: theirs\n---\n"
    assert list_drafts(home) == []


def test_an_agent_that_was_deleted_meanwhile_can_be_written_again(
    agent: Path, tmp_path: Path
) -> None:
    with open_editor(tmp_path, f"{MEND}; rm {agent}") as terminal:
        expect(terminal, "helper was deleted while you edited it.")
        expect(terminal, "discard (d)?")
        terminal.send_line("o")
        assert finish(terminal) == 0
    assert agent.read_text() == TEXT.replace("old # mine", "new")


def test_a_broken_file_is_repaired_in_the_editor(agent: Path, tmp_path: Path) -> None:
    agent.write_text("---\nmodel: [\n---\n")
    with open_editor(tmp_path, MEND) as terminal:
        assert finish(terminal) == 0
        assert "helper.md:3: not valid YAML" in terminal.text
    assert agent.read_text() == "---\nmodel: new\n---\n"


def test_no_editor_opens_for_an_agent_that_is_not_there(agent: Path, tmp_path: Path) -> None:
    marker: dict[str, Any] = {"VISUAL": write_editor(tmp_path, "true")}
    with spawn_hiveloom("agent", "edit", "nobody", env=marker) as terminal:
        assert finish(terminal) == 5
    assert not (tmp_path / "calls").exists()
