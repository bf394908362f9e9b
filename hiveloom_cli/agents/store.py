"""One folder of agents: a Markdown file each, named after the agent.

Before a file is replaced or deleted, what it holds is a version; also what a person has written
into it by hand.
"""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hiveloom_cli.agents.absent import build_not_found
from hiveloom_cli.agents.agent import (
    NAME_RULE,
    Agent,
    is_agent_name,
    parse_agent_name,
    parse_new_name,
)
from hiveloom_cli.agents.agent_file import AgentFile, Saved, explain_unreadable, load_content
from hiveloom_cli.agents.journal import Change, Journal
from hiveloom_cli.agents.schema import format_new_agent, parse_agent
from hiveloom_cli.agents.versions import compute_digest
from hiveloom_cli.errors import (
    AgentFileInvalid,
    AgentNotFound,
    AlreadyExists,
    FileUnreadable,
    HiveloomError,
)
from hiveloom_cli.files import decode_text, open_lock, save_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from hiveloom_cli.agents.versions import Versions

_SUFFIX = ".md"
_JOURNAL = ".journal"  # no agent's name


class AgentStore:
    """The agents in `folder`, which need not exist, and their `versions`.

    The files of a project are not private: they keep their modes, as the project's others do.
    """

    def __init__(self, folder: Path, versions: Versions, *, is_project: bool = False) -> None:
        self.folder = folder
        self.versions = versions
        self.is_project = is_project
        self._journal = Journal(versions.folder / _JOURNAL)

    def load_names(self) -> list[str]:
        """Return the names of all agents, sorted, whether their files are valid or not."""
        return [path.stem for path in self._list_files() if is_agent_name(path.stem)]

    def build_path(self, name: str) -> Path:
        """Return where the agent of that name is kept; it need not exist."""
        return self.folder / f"{parse_agent_name(name)}{_SUFFIX}"

    def has(self, name: str) -> bool:
        """Whether there is something in the place of the agent's file, valid or not."""
        path = self.build_path(name)
        return path.exists() or path.is_symlink()

    def check_free(self, name: str) -> None:
        """Return if no agent has that name; raise `AlreadyExists` if one has."""
        if self.has(name):
            raise AlreadyExists(
                f"there is an agent named {name} already ({self.build_path(name)})",
                hint="choose another name, or add --force to replace it",
            )

    def load(self, name: str) -> AgentFile:
        """Read one agent; what was written by hand becomes a version, as it is used now.

        Raises `AgentNotFound`, or `FileUnreadable` with path and line.
        """
        self.finish_changes()
        self._check_there(name)
        path = self.build_path(name)
        content = load_content(path)
        agent = parse_agent(name, decode_text(content, path), path)
        try:
            version = self._meet(name, content)
        except (HiveloomError, OSError) as error:  # which is no reason not to use the agent
            version = 0
            warning = f"this version of {name} could not be kept: {error}"
            agent = dataclasses.replace(agent, warnings=(*agent.warnings, warning))
        return AgentFile(agent, path, content, version, self.is_project)

    def load_all(self) -> Iterator[Agent | FileUnreadable]:
        """Read every agent in order of name.

        What cannot be read gives its error in its place, the folder itself as the only entry.
        """
        try:
            self.finish_changes()
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
                yield parse_agent(path.stem, decode_text(load_content(path), path), path)
            except FileUnreadable as error:
                yield error

    def create(self, agent: Agent, *, replace: bool, summary: str = "created") -> Saved:
        """Write a new agent's file.

        Raises `AlreadyExists` unless `replace`, and `UsageMistake` for what would not read back.
        """
        text = format_new_agent(agent, self.build_path(agent.name))
        return self.save(agent.name, text, replace=replace, summary=summary)

    def save(self, name: str, text: str, *, replace: bool, summary: str) -> Saved:
        """Write an agent's file as `text`, which has been checked.

        Raises `AlreadyExists` unless `replace`.
        """
        parse_new_name(name)
        with self._open_lock():
            if not replace:
                self.check_free(name)
            return self._write(name, text.encode(), summary)

    def edit(self, name: str, change: Callable[[bytes], str], summary: str = "") -> Saved:
        """Replace what an agent's file holds by what `change` makes of it.

        Without a summary, the version says what differs. Raises `AgentNotFound`, what `change`
        raises, and `AgentFileInvalid` for what is no agent any more; nothing is changed then.
        """
        with self._open_lock():
            self._check_there(name)
            path = self.build_path(name)
            text = change(load_content(path))
            parse_agent(name, text, path)
            return self._write(name, text.encode(), summary)

    def delete(self, name: str) -> Path:
        """Delete an agent's file, whose versions stay, and return the path it had."""
        with self._open_lock():
            self._check_there(name)
            path = self.build_path(name)
            if path.is_file():
                self._keep_current(name)
            path.unlink()
            return path

    def restore(self, name: str) -> Saved:
        """Bring a deleted agent back as it was. Raises `AlreadyExists` and `AgentNotFound`."""
        with self._open_lock():
            self.check_free(name)
            versions = self.versions.load(name)
            if not versions:
                raise AgentNotFound(f"no version of an agent named {name} was ever kept")
            content = self.versions.load_content(versions[-1].digest)
            return self._write(name, content, "restored")

    def rename(self, old: str, new: str) -> Saved:
        """Give an agent another name; its versions go with it.

        Raises `AgentNotFound` and `AlreadyExists`.
        """
        parse_new_name(new)
        with self._open_lock():
            self.check_free(new)
            self._check_there(old)
            self._keep_current(old)
            version = self.versions.copy(old, new, f"renamed from {old}")
            path = self.build_path(old).rename(self.build_path(new))
            self.versions.forget(old)
            return Saved(path, version.number, is_new=True)

    def apply(
        self,
        changes: Mapping[str, str | None],
        summary: str = "",
        former: Mapping[str, bytes | None] | None = None,
    ) -> dict[str, Saved]:
        """Write several agents, checked before, and delete those whose text is None; all or none.

        `former` is what they were made for: where a file holds anything else, nothing is changed,
        and that raises `HiveloomError`. A failure puts back what was there, and so does the next
        command after this process dies.
        """
        with self._open_lock():
            for name, content in (former or {}).items():
                self._check_same(name, content)
            for name in changes:
                self._keep_current(name)
            self._journal.begin({name: self._plan(name, text) for name, text in changes.items()})
            try:
                for name, text in changes.items():
                    self._put(name, None if text is None else text.encode())
            except BaseException:
                self._put_back()
                raise
            self._journal.end()
            return {
                name: self._record(name, text.encode(), summary)
                for name, text in changes.items()
                if text is not None
            }

    @contextmanager
    def _open_lock(self) -> Iterator[None]:
        # Beside the versions, so that a project's folder holds nothing but the project's files.
        with open_lock(self.versions.folder):
            if self._journal.is_open():
                self._put_back()
            yield

    def finish_changes(self) -> None:
        """Wait for changes that are being made, and put back those of a process that died."""
        if self._journal.is_open():
            with self._open_lock():
                pass

    def _put_back(self) -> None:
        for name, change in self._journal.load().items():
            # What a person has written since then stays.
            if self._load_digest(name) == change.new:
                old = change.old
                self._put(name, self.versions.load_content(old) if old else None)
        self._journal.end()

    def _plan(self, name: str, text: str | None) -> Change:
        new = None if text is None else self.versions.keep(text.encode())
        return Change(self._load_digest(name), new)

    def _put(self, name: str, content: bytes | None) -> None:
        path = self.build_path(name)
        if content is None:
            path.unlink(missing_ok=True)
        else:
            save_bytes(path, content, is_private=not self.is_project)

    def _write(self, name: str, content: bytes, summary: str) -> Saved:
        self._keep_current(name)
        self._put(name, content)
        return self._record(name, content, summary)

    def _keep_current(self, name: str) -> None:
        """Make what the file holds now a version, if it is none yet."""
        path = self.build_path(name)
        if self.has(name):
            self._record(name, load_content(path), "", by_hand=True)

    def _record(self, name: str, content: bytes, summary: str, *, by_hand: bool = False) -> Saved:
        version, is_new = self.versions.record(name, content, summary, by_hand=by_hand)
        return Saved(self.build_path(name), version.number, is_new)

    def _meet(self, name: str, content: bytes) -> int:
        """Return the number of what an agent's file was read to hold, and keep it if it is new."""
        latest = self.versions.match_latest(name, content)
        if latest is not None:
            return latest.number
        with self._open_lock():
            known = self.versions.find(name, content)
            if load_content(self.build_path(name)) == content:
                return self._record(name, content, "", by_hand=True).version
            # It has been replaced since it was read, by one who kept it.
            return known.number if known else 0

    def _load_digest(self, name: str) -> str | None:
        return compute_digest(load_content(self.build_path(name))) if self.has(name) else None

    def _check_same(self, name: str, content: bytes | None) -> None:
        if (load_content(self.build_path(name)) if self.has(name) else None) != content:
            raise HiveloomError(
                f"{name} was changed in the meantime; nothing was written", hint="try again"
            )

    def _check_there(self, name: str) -> None:
        if not self.has(name):
            raise build_not_found(name, self.load_names(), self.versions.load(name))

    def _list_files(self) -> list[Path]:
        try:
            paths = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise explain_unreadable(self.folder, error) from error
        return [path for path in paths if path.suffix == _SUFFIX and path.name[0] != "."]
