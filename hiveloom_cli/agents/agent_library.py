"""The agents that can be used from where the person works: the project's before their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.agents.absent import build_not_found
from hiveloom_cli.errors import AgentNotFound, FileUnreadable, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.agent_file import AgentFile, Saved
    from hiveloom_cli.agents.briefs import BriefCache
    from hiveloom_cli.agents.store import AgentStore

PROJECT_AGENTS = Path(".hiveloom", "agents")


class AgentLibrary:
    """The person's `own` agents, and those of the `project` that they work in, if there is one."""

    def __init__(self, own: AgentStore, project: AgentStore | None = None) -> None:
        self.own = own
        self.project = project

    @property
    def stores(self) -> list[AgentStore]:
        """The stores in the order in which a name is looked for."""
        return [self.own] if self.project is None else [self.project, self.own]

    def load_names(self) -> list[str]:
        """Return the names of all agents, sorted, whether their files are valid or not."""
        return sorted({name for store in self.stores for name in store.load_names()})

    def get_store(self, name: str) -> AgentStore:
        """Return the store that has the agent of that name. Raises `AgentNotFound`."""
        for store in self.stores:
            store.finish_changes()
            if store.has(name):
                return store
        was_deleted = any(store.versions.has(name) for store in self.stores)
        raise build_not_found(name, self.load_names(), was_deleted=was_deleted)

    def get_former_store(self, name: str) -> AgentStore:
        """Return the store that has the agent of that name, or had it. Raises `AgentNotFound`."""
        try:
            return self.get_store(name)
        except AgentNotFound:
            for store in self.stores:
                if store.versions.has(name):
                    return store
            raise

    def restore(self, name: str) -> Saved:
        """Bring a deleted agent back as it was. Raises `AlreadyExists` and `AgentNotFound`."""
        for store in self.stores:
            if not store.has(name) and store.versions.has(name):
                return store.restore(name)
        return self.get_store(name).restore(name)

    def load_deleted_names(self) -> list[str]:
        """Return the names of all agents that can be restored, sorted."""
        kept = {name for store in self.stores for name in store.versions.load_names()}
        return sorted(kept.difference(self.load_names()))

    def load(self, name: str) -> AgentFile:
        """Read one agent. Raises `AgentNotFound`, or `FileUnreadable` with path and line."""
        return self.get_store(name).load(name)

    def load_briefs(self, cache: BriefCache) -> Iterator[tuple[AgentStore, Agent | FileUnreadable]]:
        """Read every agent that a name leads to, each with its store, the project's first.

        Of their prompts only the first line is given. What cannot be read gives its error in its
        place.
        """
        hidden = frozenset(self.load_hidden())
        for store in self.stores:
            for entry in cache.load_briefs(store):
                name = entry.path.stem if isinstance(entry, FileUnreadable) else entry.name
                if store is not self.own or name not in hidden:
                    yield store, entry

    def load_hidden(self) -> list[str]:
        """Return the names of the person's own agents that the project's hide, sorted."""
        if self.project is None:
            return []
        return [name for name in self.project.load_names() if self.own.has(name)]


def find_project_folder(start: Path, outside: Iterable[Path]) -> Path | None:
    """Find the agents of the project that `start` lies in: `.hiveloom/agents`, there or above.

    The folders that lie `outside` of projects are none: the person's own agents, and what is in
    their home folder, which would make a project of all that they have.
    """
    for folder in (start, *start.parents):
        agents = folder / PROJECT_AGENTS
        # What cannot be looked into is passed by, as what is not there.
        if os.path.isdir(agents) and not _is_among(agents, outside):  # noqa: PTH112 -- raises nothing
            return agents
    return None


def decide_project_folder(start: Path, outside: Iterable[Path]) -> Path:
    """Decide where an agent of the project that `start` lies in is written.

    It is the folder that the project has, else a new one at the top of the git checkout, else in
    `start`. Raises `UsageMistake` where that would not be a project's.
    """
    if found := find_project_folder(start, outside):
        return found
    tops = (folder for folder in (start, *start.parents) if os.path.lexists(folder / ".git"))
    for place in (next(tops, start), start):
        if not _is_among(place / PROJECT_AGENTS, outside):
            return place / PROJECT_AGENTS
    raise UsageMistake(
        f"{start} is no project: what is there is your own", hint="leave --project out"
    )


def _is_among(path: Path, others: Iterable[Path]) -> bool:
    return os.path.realpath(path) in map(os.path.realpath, others)
