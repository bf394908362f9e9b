"""Changes to several files that are all made or none: what to put back if they are cut short.

    {"version": 1, "changes": {"helper": {"old": "<sha256>", "new": null}}}

The journal lies there while the files are being changed, and its removal is what makes the changes
final. A journal that is found was left by a process that died: what it had changed is put back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hiveloom_cli.agents.agent import is_agent_name
from hiveloom_cli.agents.contents import is_digest
from hiveloom_cli.errors import FileUnreadable
from hiveloom_cli.files import check_version, load_document, save_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hiveloom_cli.agents.agent_folder import AgentFolder
    from hiveloom_cli.agents.versions import Versions

_VERSION = 1
_HINT = "look at the agents that it names, then remove it"


@dataclass(frozen=True, slots=True)
class Change:
    """The digests of what a file held and what it is to hold; None stands for no file."""

    old: str | None
    new: str | None


class Journal:
    """The journal at `path`; whoever works with it holds the lock of the files.

    What the files held before the changes is a version already.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_open(self) -> bool:
        """Whether changes are being made, or were cut short."""
        try:
            return self._path.exists()
        except OSError:
            return False  # a folder that is not ours to look into: nobody changes anything there

    def load(self) -> Mapping[str, Change]:
        """Return the changes that were begun, by the name of the agent."""
        return load_document(self._path, _parse_changes, hint=_HINT) or {}

    def begin(
        self, contents: Mapping[str, bytes | None], folder: AgentFolder, versions: Versions
    ) -> None:
        """Write down what the agents' files hold and are to hold, and keep it.

        A list of versions that cannot be read ends it before anything is changed.
        """
        items = {}
        for name, content in contents.items():
            versions.load(name)
            new = None if content is None else versions.contents.keep(content)
            items[name] = {"old": folder.load_digest(name), "new": new}
        text = json.dumps({"version": _VERSION, "changes": items}, indent=1)
        save_bytes(self._path, text.encode())

    def put_back(self, folder: AgentFolder, versions: Versions) -> None:
        """Undo the changes that were begun; what a person has written since then stays.

        Raises `FileUnreadable` where what a file held has been lost.
        """
        for name, change in self.load().items():
            if folder.load_digest(name) not in (change.new, change.old):
                continue
            old = None if change.old is None else self._load_old(name, change.old, versions)
            if change.old != change.new:
                folder.put(name, old)
            if old is not None:
                versions.record(name, old, "put back")
        self.end()

    def _load_old(self, name: str, digest: str, versions: Versions) -> bytes:
        try:
            return versions.contents.load(digest)
        except FileUnreadable as error:
            problem = f"what {name} held before cannot be put back: {error.message}"
            raise FileUnreadable(self._path, problem, hint=_HINT) from error

    def end(self) -> None:
        """Make the changes final, or undone."""
        self._path.unlink(missing_ok=True)


def _parse_changes(text: str) -> dict[str, Change]:
    document = json.loads(text)
    check_version(document, _VERSION)
    items = document.get("changes")
    if not isinstance(items, dict):
        raise ValueError('"changes" is not an object')  # noqa: TRY004 - one class for a file's faults
    if not all(map(is_agent_name, items)):
        raise ValueError('"changes" has a name that no agent can have')
    return {
        name: Change(_get_digest(item, "old"), _get_digest(item, "new"))
        for name, item in items.items()
    }


def _get_digest(item: Any, key: str) -> str | None:
    digest = item.get(key, "") if isinstance(item, dict) else ""
    if digest is not None and not is_digest(digest):
        raise ValueError(f'"{key}" is not a digest')
    return cast("str | None", digest)
