"""Lists read what has changed, and nothing else."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.briefs import BriefCache
from hiveloom_cli.agents.contents import Contents
from hiveloom_cli.agents.store import AgentStore
from hiveloom_cli.agents.versions import Versions
from hiveloom_cli.clock import SystemClock
from hiveloom_cli.errors import SettingsInvalid
from hiveloom_cli.protocols.request import Parameters

if TYPE_CHECKING:
    from pathlib import Path

AGENT = Agent(
    "a",
    "m",
    "First line.\nSecond line.",
    "Helps",
    "work",
    Parameters(0.2, 0.9, 100, ("END",)),
    ("weather",),
    ("notes",),
)
BRIEF = Agent("a", "m", "First line.", "Helps", "work", AGENT.parameters, ("weather",), ("notes",))


class LaterClock(SystemClock):
    """A clock that runs ahead, so that every file has been at rest for long."""

    def now(self) -> datetime:
        return datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> AgentStore:
    versions = Versions(
        tmp_path / "versions" / "own", Contents(tmp_path / "contents"), SystemClock()
    )
    return AgentStore(tmp_path / "agents", versions)


@pytest.fixture
def cache(tmp_path: Path) -> BriefCache:
    return BriefCache(tmp_path / "briefs", LaterClock())


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> bytes:
        pytest.fail(f"{path} was read")

    monkeypatch.setattr("hiveloom_cli.agents.briefs.load_content", fail)


def test_a_file_that_stays_the_same_is_read_once(
    store: AgentStore, cache: BriefCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create(AGENT, replace=False)
    assert list(cache.load_briefs(store)) == [BRIEF]
    forbid_reading(monkeypatch)
    assert list(cache.load_briefs(store)) == [BRIEF]


def test_warnings_are_kept_as_well(store: AgentStore, cache: BriefCache) -> None:
    store.save("a", "---\nmodel: m\nmodle: n\n---\n", replace=False, summary="")
    (first,), (second,) = list(cache.load_briefs(store)), list(cache.load_briefs(store))
    assert isinstance(first, Agent)
    assert first == second
    assert "did you mean `model`" in first.warnings[0]


def test_a_changed_file_is_read_again(store: AgentStore, cache: BriefCache) -> None:
    path = store.create(Agent("a", "one"), replace=False).path
    list(cache.load_briefs(store))
    path.write_text("---\nmodel: two\n---\n")  # of the same size and number
    os.utime(path, ns=(1, 1))  # even with another time given to it
    assert list(cache.load_briefs(store)) == [Agent("a", "two")]


def test_a_file_that_has_just_been_changed_is_not_kept(store: AgentStore, tmp_path: Path) -> None:
    store.create(Agent("a", "one"), replace=False)
    list(BriefCache(tmp_path / "briefs", SystemClock()).load_briefs(store))
    assert not (tmp_path / "briefs").exists()


def test_a_broken_file_is_told_each_time(store: AgentStore, cache: BriefCache) -> None:
    store.create(Agent("a", "m"), replace=False)
    (store.folder / "b.md").write_text("---\n")
    for _ in range(2):
        assert [type(one) for one in cache.load_briefs(store)] == [Agent, SettingsInvalid]


def test_a_deleted_agent_leaves_the_cache(store: AgentStore, cache: BriefCache) -> None:
    for name in ("a", "b"):
        store.create(Agent(name, "m"), replace=False)
    list(cache.load_briefs(store))
    store.delete("a")
    assert list(cache.load_briefs(store)) == [Agent("b", "m")]
    assert list(cache.load_briefs(store)) == [Agent("b", "m")]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"made_by": "0"}',
        json.dumps({"made_by": None, "agents": {"a": [[0, 0, 0, 0], {}, "", []]}}),
    ],
)
def test_a_cache_that_cannot_be_used_is_written_anew(
    store: AgentStore, cache: BriefCache, tmp_path: Path, text: str
) -> None:
    store.create(AGENT, replace=False)
    path = tmp_path / "briefs" / "own.json"
    path.parent.mkdir()
    path.write_text(text)
    assert list(cache.load_briefs(store)) == [BRIEF]
    assert json.loads(path.read_text())["agents"]["a"][2] == "First line."


def test_a_cache_that_cannot_be_written_is_left_out(
    store: AgentStore, cache: BriefCache, tmp_path: Path
) -> None:
    store.create(AGENT, replace=False)
    (tmp_path / "briefs").write_text("in the way")
    assert list(cache.load_briefs(store)) == [BRIEF]
