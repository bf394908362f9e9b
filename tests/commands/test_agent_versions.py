"""The life of an agent's file, as a person lives it at the command line."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.program import run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hiveloom_cli.demo.upstream import LoopbackUpstream
    from tests.support.program import Finished

    Hiveloom = Callable[..., Finished]

RED, GREEN = b"\x1b[31m", b"\x1b[32m"


@pytest.fixture
def path(home: Path) -> Path:
    """Give the file of `helper`, which has two versions."""
    run_hiveloom("agent", "create", "helper", "--model", "one", "--system-prompt", "Be terse.")
    path = home / "agents/helper.md"
    path.write_text(path.read_text().replace("one", "two"))
    run_hiveloom("agent", "show", "helper")
    return path


def list_versions() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(
        run_hiveloom("agent", "versions", "helper", "--json").stdout
    )
    return rows


def test_versions_are_listed_newest_first(hiveloom: Hiveloom, path: Path) -> None:
    done = hiveloom("agent", "versions", "helper", env={"TZ": "UTC"})
    header, second, first = done.stdout.splitlines()
    assert header.split() == ["NUMBER", "TAKEN", "SUMMARY"]
    assert second.startswith("2 *  ")
    assert second.endswith("  by hand: model one → two")
    assert first.split()[0] == "1"
    assert done.stderr == ""
    rows = list_versions()
    assert [(row["number"], row["current"]) for row in rows] == [(2, True), (1, False)]
    taken_at = str(rows[0]["taken_at"])
    assert taken_at.endswith("Z")
    assert taken_at[:16].replace("T", " ") in second
    assert hiveloom("agent", "versions", "--name", "helper", "--limit", "1").stdout.count("\n") == 2


@pytest.mark.parametrize("content", [b"no agent\n", b"---\nmodel: m\n---\nGr\xfc\xdfe"])
def test_a_broken_file_is_taken_in_shown_and_rolled_back(
    hiveloom: Hiveloom, path: Path, content: bytes
) -> None:
    before = path.read_bytes()
    path.write_bytes(content)
    assert hiveloom("agent", "versions", "helper").stdout.splitlines()[1].startswith("3 *  ")
    assert hiveloom("agent", "versions", "helper", "--show", "3").stdout_bytes == content
    done = hiveloom("agent", "rollback", "helper", "--to-version", "2")
    assert done.stdout == f"Rolled helper back to version 2, as version 4: {path}\n"
    assert "--to-version 3" in done.stderr
    assert path.read_bytes() == before
    done = hiveloom("agent", "rollback", "helper", "--to-version", "2")
    assert "nothing was changed" in done.stdout
    assert next(row["summary"] for row in list_versions()) == "rollback to 2"
    done = hiveloom("agent", "rollback", "helper", "--to-version", "3")
    assert (done.exit_code, path.read_bytes()) == (1, before)
    assert "version 3 of helper:" in done.stderr
    assert hiveloom("agent", "rollback", "helper", "--to-version", "9").exit_code == 5


@pytest.mark.parametrize(
    "words",
    [
        ("helper", "--diff", "1", "2"),
        ("--diff", "1", "helper"),
        ("--diff", "1", "2", "helper"),
        ("--name", "helper", "--diff", "1", "2"),
        ("helper", "--diff", "1"),
    ],
)
def test_a_diff_that_is_piped_is_one_for_patch(
    hiveloom: Hiveloom, path: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    diff = hiveloom("agent", "versions", *words).stdout_bytes
    assert b"\n-model: one\n+model: two\n" in diff
    copy = tmp_path / "helper.md"
    copy.write_bytes(hiveloom("agent", "versions", "helper", "--show", "1").stdout_bytes)
    subprocess.run(["patch"], input=diff, cwd=tmp_path, check=True)
    assert copy.read_bytes() == path.read_bytes()


def test_equal_versions_have_no_diff(hiveloom: Hiveloom, path: Path) -> None:
    done = hiveloom("agent", "versions", "helper", "--diff", "2")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "Nothing differs between version 2 and now.\n"


def test_a_diff_on_a_terminal_is_coloured_and_steers_nothing(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\x1b]0;owned\x07 \xff\n")
    args = ("agent", "versions", "helper", "--diff", "1")
    with spawn_hiveloom(*args) as terminal:
        assert terminal.wait() == 0
        assert RED in terminal.output
        assert GREEN in terminal.output
        assert b"\x1b]0" not in terminal.output
        assert "+␛]0;owned␇ �" in terminal.text
    for options, env in ((("--no-color",), {}), ((), {"NO_COLOR": "1"})):
        with spawn_hiveloom(*options, *args, env=env) as terminal:
            assert terminal.wait() == 0
            assert RED not in terminal.output
            assert "-model: one" in terminal.text


def test_a_version_on_a_terminal_steers_nothing(path: Path) -> None:
    path.write_bytes(b"a\x1b[31mb\xff\n")
    with spawn_hiveloom("agent", "versions", "helper", "--show", "3") as terminal:
        assert terminal.wait() == 0
        assert RED not in terminal.output
        assert terminal.text == "a␛[31mb�"


def test_a_terminal_gets_the_newest_and_is_told_of_the_others(path: Path) -> None:
    for number in range(31):
        path.write_text(f"---\nmodel: m{number}\n---\n")
        run_hiveloom("agent", "versions", "helper", "--limit", "1")
    with spawn_hiveloom("agent", "versions", "helper", rows=50) as terminal:
        assert terminal.wait() == 0
        assert terminal.lines[1].startswith("33 *")
        assert "3 older left out; all of them: --limit 33" in terminal.text
    assert len(run_hiveloom("agent", "versions", "helper").stdout.splitlines()) == 34


@pytest.mark.parametrize(
    "words",
    [
        ("helper", "--diff", "1", "x"),
        ("helper", "other"),
        ("helper", "--diff", "1", "2", "3"),
        ("helper", "--diff", "0"),
        ("helper", "--diff", "1", "--show", "1"),
        ("helper", "--diff", "1", "--json"),
        ("helper", "--show", "1", "--limit", "1"),
        (),
    ],
)
def test_what_says_nothing_that_can_be_done_is_refused(
    hiveloom: Hiveloom, path: Path, words: tuple[str, ...]
) -> None:
    assert hiveloom("agent", "versions", *words).exit_code == 2


def test_a_deleted_agent_keeps_its_versions_and_comes_back(hiveloom: Hiveloom, path: Path) -> None:
    before = path.read_bytes()
    done = hiveloom("agent", "delete", "helper", "--yes")
    assert "hiveloom agent restore helper" in done.stderr
    done = hiveloom("agent", "versions", "helper")
    assert len(done.stdout.splitlines()) == 3
    assert "*" not in done.stdout
    assert done.stderr == "helper is deleted; to restore it: hiveloom agent restore helper\n"
    assert hiveloom("agent", "versions", "helper", "--diff", "1", "2").exit_code == 0
    for args in (
        ("versions", "helper", "--diff", "1"),
        ("show", "helper"),
        ("path", "helper"),
        ("rollback", "helper", "--to-version", "1"),
    ):
        done = hiveloom("agent", *args)
        assert (done.exit_code, done.stdout) == (5, "")
        assert "deleted" in done.stderr
    assert hiveloom("agent", "restore", "helper").stdout == f"Restored helper, version 2: {path}\n"
    assert path.read_bytes() == before
    assert hiveloom("agent", "restore", "helper").exit_code == 1
    assert hiveloom("agent", "restore", "nobody").exit_code == 5


def test_an_agent_is_renamed_and_copied(hiveloom: Hiveloom, path: Path, home: Path) -> None:
    new = home / "agents/new.md"
    assert hiveloom("agent", "rename", "helper", "new").stdout == f"Renamed helper to new: {new}\n"
    assert len(hiveloom("agent", "versions", "new").stdout.splitlines()) == 4
    assert hiveloom("agent", "versions", "helper").exit_code == 5
    assert hiveloom("agent", "copy", "new", "helper").stdout == f"Copied new to helper: {path}\n"
    assert path.read_bytes() == new.read_bytes()
    assert [row["summary"] for row in list_versions()] == ["copied from new"]
    path.write_text("---\nmodel: three\n---\n")
    assert hiveloom("agent", "copy", "new", "helper").exit_code == 1
    assert hiveloom("agent", "copy", "new", "helper", "--force").exit_code == 0
    assert [row["number"] for row in list_versions()] == [3, 2, 1]
    assert hiveloom("agent", "copy", "new", "new", "--force").exit_code == 2
    assert hiveloom("agent", "copy", "nobody", "x").exit_code == 5
    done = hiveloom("agent", "rename", "new", "sk-abcdefghijklmnop")
    assert done.exit_code == 2
    assert "abcdef" not in done.stderr


def test_the_path_stands_alone(hiveloom: Hiveloom, path: Path) -> None:
    path.write_text("broken")
    done = hiveloom("agent", "path", "helper")
    assert (done.stdout, done.stderr) == (f"{path}\n", "")
    assert hiveloom("agent", "path", "--name", "nobody").exit_code == 5


def test_an_agent_of_a_project_is_copied_to_the_persons_own(
    hiveloom: Hiveloom, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "work/.hiveloom/agents"
    folder.mkdir(parents=True)
    (folder / "theirs.md").write_text("---\nmodel: m\n---\n")
    done = hiveloom("agent", "copy", "theirs", "mine", cwd=tmp_path / "work")
    assert done.stdout == f"Copied theirs to mine: {home / 'agents/mine.md'}\n"
    hiveloom("agent", "delete", "theirs", "--yes", cwd=tmp_path / "work")
    assert hiveloom("agent", "restore", "theirs").exit_code == 5
    assert hiveloom("agent", "restore", "theirs", cwd=tmp_path / "work").exit_code == 0
    assert [entry.name for entry in folder.iterdir()] == ["theirs.md"]


def test_a_chat_says_which_version_answered(
    hiveloom: Hiveloom, path: Path, loopback: LoopbackUpstream, home: Path
) -> None:
    env = {"HIVELOOM_OPENAI_BASE_URL": loopback.openai_base_url}

    def ask(*args: str) -> tuple[object, str]:
        done = hiveloom("chat", *args, "hi", "--json", env=env)
        return json.loads(done.stdout)["agent_version"], done.stderr

    assert ask("helper") == (2, "")
    path.write_text("---\nmodel: three\n---\n")
    assert ask("helper") == (3, "")
    assert ask("--model", "m") == (None, "")
    (home / "versions").rename(home / "moved")
    (home / "versions").write_text("in the folder's place")
    version, told = ask("helper")
    assert version is None
    assert told.count("warning: ") == len(told.splitlines()) == 1
    done = hiveloom("agent", "show", "helper")
    assert (done.exit_code, done.stderr.count("warning: ")) == (0, 1)


@pytest.mark.parametrize("command", ["versions", "restore", "path", "rename", "copy"])
@pytest.mark.parametrize("name", ["../helper", "a" * 300, ""])
def test_a_name_that_no_agent_can_have_is_refused(
    hiveloom: Hiveloom, command: str, name: str
) -> None:
    new = ["new"] if command in ("rename", "copy") else []
    done = hiveloom("agent", command, name, *new)
    assert done.exit_code == 2
    assert "cannot name an agent" in done.stderr
