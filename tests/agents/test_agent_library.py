"""Which agents there are from where a person works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.agent_library import (
    AgentLibrary,
    decide_project_folder,
    find_project_folder,
)
from hiveloom_cli.agents.briefs import BriefCache
from hiveloom_cli.agents.contents import Contents
from hiveloom_cli.agents.store import AgentStore
from hiveloom_cli.agents.versions import Versions
from hiveloom_cli.errors import FileUnreadable, UsageMistake
from tests.support.clocks import ManualClock

if TYPE_CHECKING:
    from pathlib import Path


def make_agents(folder: Path) -> Path:
    agents = folder / ".hiveloom" / "agents"
    agents.mkdir(parents=True)
    return agents


def open_store(folder: Path, *, is_project: bool = False) -> AgentStore:
    versions = Versions(folder / "versions" / "x", Contents(folder / "contents"), ManualClock())
    return AgentStore(folder / "agents", versions, is_project=is_project)


def test_the_nearest_folder_upwards_is_the_projects(tmp_path: Path) -> None:
    outer, inner = make_agents(tmp_path), make_agents(tmp_path / "a/b")
    (tmp_path / "a/b/c/d").mkdir(parents=True)
    assert find_project_folder(tmp_path / "a/b/c/d", []) == inner
    assert find_project_folder(tmp_path / "a", []) == outer
    assert find_project_folder(tmp_path.parent, []) is None


def test_a_file_of_that_name_or_a_link_to_nowhere_is_no_project(tmp_path: Path) -> None:
    agents = make_agents(tmp_path)
    (tmp_path / "a/.hiveloom").mkdir(parents=True)
    (tmp_path / "a/.hiveloom/agents").write_text("")
    (tmp_path / "a/b").mkdir()
    (tmp_path / "a/b/.hiveloom").symlink_to(tmp_path / "gone")
    assert find_project_folder(tmp_path / "a/b", []) == agents


def test_a_link_to_a_projects_folder_is_followed(tmp_path: Path) -> None:
    agents = make_agents(tmp_path / "shared")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/.hiveloom").symlink_to(agents.parent)
    assert find_project_folder(tmp_path / "a", []) == tmp_path / "a/.hiveloom/agents"


def test_the_persons_own_folder_is_no_project_whatever_links_lead_there(tmp_path: Path) -> None:
    own = make_agents(tmp_path / "home")
    (tmp_path / "link").symlink_to(tmp_path / "home")
    (tmp_path / "home/src/.hiveloom").mkdir(parents=True)
    (tmp_path / "home/src/.hiveloom/agents").symlink_to(own)
    for outside in (own, tmp_path / "link/.hiveloom/agents"):
        assert find_project_folder(tmp_path / "home/src", [outside]) is None
        assert find_project_folder(tmp_path / "link", [outside]) is None


def test_what_cannot_be_looked_into_is_passed_by(tmp_path: Path) -> None:
    agents = make_agents(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/.hiveloom").symlink_to(tmp_path / "a/.hiveloom")
    assert find_project_folder(tmp_path / "a", []) == agents


def test_a_new_project_begins_at_the_top_of_the_checkout_or_here(tmp_path: Path) -> None:
    here = tmp_path / "a/b"
    here.mkdir(parents=True)
    assert decide_project_folder(here, []) == here / ".hiveloom/agents"
    (tmp_path / "a/.git").write_text("gitdir: elsewhere\n")
    assert decide_project_folder(here, []) == tmp_path / "a/.hiveloom/agents"
    agents = make_agents(tmp_path)
    assert decide_project_folder(here, []) == agents


def test_no_project_begins_where_the_persons_own_agents_are(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "notes").mkdir()
    own = tmp_path / ".hiveloom/agents"
    place = decide_project_folder(tmp_path / "notes", [own])
    assert place == tmp_path / "notes/.hiveloom/agents"
    with pytest.raises(UsageMistake, match="is no project"):
        decide_project_folder(tmp_path, [own])


def test_the_projects_agents_come_first_and_hide_ones_own(tmp_path: Path) -> None:
    own, project = open_store(tmp_path / "own"), open_store(tmp_path / "p", is_project=True)
    for name in ("a", "b", "broken"):
        own.create(Agent(name, "own"), replace=False)
    for name in ("b", "c"):
        project.create(Agent(name, "project"), replace=False)
    (project.folder / "broken.md").write_text("---\n")
    library = AgentLibrary(own, project)
    assert library.load_hidden() == ["b", "broken"]
    assert library.load("b").agent.model == "project"
    assert library.load("a").agent.model == "own"
    found = [
        (store.is_project, one.path.stem if isinstance(one, FileUnreadable) else one.name)
        for store, one in library.load_briefs(BriefCache(tmp_path, ManualClock()))
    ]
    assert found == [(True, "b"), (True, "broken"), (True, "c"), (False, "a")]
    assert library.load_names() == ["a", "b", "broken", "c"]


def test_a_file_of_another_user_is_known_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, project = open_store(tmp_path / "own"), open_store(tmp_path / "p", is_project=True)
    for store in (own, project):
        store.create(Agent("a", "m"), replace=False)
    assert not project.load("a").is_foreign
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    assert project.load("a").is_foreign
    assert not own.load("a").is_foreign
