"""What a store keeps of its files: through edits by hand, deletion, renaming and failures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.agent_file import MOST_BYTES
from hiveloom_cli.agents.briefs import BriefCache
from hiveloom_cli.agents.contents import Contents
from hiveloom_cli.agents.store import AgentStore
from hiveloom_cli.agents.versions import Versions
from hiveloom_cli.errors import (
    AgentNotFound,
    AlreadyExists,
    FileUnreadable,
    SettingsInvalid,
    VersionNotFound,
)
from tests.support.clocks import ManualClock

LATIN = b"---\nmodel: m\n---\nGr\xfc\xdfe\n"


def open_store(folder: Path, *, is_project: bool = False) -> AgentStore:
    versions = Versions(folder / "versions" / "own", Contents(folder / "contents"), ManualClock())
    return AgentStore(folder / "agents", versions, is_project=is_project)


@pytest.fixture
def store(tmp_path: Path) -> AgentStore:
    return open_store(tmp_path)


@pytest.fixture
def path(store: AgentStore) -> Path:
    """Give the file of the agent `a`."""
    return store.create(Agent("a", "one"), replace=False).path


def list_summaries(store: AgentStore, name: str = "a") -> list[str]:
    return [one.summary for one in store.versions.load(name)]


def load_version(store: AgentStore, number: int, name: str = "a") -> bytes:
    return store.versions.contents.load(store.versions.get(name, number).digest)


def test_what_is_written_by_hand_is_met_when_the_agent_is_read(
    store: AgentStore, path: Path
) -> None:
    assert store.load("a").version == 1
    path.write_text("---\nmodel: two\n---\n")
    assert store.load("a").version == 2
    assert store.load("a").version == 2
    assert list_summaries(store) == ["created", "by hand: model one → two"]


def test_a_file_that_was_always_there_is_found(store: AgentStore, path: Path) -> None:
    path.with_name("b.md").write_text("---\nmodel: two\n---\n")
    assert store.load("b").version == 1
    assert list_summaries(store, "b") == ["found"]


def test_what_is_written_by_hand_is_kept_before_it_is_replaced(
    store: AgentStore, path: Path
) -> None:
    path.write_bytes(LATIN)
    store.create(Agent("a", "two"), replace=True)
    path.write_text("---\nmodel: three\n---\n")
    saved = store.edit("a", lambda content: content.decode().replace("three", "four"), "for me")
    assert (saved.version, saved.is_new) == (5, True)
    assert load_version(store, 2) == LATIN
    assert list_summaries(store)[1:] == [
        "by hand: model one → m, prompt +1 line",
        "created",
        "by hand: model two → three",
        "for me",
    ]


def test_an_edit_that_is_refused_changes_nothing(store: AgentStore, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(SettingsInvalid):
        store.edit("a", lambda content: "no agent")
    assert path.read_bytes() == before
    assert list_summaries(store) == ["created"]


@pytest.mark.parametrize("content", [LATIN, b"no agent", b""])
def test_a_deleted_agent_comes_back_byte_for_byte(
    store: AgentStore, path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    store.delete("a")
    with pytest.raises(AgentNotFound, match="a was deleted") as caught:
        store.load("a")
    assert caught.value.hint == "hiveloom agent restore a"
    assert store.restore("a").version == 2
    assert path.read_bytes() == content
    with pytest.raises(AlreadyExists):
        store.restore("a")
    with pytest.raises(AgentNotFound, match="no agent named b was ever kept"):
        store.restore("b")


def test_a_version_is_written_back_as_a_new_one(store: AgentStore, path: Path) -> None:
    first = path.read_bytes()
    path.write_bytes(LATIN)
    saved = store.roll_back("a", 1)
    assert (saved.version, saved.is_new, path.read_bytes()) == (3, True, first)
    assert list_summaries(store)[-1] == "rollback to 1"
    modified = path.stat().st_mtime_ns
    saved = store.roll_back("a", 1)
    assert (saved.version, saved.is_new, path.stat().st_mtime_ns) == (3, False, modified)


def test_a_version_that_is_no_agent_is_not_written_back(store: AgentStore, path: Path) -> None:
    path.write_text("---\ntop_p: 7\n---\n")
    store.keep_current("a")
    path.write_bytes(LATIN)
    with pytest.raises(SettingsInvalid, match=r"^version 2 of a:2: `top_p`: expected"):
        store.roll_back("a", 2)
    with pytest.raises(FileUnreadable, match=r"^version 3 of a:4: not UTF-8 text"):
        store.roll_back("a", 3)
    with pytest.raises(VersionNotFound, match="there are 1 to 3"):
        store.roll_back("a", 4)
    assert path.read_bytes() == LATIN
    store.delete("a")
    with pytest.raises(AgentNotFound, match="was deleted"):
        store.roll_back("a", 1)


def test_a_history_goes_through_deletion_creation_and_renaming(
    store: AgentStore, path: Path
) -> None:
    store.delete("a")
    store.create(Agent("a", "two"), replace=False)
    assert store.rename("a", "b").version == 3
    assert not path.exists()
    assert not store.versions.has("a")
    store.delete("b")
    assert store.restore("b").version == 3
    assert store.load("b").version == 3
    assert list_summaries(store, "b") == ["created", "created", "renamed from a"]
    with pytest.raises(AgentNotFound, match="there are: b"):
        store.load("a")


def test_no_agent_is_renamed_onto_another(store: AgentStore, path: Path) -> None:
    store.create(Agent("b", "two"), replace=False)
    for name in ("a", "b"):
        with pytest.raises(AlreadyExists):
            store.rename("a", name)
    with pytest.raises(AgentNotFound):
        store.rename("c", "d")
    assert store.load_names() == ["a", "b"]


def test_a_failed_renaming_changes_nothing(
    store: AgentStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(old: Path, new: Path) -> None:
        raise PermissionError(13, "Permission denied", str(old))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(PermissionError):
            store.rename("a", "b")
    assert not store.versions.has("b")
    assert store.load("a").version == 1
    # Killed in the same place, it is made good by the next try.
    store.versions.copy("a", "b", "renamed from a")
    store.rename("a", "b")
    assert list_summaries(store, "b") == ["created", "renamed from a"]


def test_a_list_that_cannot_be_read_stops_changes_and_not_the_use(
    store: AgentStore, path: Path
) -> None:
    before = path.read_bytes()
    broken = store.versions.folder / "a.json"
    broken.write_text("{")
    file = store.load("a")
    assert (file.agent.model, file.version) == ("one", 0)
    (warning,) = file.agent.warnings
    assert str(broken) in warning
    assert "backup" in warning
    for act in (
        lambda: store.create(Agent("a", "two"), replace=True),
        lambda: store.edit("a", lambda content: "---\nmodel: two\n---\n"),
        lambda: store.delete("a"),
        lambda: store.rename("a", "b"),
        lambda: store.roll_back("a", 1),
    ):
        with pytest.raises(FileUnreadable) as caught:
            act()
        assert caught.value.path == broken
    assert (path.read_bytes(), broken.read_text()) == (before, "{")
    path.unlink()
    with pytest.raises(AgentNotFound, match="was deleted"):
        store.load("a")
    with pytest.raises(FileUnreadable):  # and no file is left of what could not be recorded
        store.create(Agent("a", "two"), replace=False)
    assert not path.exists()


def test_an_agent_is_used_where_nothing_can_be_kept(store: AgentStore, tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents/a.md").write_text("---\nmodel: one\n---\n")
    (tmp_path / "versions").write_text("in the folder's place")
    file = store.load("a")
    assert (file.agent.model, file.version) == ("one", 0)
    assert [warning.count("could not be kept") for warning in file.agent.warnings] == [1]
    with pytest.raises(AgentNotFound, match="there are: a"):
        store.load("b")


def test_a_version_that_cannot_be_recorded_takes_the_change_back(
    store: AgentStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def fail(versions: Versions, name: str, kept: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Versions, "save", fail)
        with pytest.raises(OSError, match="No space"):
            store.create(Agent("a", "two"), replace=True)
        with pytest.raises(OSError, match="No space"):
            store.create(Agent("b", "two"), replace=False)
    assert path.read_bytes() == before
    assert store.load_names() == ["a"]


def test_a_link_is_followed_and_deleted_alone(store: AgentStore, path: Path) -> None:
    target = path.parents[1] / "elsewhere.md"
    path.rename(target)
    path.symlink_to(target)
    store.edit("a", lambda content: "---\nmodel: two\n---\n")
    assert path.is_symlink()
    assert "two" in target.read_text()
    store.rename("a", "b")
    assert store.build_path("b").is_symlink()
    store.delete("b")
    assert target.exists()
    store.restore("b")
    assert store.build_path("b").read_bytes() == target.read_bytes()


def test_a_project_writes_through_no_link(tmp_path: Path) -> None:
    store = open_store(tmp_path, is_project=True)
    path = store.create(Agent("a", "one"), replace=False).path
    precious = tmp_path / "precious"
    precious.write_text("---\nmodel: mine\n---\n")
    path.unlink()
    path.symlink_to(precious)
    with pytest.raises(FileUnreadable, match="a link, through which no project writes"):
        store.roll_back("a", 1)
    with pytest.raises(FileUnreadable, match="a link, through which no project writes"):
        store.create(Agent("a", "three"), replace=True)
    assert precious.read_text() == "---\nmodel: mine\n---\n"
    assert path.is_symlink()


def test_a_file_too_large_for_an_agent_is_neither_read_nor_written(
    store: AgentStore, path: Path
) -> None:
    before = path.read_bytes()
    with pytest.raises(FileUnreadable, match="larger than 10 MB"):
        store.edit("a", lambda content: f"---\nmodel: two\n---\n{'x' * MOST_BYTES}")
    assert path.read_bytes() == before
    assert list_summaries(store) == ["created"]
    os.truncate(path, 1 << 40)  # a hole: it takes no space
    with pytest.raises(FileUnreadable, match="larger than 10 MB"):
        store.load("a")
    (error,) = BriefCache(path.parent.parent / "briefs", ManualClock()).load_briefs(store)
    assert isinstance(error, FileUnreadable)


def test_a_link_that_leads_nowhere_can_be_deleted(store: AgentStore, path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("gone"))
    store.delete("a")
    assert not path.is_symlink()


def test_a_project_keeps_the_modes_of_its_files(tmp_path: Path) -> None:
    store = open_store(tmp_path, is_project=True)
    path = store.create(Agent("a", "one"), replace=False).path
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o664)
    store.edit("a", lambda content: "---\nmodel: two\n---\n")
    assert path.stat().st_mode & 0o777 == 0o664
    store.roll_back("a", 1)
    assert store.rename("a", "b").path.stat().st_mode & 0o777 == 0o664
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["b.md"]


# Whoever comes first wins; the others are told so, and nothing is lost or made twice.
BUSY = """
import pathlib, sys
sys.path.insert(0, {root!r})
from hiveloom_cli import files
from hiveloom_cli.errors import AgentNotFound, AlreadyExists
from tests.agents.test_agent_history import open_store
files._LOCK_TIMEOUT_S = 100  # on a busy machine the unluckiest would be told to try again
store = open_store(pathlib.Path(sys.argv[1]))
sys.stdin.readline()
for turn in range(5):
    for act in (
        lambda: store.load("a"),
        lambda: store.rename("a", "b"),
        lambda: store.edit("b", lambda content: content.decode() + sys.argv[2] + "\\n"),
        lambda: store.delete("b"),
        lambda: store.restore("b"),
        lambda: store.rename("b", "a"),
    ):
        try:
            act()
        except (AgentNotFound, AlreadyExists):
            pass
"""


def test_several_processes_lose_nothing(
    store: AgentStore, path: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    code = BUSY.format(root=str(pytestconfig.rootpath))
    busy = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), word],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for word in ("one", "two", "three")
    ]
    for process in busy:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in busy:
        assert (process.communicate()[1].decode(), process.returncode) == ("", 0)
    for name in store.versions.load_names():
        for version in store.versions.load(name):
            store.versions.contents.load(version.digest)
        if not store.has(name):
            store.restore(name)
    for name in store.load_names():
        assert store.load(name).version == len(store.versions.load(name))
        assert store.load(name).agent.warnings == ()
    assert store.load_names()
    assert not list(path.parent.glob(".*.md.*"))
