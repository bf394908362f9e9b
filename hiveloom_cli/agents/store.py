"""The folder of agents: one Markdown file each, named after the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import NAME_RULE, Agent, is_agent_name, parse_agent_name
from hiveloom_cli.agents.schema import format_agent, parse_agent
from hiveloom_cli.errors import AgentFileInvalid, AgentNotFound, AlreadyExists, FileUnreadable
from hiveloom_cli.files import load_text, open_lock, save_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SUFFIX = ".md"


class AgentStore:
    """The agents in `folder`, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_names(self) -> list[str]:
        """Return the names of all agents, sorted, whether their files are valid or not."""
        return [path.stem for path in self._list_files() if is_agent_name(path.stem)]

    def build_path(self, name: str) -> Path:
        """Return where the agent of that name is kept; it need not exist."""
        return self._folder / f"{parse_agent_name(name)}{_SUFFIX}"

    def parse_new_name(self, text: str) -> str:
        """Return `text` if an agent can be created under it.

        Raises `UsageMistake` for what cannot be a name, and `AlreadyExists`.
        """
        path = self.build_path(text)
        if path.exists():
            raise AlreadyExists(
                f"there is an agent named {text} already ({path})",
                hint="choose another name, or add --force to replace it",
            )
        return text

    def find(self, name: str) -> Path:
        """Return the path of an agent's file, valid or not. Raises `AgentNotFound`."""
        path = self.build_path(name)
        if not path.is_file():
            raise self._not_found(name)
        return path

    def load(self, name: str) -> Agent:
        """Read one agent. Raises `AgentNotFound`, or `FileUnreadable` with path and line."""
        path = self.find(name)
        return parse_agent(name, load_text(path), path)

    def load_all(self) -> Iterator[Agent | FileUnreadable]:
        """Read every agent in order of name; a file that is broken gives its error in its place."""
        for path in self._list_files():
            try:
                if not is_agent_name(path.stem):
                    raise AgentFileInvalid(
                        path, f"the file's name cannot be an agent's: {NAME_RULE}"
                    )
                yield parse_agent(path.stem, load_text(path), path)
            except FileUnreadable as error:
                yield error

    def create(self, agent: Agent, *, replace: bool) -> Path:
        """Write a new agent's file and return its path; raise `AlreadyExists` unless `replace`."""
        path = self.build_path(agent.name)
        with open_lock(self._folder / "agents"):
            if not replace:
                self.parse_new_name(agent.name)
            save_bytes(path, format_agent(agent).encode())
        return path

    def delete(self, name: str) -> Path:
        """Delete the agent's file and return the path it had. Raises `AgentNotFound`."""
        path = self.find(name)
        path.unlink()
        return path

    def _list_files(self) -> list[Path]:
        return sorted(
            path for path in self._folder.glob(f"*{_SUFFIX}") if not path.name.startswith(".")
        )

    def _not_found(self, name: str) -> AgentNotFound:
        names = self.load_names()
        if not names:
            return AgentNotFound(
                f"there is no agent named {name}, and no other yet",
                hint=f"hiveloom agent create --name {name} --model MODEL",
            )
        return AgentNotFound(
            f"there is no agent named {name}; there are: {', '.join(names)}",
            hint=f"hiveloom agent create --name {name} --model MODEL",
        )
