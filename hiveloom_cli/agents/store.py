"""The folder of agents: one Markdown file each, named after the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import NAME_RULE, Agent, is_agent_name, parse_agent_name
from hiveloom_cli.agents.schema import format_new_agent, parse_agent
from hiveloom_cli.errors import (
    AgentFileInvalid,
    AgentNotFound,
    AlreadyExists,
    FileUnreadable,
    UsageMistake,
)
from hiveloom_cli.files import load_text, open_lock, save_bytes
from hiveloom_cli.secret import looks_like_key

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

    def parse_new_name(self, text: str, *, replace: bool) -> str:
        """Return `text` if an agent can be created under it.

        Raises `UsageMistake` for what cannot be a name or looks like a key, and `AlreadyExists`
        unless `replace`.
        """
        if looks_like_key(text):
            raise UsageMistake("that looks like a key, not a name", hint="give a name of your own")
        path = self.build_path(text)
        if path.exists() and not replace:
            raise AlreadyExists(
                f"there is an agent named {text} already ({path})",
                hint="choose another name, or add --force to replace it",
            )
        return text

    def find(self, name: str) -> Path:
        """Return the path of an agent's file, valid or not. Raises `AgentNotFound`."""
        path = self.build_path(name)
        if not path.exists() and not path.is_symlink():
            raise self._not_found(name)
        return path

    def load(self, name: str) -> Agent:
        """Read one agent. Raises `AgentNotFound`, or `FileUnreadable` with path and line."""
        return _load_agent(name, self.find(name))

    def load_all(self) -> Iterator[Agent | FileUnreadable]:
        """Read every agent in order of name.

        What cannot be read gives its error in its place, the folder itself as the only entry.
        """
        try:
            paths = self._list_files()
        except FileUnreadable as error:
            yield error
            return
        for path in paths:
            try:
                if not is_agent_name(path.stem):
                    raise AgentFileInvalid(
                        path, f"the file's name cannot be an agent's: {NAME_RULE}"
                    )
                yield _load_agent(path.stem, path)
            except FileUnreadable as error:
                yield error

    def create(self, agent: Agent, *, replace: bool) -> Path:
        """Write a new agent's file and return its path.

        Raises `AlreadyExists` unless `replace`, and `UsageMistake` for what would not read back.
        """
        path = self.build_path(agent.name)
        text = format_new_agent(agent, path)
        with open_lock(self._folder):
            self.parse_new_name(agent.name, replace=replace)
            save_bytes(path, text.encode())
        return path

    def delete(self, name: str) -> Path:
        """Delete the agent's file and return the path it had. Raises `AgentNotFound`."""
        path = self.find(name)
        path.unlink()
        return path

    def _list_files(self) -> list[Path]:
        try:
            paths = sorted(self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _explain(self._folder, error) from error
        return [path for path in paths if path.suffix == _SUFFIX and path.name[0] != "."]

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


def _load_agent(name: str, path: Path) -> Agent:
    try:
        # Reading anything else could fail in strange ways, or wait for ever.
        if not path.is_file():
            raise FileUnreadable(path, _describe(path), hint="remove it, or move it elsewhere")
        return parse_agent(name, load_text(path), path)
    except OSError as error:
        raise _explain(path, error) from error


def _describe(path: Path) -> str:
    if path.is_dir():
        return "a folder, and not an agent's file"
    return "not a file" if path.exists() else "a link that leads nowhere"


def _explain(path: Path, error: OSError) -> FileUnreadable:
    reason = error.strerror or type(error).__name__
    return FileUnreadable(path, f"cannot be read ({reason})", hint="check its owner and its mode")
