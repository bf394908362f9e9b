"""One folder of agents, and what their files have ever held.

Before a file is replaced or deleted, what it holds is a version; also what a person has written
into it by hand.
"""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.agents.absent import build_not_found
from hiveloom_cli.agents.agent import (
    Agent,
    parse_new_name,
)
from hiveloom_cli.agents.agent_file import (
    AgentFile,
    Saved,
    explain_not_kept,
    is_foreign,
    load_content,
    load_owned,
)
from hiveloom_cli.agents.agent_folder import AgentFolder
from hiveloom_cli.agents.journal import Journal
from hiveloom_cli.agents.schema import format_new_agent, parse_agent
from hiveloom_cli.errors import (
    AgentNotFound,
    FileUnreadable,
    HiveloomError,
)
from hiveloom_cli.files import decode_text, open_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hiveloom_cli.agents.versions import Versions

_JOURNAL = ".journal"  # no agent's name


class AgentStore(AgentFolder):
    """The agents in `folder`, which need not exist, and their `versions`."""

    def __init__(self, folder: Path, versions: Versions, *, is_project: bool = False) -> None:
        super().__init__(folder, is_project=is_project)
        self.versions = versions
        self._journal = Journal(versions.folder / _JOURNAL)

    def load(self, name: str) -> AgentFile:
        """Read one agent; what was written by hand becomes a version, as it is used now.

        Raises `AgentNotFound`, or `FileUnreadable` with path and line.
        """
        self.finish_changes()
        path = self.build_path(name)
        content, owner = self._load_owned(name)
        agent = parse_agent(name, decode_text(content, path), path)
        is_foreign_file = self.is_project and is_foreign(owner, self.folder)
        try:
            version = self._meet(name, content)
        except (HiveloomError, OSError) as error:  # which is no reason not to use the agent
            version = 0
            warning = explain_not_kept(name, error)
            agent = dataclasses.replace(agent, warnings=(*agent.warnings, warning))
        return AgentFile(agent, path, content, version, self.is_project, is_foreign_file)

    def keep_current(self, name: str) -> int:
        """Make what an agent's file holds a version, valid or not, and return its number.

        Raises `AgentNotFound` and `FileUnreadable`.
        """
        self.finish_changes()
        return self._meet(name, self._load_content(name))

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

        Without a summary, the version says what differs. What stays the same is not written, and
        is no new version. Raises `AgentNotFound`, what `change` raises, and `SettingsInvalid` for
        what is no agent any more; nothing is changed then.
        """
        with self._open_lock():
            text = change(self._load_content(name))
            parse_agent(name, text, self.build_path(name))
            return self._write(name, text.encode(), summary)

    def roll_back(self, name: str, number: int) -> Saved:
        """Write what a version held as a new one.

        Raises `AgentNotFound`, `VersionNotFound`, and `FileUnreadable` for a version that is no
        valid agent; nothing is changed then.
        """
        with self._open_lock():
            self._check_there(name)
            self._keep_current(name)
            version = self.versions.get(name, number)
            content = self.versions.contents.load(version.digest)
            _check_version(name, number, content)
            return self._write(name, content, f"rollback to {number}")

    def delete(self, name: str) -> Path:
        """Delete an agent's file, whose versions stay, and return the path it had."""
        with self._open_lock():
            self._check_there(name)
            path = self.build_path(name)
            if path.exists():  # else it is a link that leads nowhere
                self._keep_current(name)
            path.unlink()
            return path

    def restore(self, name: str) -> Saved:
        """Bring a deleted agent back as it was. Raises `AlreadyExists` and `AgentNotFound`."""
        with self._open_lock():
            self.check_free(name, hint=f"hiveloom agent versions {name}")
            versions = self.versions.load(name)
            if not versions:
                raise AgentNotFound(
                    f"no agent named {name} was ever kept", hint="hiveloom agent list"
                )
            content = self.versions.contents.load(versions[-1].digest)
            return self._write(name, content, "restored")

    def rename(self, old: str, new: str) -> Saved:
        """Give an agent another name; its versions go with it.

        Raises `AgentNotFound` and `AlreadyExists`.
        """
        parse_new_name(new)
        with self._open_lock():
            self._check_there(old)
            self.check_free(new, hint="choose another name")
            self._keep_current(old)
            former = self.versions.load(new)
            version = self.versions.copy(old, new, f"renamed from {old}")
            try:
                path = self.build_path(old).rename(self.build_path(new))
            except BaseException:
                self.versions.save(new, former)
                raise
            self.versions.save(old, ())
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
        texts = {name: None if text is None else text.encode() for name, text in changes.items()}
        with self._open_lock():
            for name, content in (former or {}).items():
                self.check_holds(name, content)
            for name in texts:
                self._keep_current(name)
            self._journal.begin(texts, self, self.versions)
            try:
                for name, content in texts.items():
                    self.put(name, content)
                saved = {
                    name: self._record(name, content, summary)
                    for name, content in texts.items()
                    if content is not None
                }
            except BaseException:
                self._journal.put_back(self, self.versions)
                raise
            self._journal.end()
            return saved

    def finish_changes(self) -> None:
        """Wait for changes that are being made, and put back those of a process that died."""
        if self._journal.is_open():
            with self._open_lock():
                pass

    @contextmanager
    def _open_lock(self) -> Iterator[None]:
        # Beside the versions, so that a project's folder holds nothing but the project's files.
        with open_lock(self.versions.folder):
            if self._journal.is_open():
                self._journal.put_back(self, self.versions)
            yield

    def _write(self, name: str, content: bytes, summary: str) -> Saved:
        former = self._keep_current(name)
        if content == former:
            return self._record(name, content, summary)
        self.put(name, content)
        try:
            return self._record(name, content, summary)
        except BaseException:
            self.put(name, former)
            raise

    def _keep_current(self, name: str) -> bytes | None:
        """Make what the file holds now a version, if it is none yet, and return it."""
        if not self.has(name):
            return None
        content = load_content(self.build_path(name))
        self._record(name, content, "", by_hand=True)
        return content

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
            if self.has(name) and load_content(self.build_path(name)) == content:
                return self._record(name, content, "", by_hand=True).version
            # It has been replaced since it was read, by one who kept it.
            return known.number if known else 0

    def _load_content(self, name: str) -> bytes:
        return self._load_owned(name)[0]

    def _load_owned(self, name: str) -> tuple[bytes, int]:
        try:
            return load_owned(self.build_path(name))
        except FileUnreadable:
            self._check_there(name)
            raise

    def _check_there(self, name: str) -> None:
        if not self.has(name):
            was_deleted = self.versions.has(name)
            raise build_not_found(name, self.load_names(), was_deleted=was_deleted)


def _check_version(name: str, number: int, content: bytes) -> None:
    place = Path(f"version {number} of {name}")
    try:
        parse_agent(name, decode_text(content, place), place)
    except FileUnreadable as error:
        error.hint = f"hiveloom agent versions {name} --show {number}"
        raise
