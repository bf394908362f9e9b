"""The files of one folder of agents: a Markdown file each, named after the agent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import is_agent_name, parse_agent_name
from hiveloom_cli.agents.agent_file import check_size, explain_unreadable, load_content
from hiveloom_cli.agents.contents import compute_digest
from hiveloom_cli.errors import AlreadyExists, FileUnreadable, HiveloomError
from hiveloom_cli.files import save_bytes

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".md"
_HINT_LINK = "change the file that it leads to, or put a file in its place"
_HINT_FREE = "choose another name, or add --force to replace it"


class AgentFolder:
    """The agents' files in `folder`, which need not exist; valid or not, they are files here.

    The files of a project are not private: they keep their modes, as the project's others do.
    """

    def __init__(self, folder: Path, *, is_project: bool = False) -> None:
        self.folder = folder
        self.is_project = is_project

    def load_names(self) -> list[str]:
        """Return the names of all agents, sorted, whether their files are valid or not."""
        return [stem for stem in self.list_stems() if is_agent_name(stem)]

    def build_path(self, name: str) -> Path:
        """Return where the agent of that name is kept; it need not exist."""
        return self.folder / f"{parse_agent_name(name)}{SUFFIX}"

    def has(self, name: str) -> bool:
        """Whether there is something in the place of the agent's file, valid or not."""
        path = self.build_path(name)
        return path.exists() or path.is_symlink()

    def check_free(self, name: str, *, hint: str = _HINT_FREE) -> None:
        """Return if no agent has that name; raise `AlreadyExists` if one has."""
        if self.has(name):
            problem = f"there is an agent named {name} already ({self.build_path(name)})"
            raise AlreadyExists(problem, hint=hint)

    def check_holds(self, name: str, content: bytes | None) -> None:
        """Return if an agent's file holds just this, None for no file; raise `HiveloomError`."""
        if (load_content(self.build_path(name)) if self.has(name) else None) != content:
            raise HiveloomError(
                f"{name} was changed in the meantime; nothing was written", hint="try again"
            )

    def put(self, name: str, content: bytes | None) -> None:
        """Write an agent's file, or remove it for None, whatever it held.

        Raises `FileUnreadable` for what is too long, and for a link in a project: whoever made the
        project chose where it leads, which may be any file of the person's.
        """
        path = self.build_path(name)
        if content is None:
            path.unlink(missing_ok=True)
            return
        check_size(content, path)
        if self.is_project and path.is_symlink():
            raise FileUnreadable(path, "a link, through which no project writes", hint=_HINT_LINK)
        save_bytes(path, content, is_private=not self.is_project)

    def load_digest(self, name: str) -> str | None:
        """Return the digest of what an agent's file holds; "" for what cannot be read."""
        if not self.has(name):
            return None
        try:
            return compute_digest(load_content(self.build_path(name)))
        except FileUnreadable:
            return ""

    def list_stems(self) -> list[str]:
        """Return the files' names without the suffix, sorted, also those that no agent can have."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 -- names are cheaper than paths
        except FileNotFoundError:
            return []
        except OSError as error:
            raise explain_unreadable(self.folder, error) from error
        stems = [name[: -len(SUFFIX)] for name in names if name.endswith(SUFFIX)]
        return sorted(stem for stem in stems if stem and stem[0] != ".")
