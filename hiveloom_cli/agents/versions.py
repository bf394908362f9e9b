"""What an agent's file has ever held: numbered, with the time and what had changed.

For each agent there is a list, which names what each version held by its digest:

    <folder>/helper.json
        {"version": 1, "versions": [{"number": 1, "taken_at": "2026-01-31T09:00:00Z",
                                     "summary": "created", "content": "<sha256>"}]}
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.agent import is_agent_name
from hiveloom_cli.agents.contents import compute_digest, is_digest
from hiveloom_cli.clock import format_timestamp, parse_timestamp
from hiveloom_cli.errors import FileUnreadable, VersionNotFound
from hiveloom_cli.files import check_version, load_document, save_bytes
from hiveloom_cli.protocols.lookup import get_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from hiveloom_cli.agents.contents import Contents
    from hiveloom_cli.clock import Clock

_VERSION = 1
_SUFFIX = ".json"
_HINT = "restore it from a backup, or move it away: the agents themselves are not in it"


@dataclass(frozen=True, slots=True)
class Version:
    """One content of an agent's file. Numbers count from 1; `digest` is the content's SHA-256."""

    number: int
    taken_at: datetime
    summary: str
    digest: str


class Versions:
    """The versions of the agents of one place: lists in `folder`, what they held is in `contents`.

    Whoever adds or moves holds the lock of that place.
    """

    def __init__(self, folder: Path, contents: Contents, clock: Clock) -> None:
        self.folder = folder
        self.contents = contents
        self._clock = clock

    def load_names(self) -> list[str]:
        """Return the names of all agents that have versions, also of those since deleted."""
        names = (path.stem for path in self.folder.glob(f"*{_SUFFIX}"))
        return sorted(filter(is_agent_name, names))

    def has(self, name: str) -> bool:
        """Whether an agent of that name was ever kept, also if its list cannot be read."""
        return self._build_path(name).is_file()

    def load(self, name: str) -> tuple[Version, ...]:
        """Return an agent's versions, oldest first. Raises `FileUnreadable`."""
        return load_document(self._build_path(name), parse_versions, hint=_HINT) or ()

    def get(self, name: str, number: int) -> Version:
        """Return one version. Raises `VersionNotFound`."""
        versions = self.load(name)
        if not 1 <= number <= len(versions):
            there = f"1 to {len(versions)}" if versions else "none"
            raise VersionNotFound(
                f"{name} has no version {number}; there are {there}",
                hint=f"hiveloom agent versions {name}",
            )
        return versions[number - 1]

    def match_latest(self, name: str, content: bytes) -> Version | None:
        """Return an agent's last version if it held just this; no digest is computed for it."""
        versions = self.load(name)
        if versions and self.contents.holds(versions[-1].digest, content):
            return versions[-1]
        return None

    def find(self, name: str, content: bytes) -> Version | None:
        """Return the last of an agent's versions that held just this."""
        digest = compute_digest(content)
        return next((one for one in reversed(self.load(name)) if one.digest == digest), None)

    def record(
        self, name: str, content: bytes, summary: str = "", *, by_hand: bool = False
    ) -> tuple[Version, bool]:
        """Make a content an agent's newest version, unless that held just this.

        Returns the version and whether it is new. Without a summary it says what has changed.
        """
        versions = self.load(name)
        digest = self.contents.keep(content)
        if versions and versions[-1].digest == digest:
            return versions[-1], False
        summary = summary or self._summarize(versions, content, by_hand=by_hand)
        version = Version(len(versions) + 1, self._clock.now(), summary, digest)
        self.save(name, (*versions, version))
        return version, True

    def copy(self, old: str, new: str, summary: str) -> Version:
        """Give another name an agent's versions too, after those that it has, and one that says so.

        What that one holds is what the agent's last version holds. Done a second time, after a
        process that died, it changes nothing.
        """
        there, moved = self.load(new), self.load(old)
        if [one.digest for one in there[-len(moved) - 1 :]] == [
            *(one.digest for one in moved),
            moved[-1].digest,
        ]:
            return there[-1]
        copied = replace(moved[-1], taken_at=self._clock.now(), summary=summary)
        versions = (*there, *moved, copied)
        numbered = tuple(replace(one, number=n) for n, one in enumerate(versions, start=1))
        self.save(new, numbered)
        return numbered[-1]

    def save(self, name: str, versions: tuple[Version, ...]) -> None:
        """Write an agent's list; one of no version is none."""
        if versions:
            # A lone surrogate, which JSON can hold and UTF-8 cannot, is no reason to fail.
            text = format_versions(versions).encode(errors="replace")
            save_bytes(self._build_path(name), text)
        else:
            self._build_path(name).unlink(missing_ok=True)

    def _summarize(self, versions: Sequence[Version], content: bytes, *, by_hand: bool) -> str:
        from hiveloom_cli.agents.change_summary import summarize_change

        if not versions:
            return "found" if by_hand else "created"
        try:
            former = self.contents.load(versions[-1].digest).decode(errors="replace")
        except FileUnreadable:  # which must not keep anything from being changed again
            what = "changed from what cannot be read"
        else:
            what = summarize_change(former, content.decode(errors="replace"))
        return f"by hand: {what}" if by_hand else what

    def _build_path(self, name: str) -> Path:
        return self.folder / f"{name}{_SUFFIX}"


def parse_versions(text: str) -> tuple[Version, ...]:
    """Read a list of versions; raise `ValueError` saying what is wrong with it."""
    document = json.loads(text)
    check_version(document, _VERSION)
    items = document.get("versions")
    if not isinstance(items, list):
        raise ValueError('"versions" is not a list')  # noqa: TRY004 - one class for a file's faults
    return tuple(_parse_version(number, item) for number, item in enumerate(items, start=1))


def format_versions(versions: tuple[Version, ...]) -> str:
    """Write a list of versions as text."""
    items = [
        {
            "number": version.number,
            "taken_at": format_timestamp(version.taken_at),
            "summary": version.summary,
            "content": version.digest,
        }
        for version in versions
    ]
    return json.dumps({"version": _VERSION, "versions": items}, ensure_ascii=False, indent=1) + "\n"


def _parse_version(number: int, item: Any) -> Version:
    # Lost versions would give others their numbers.
    if not isinstance(item, dict) or item.get("number") != number:
        raise ValueError(f'version {number}: "number" is not {number}')
    digest = get_text(item, "content")
    if not is_digest(digest):
        raise ValueError(f'version {number}: "content" is not a digest')
    try:
        taken_at = parse_timestamp(get_text(item, "taken_at"))
    except ValueError:
        raise ValueError(f'version {number}: "taken_at" is not a time') from None
    return Version(number, taken_at, get_text(item, "summary"), digest)
