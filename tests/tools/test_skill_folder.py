"""Skills are written and removed in one step, whatever ends the process meanwhile."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.errors import AlreadyExists, FileUnreadable, ToolNotFound, UsageMistake
from hiveloom_cli.tools.skill_folder import SkillFolder
from hiveloom_cli.tools.skill_source import load_source
from tests.support.skills import NOTES, build_text, write_skill

if TYPE_CHECKING:
    from pathlib import Path

NAME = "release-notes"


@pytest.fixture
def folder(tmp_path: Path) -> SkillFolder:
    return SkillFolder(tmp_path / "config/skills")


def install(folder: SkillFolder, source: Path, *, replace: bool = False) -> Path:
    found = load_source(source)
    return folder.save(found.skill.name, found.files, replace=replace)


def list_hidden(folder: SkillFolder) -> list[str]:
    return [path.name for path in folder.folder.iterdir() if path.name.startswith(".")]


def test_a_skill_is_copied_privately_and_keeps_what_may_be_executed(
    folder: SkillFolder, tmp_path: Path
) -> None:
    source = write_skill(tmp_path, NOTES, {"scripts/run.sh": "exit", "a/b/c.md": "x"})
    (source / "scripts/run.sh").chmod(0o6777)
    (source / "a/b/c.md").chmod(0o666)
    path = install(folder, source)
    assert path == folder.folder / NAME
    modes = {
        place.relative_to(path).as_posix(): stat.S_IMODE(place.stat().st_mode)
        for place in [path, *path.rglob("*")]
    }
    assert modes == {
        ".": 0o700,
        "SKILL.md": 0o600,
        "scripts": 0o700,
        "scripts/run.sh": 0o700,
        "a": 0o700,
        "a/b": 0o700,
        "a/b/c.md": 0o600,
    }
    assert folder.load(NAME).body == "Group the commits. See references/style.md."
    assert folder.load_text(NAME, "a/b/c.md") == "x"
    assert list_hidden(folder) == []


def test_a_skill_that_is_there_is_replaced_only_if_asked(
    folder: SkillFolder, tmp_path: Path
) -> None:
    source = write_skill(tmp_path, NOTES, {"old.md": "old"})
    install(folder, source)
    (source / "old.md").rename(source / "new.md")
    with pytest.raises(AlreadyExists) as caught:
        install(folder, source)
    assert caught.value.hint == "add --force to replace it"
    assert folder.load_text(NAME, "old.md") == "old"
    install(folder, source, replace=True)
    assert [piece.path for piece in folder.load_pieces(NAME)] == ["new.md"]
    assert list_hidden(folder) == []


def test_a_link_is_replaced_and_removed_without_what_it_leads_to(
    folder: SkillFolder, tmp_path: Path
) -> None:
    kept = write_skill(tmp_path / "kept", NOTES, {"mine.md": "mine"})
    folder.folder.mkdir(parents=True)
    (folder.folder / NAME).symlink_to(kept)
    with pytest.raises(AlreadyExists):
        install(folder, kept)
    install(folder, kept, replace=True)
    assert not (folder.folder / NAME).is_symlink()
    folder.remove(NAME)
    (folder.folder / NAME).symlink_to(kept)
    folder.remove(NAME)
    (folder.folder / NAME).symlink_to(tmp_path / "none")
    folder.remove(NAME)
    assert (kept / "mine.md").read_text() == "mine"
    assert list(folder.folder.iterdir()) == []


def test_what_is_not_there_cannot_be_removed(folder: SkillFolder) -> None:
    with pytest.raises(ToolNotFound):
        folder.remove(NAME)
    with pytest.raises(UsageMistake):
        folder.remove("../config")
    assert folder.load_names() == []


def test_names_are_those_of_folders_whether_valid_or_not(
    folder: SkillFolder, tmp_path: Path
) -> None:
    write_skill(folder.folder, build_text("b"))
    (folder.folder / "a").mkdir()
    (folder.folder / ".hidden").mkdir()
    (folder.folder / "Odd Name").mkdir()
    (folder.folder / "README.md").touch()
    (folder.folder / "linked").symlink_to(write_skill(tmp_path, build_text("linked")))
    assert folder.load_names() == ["Odd Name", "a", "b", "linked"]
    assert folder.load("linked").name == "linked"
    with pytest.raises(FileUnreadable, match="no such file, which makes a folder a skill"):
        folder.load("a")
    with pytest.raises(UsageMistake):
        folder.load("Odd Name")


def test_a_failure_leaves_the_former_skill_and_nothing_half(
    folder: SkillFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_skill(tmp_path, NOTES, {"a.md": "old"})
    install(folder, source)
    (source / "a.md").write_text("new")
    count = 0

    def fail(_: int) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            install(folder, source, replace=True)
    assert folder.load_text(NAME, "a.md") == "old"
    assert list_hidden(folder) == []


# Ends itself by a signal that nothing can catch, at the given one of the steps that touch the disk.
_KILLED = """
import os, signal, sys
from pathlib import Path
from hiveloom_cli.tools.skill_folder import SkillFolder
from hiveloom_cli.tools.skill_source import load_source

left = int(sys.argv[3])

def count(step):
    def do(*args, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*args, **options)
    return do

folder, found = SkillFolder(Path(sys.argv[1])), load_source(Path(sys.argv[2]))
os.fsync, os.rename, os.mkdir = count(os.fsync), count(os.rename), count(os.mkdir)
os.rmdir, os.unlink = count(os.rmdir), count(os.unlink)
folder.save(found.skill.name, found.files, replace=True)
"""


@pytest.mark.parametrize("is_there", [True, False])
def test_a_kill_at_any_step_leaves_the_former_skill_or_the_new_one(
    folder: SkillFolder, tmp_path: Path, *, is_there: bool
) -> None:
    old = write_skill(tmp_path / "old", NOTES, {"a.md": "old", "sub/b.md": "old"})
    new = write_skill(tmp_path / "new", NOTES, {"a.md": "new", "sub/b.md": "new"})
    seen: list[str] = []
    for step in range(1, 60):
        if is_there:
            install(folder, old, replace=True)
        elif folder.load_names():
            folder.remove(NAME)
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, folder.folder, new, str(step)], check=False
        )
        seen.append(load_state(folder))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert done.returncode == 0
    assert set(seen) == {"old" if is_there else "none", "new"}
    assert seen == sorted(seen, reverse=True, key=lambda state: state != "new")
    install(folder, new, replace=True)
    assert list_hidden(folder) == []


def load_state(folder: SkillFolder) -> str:
    """Say what a skill consists of, all of it: "old", "new", or "none"."""
    if not folder.load_names():
        return "none"
    assert folder.load(NAME).name == NAME
    first, second = (folder.load_text(NAME, file) for file in ("a.md", "sub/b.md"))
    assert first == second
    return first


def test_a_skill_that_a_dead_process_was_replacing_is_back_when_it_is_asked_for(
    folder: SkillFolder, tmp_path: Path
) -> None:
    install(folder, write_skill(tmp_path))
    path = folder.folder / NAME
    for ask in (lambda: folder.load(NAME), folder.load_names):
        path.rename(path.with_name(f".old-{NAME}"))
        assert ask()
        assert path.is_dir()
        assert list_hidden(folder) == []
