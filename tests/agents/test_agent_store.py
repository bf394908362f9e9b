from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.store import AgentStore
from hiveloom_cli.errors import AgentNotFound, AlreadyExists, FileUnreadable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> AgentStore:
    return AgentStore(tmp_path / "agents")


def test_an_agent_is_created_read_and_deleted(store: AgentStore) -> None:
    agent = Agent("helper", "gpt-4o-mini", "You are terse.")
    path = store.create(agent, replace=False)
    assert path.read_text() == "---\nmodel: gpt-4o-mini\n---\nYou are terse.\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert store.load("helper") == agent
    assert store.delete("helper") == path
    assert store.load_names() == []


def test_an_existing_agent_is_replaced_only_on_demand(store: AgentStore) -> None:
    store.create(Agent("a", "one"), replace=False)
    with pytest.raises(AlreadyExists) as caught:
        store.create(Agent("a", "two"), replace=False)
    assert "--force" in caught.value.hint
    assert store.load("a").model == "one"
    store.create(Agent("a", "two"), replace=True)
    assert store.load("a").model == "two"


def test_an_unknown_agent_is_told_with_the_names_that_exist(store: AgentStore) -> None:
    with pytest.raises(AgentNotFound, match="no other yet"):
        store.load("a")
    store.create(Agent("b", "m"), replace=False)
    store.create(Agent("c", "m"), replace=False)
    with pytest.raises(AgentNotFound, match="there are: b, c"):
        store.delete("a")


def test_a_broken_file_does_not_hide_the_others(store: AgentStore) -> None:
    folder = store.create(Agent("good", "m"), replace=False).parent
    (folder / "broken.md").write_text("---\nmodel: [\n---\n")
    (folder / "latin.md").write_bytes(b"---\nmodel: m\n---\nGr\xfc\xdfe\n")
    (folder / "READ ME.md").write_text("notes")
    (folder / "notes.txt").write_text("not an agent")
    entries = list(store.load_all())
    assert [type(entry).__name__ for entry in entries] == [
        "AgentFileInvalid",
        "AgentFileInvalid",
        "Agent",
        "FileUnreadable",
    ]
    latin = entries[-1]
    assert isinstance(latin, FileUnreadable)
    assert latin.message.endswith("latin.md:4: not UTF-8 text")


def test_a_failed_write_leaves_the_old_file(
    store: AgentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.create(Agent("a", "one"), replace=False)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        store.create(Agent("a", "two"), replace=True)
    assert store.load("a").model == "one"
    assert [entry.name for entry in path.parent.iterdir() if entry.suffix == ".md"] == ["a.md"]
    assert not list(path.parent.glob(".a.md.*"))
