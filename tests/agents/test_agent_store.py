from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.briefs import BriefCache
from hiveloom_cli.agents.contents import Contents
from hiveloom_cli.agents.store import AgentStore
from hiveloom_cli.agents.versions import Versions
from hiveloom_cli.clock import SystemClock
from hiveloom_cli.errors import (
    AgentNotFound,
    AlreadyExists,
    FileUnreadable,
    Locked,
    UsageMistake,
)
from hiveloom_cli.files import open_lock
from tests.support.clocks import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_store(folder: Path) -> AgentStore:
    versions = Versions(folder / "versions" / "own", Contents(folder / "contents"), ManualClock())
    return AgentStore(folder / "agents", versions)


def load_briefs(store: AgentStore) -> Iterator[Agent | FileUnreadable]:
    return BriefCache(store.folder.parent / "briefs", SystemClock()).load_briefs(store)


@pytest.fixture
def store(tmp_path: Path) -> AgentStore:
    return open_store(tmp_path)


def test_an_agent_is_created_read_and_deleted(store: AgentStore) -> None:
    agent = Agent("helper", "gpt-4o-mini", "You are terse.")
    path = store.create(agent, replace=False).path
    assert path.read_text() == "---\nmodel: gpt-4o-mini\n---\nYou are terse.\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert store.load("helper").agent == agent
    assert store.delete("helper") == path
    assert store.load_names() == []


def test_an_existing_agent_is_replaced_only_on_demand(store: AgentStore) -> None:
    store.create(Agent("a", "one"), replace=False)
    with pytest.raises(AlreadyExists) as caught:
        store.create(Agent("a", "two"), replace=False)
    assert "--force" in caught.value.hint
    assert store.load("a").agent.model == "one"
    store.create(Agent("a", "two"), replace=True)
    assert store.load("a").agent.model == "two"


def test_an_unknown_agent_is_told_with_the_names_that_exist(store: AgentStore) -> None:
    with pytest.raises(AgentNotFound, match="no other yet"):
        store.load("a")
    store.create(Agent("b", "m"), replace=False)
    store.create(Agent("c", "m"), replace=False)
    with pytest.raises(AgentNotFound, match="there are: b, c"):
        store.delete("a")


def test_a_broken_file_does_not_hide_the_others(store: AgentStore) -> None:
    folder = store.create(Agent("good", "m"), replace=False).path.parent
    (folder / "broken.md").write_text("---\nmodel: [\n---\n")
    (folder / "latin.md").write_bytes(b"---\nmodel: m\n---\nGr\xfc\xdfe\n")
    (folder / "READ ME.md").write_text("notes")
    (folder / "notes.txt").write_text("not an agent")
    entries = list(load_briefs(store))
    assert [type(entry).__name__ for entry in entries] == [
        "SettingsInvalid",
        "SettingsInvalid",
        "Agent",
        "FileUnreadable",
    ]
    latin = entries[-1]
    assert isinstance(latin, FileUnreadable)
    assert latin.message.endswith("latin.md:4: not UTF-8 text")


def test_a_file_that_is_none_is_told_in_its_place(store: AgentStore, tmp_path: Path) -> None:
    folder = store.create(Agent("good", "m"), replace=False).path.parent
    (folder / "folder.md").mkdir()
    (folder / "nowhere.md").symlink_to(tmp_path / "gone")
    (folder / "circle.md").symlink_to(folder / "circle.md")
    os.mkfifo(folder / "pipe.md")  # reading it would wait for ever
    told = {
        entry.path.name: entry.problem
        for entry in load_briefs(store)
        if isinstance(entry, FileUnreadable)
    }
    assert told == {
        "circle.md": "a link that leads nowhere",
        "folder.md": "a folder, and not an agent's file",
        "nowhere.md": "a link that leads nowhere",
        "pipe.md": "not a file",
    }
    assert len(list(load_briefs(store))) == 5
    for name in ("circle", "folder", "nowhere", "pipe"):
        with pytest.raises(FileUnreadable):
            store.load(name)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file that nobody can read")
def test_an_unreadable_file_does_not_hide_the_others(store: AgentStore) -> None:
    folder = store.create(Agent("good", "m"), replace=False).path.parent
    (folder / "bad.md").symlink_to("/proc/self/mem")
    bad, good = load_briefs(store)
    assert isinstance(bad, FileUnreadable)
    assert "cannot be read" in bad.message
    assert good == Agent("good", "m")


def test_a_file_where_the_folder_belongs_is_told(store: AgentStore, tmp_path: Path) -> None:
    (tmp_path / "agents").write_text("")
    with pytest.raises(FileUnreadable, match="agents: cannot be read"):
        store.load_names()
    assert [type(entry) for entry in load_briefs(store)] == [FileUnreadable]


def test_a_lock_that_is_held_is_named_after_the_folder(
    store: AgentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hiveloom_cli.files._LOCK_TIMEOUT_S", 0.01)
    with open_lock(store.versions.folder), pytest.raises(Locked, match=r"has held .*/own for"):
        store.create(Agent("a", "m"), replace=False)


def test_a_name_that_looks_like_a_key_is_refused_and_not_repeated(store: AgentStore) -> None:
    with pytest.raises(UsageMistake, match="looks like a key") as caught:
        store.create(Agent("sk-abcdef", "m"), replace=False)
    assert "abcdef" not in caught.value.message


def test_a_failed_write_leaves_the_old_file(
    store: AgentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.create(Agent("a", "one"), replace=False).path

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        store.create(Agent("a", "two"), replace=True)
    assert store.load("a").agent.model == "one"
    assert [entry.name for entry in path.parent.iterdir() if entry.suffix == ".md"] == ["a.md"]
    assert not list(path.parent.glob(".a.md.*"))
