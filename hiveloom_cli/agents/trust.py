"""Which of a project's agents the person has agreed to, each with just the content that they saw.

    {"version": 1, "trusted": {"/srv/shop/.hiveloom/agents/reviewer.md":
                                   {"content": "<sha256>", "trusted_at": "2026-01-31T09:00:00Z"}}}

A cloned repository brings agents that its person has not written. One that names a key, tools or
skills could use what belongs to the person, so it is shown to them first. A file that has changed
is another file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.contents import is_digest
from hiveloom_cli.clock import format_timestamp, parse_timestamp
from hiveloom_cli.files import check_version, load_document, open_lock, save_bytes
from hiveloom_cli.protocols.lookup import get_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from hiveloom_cli.agents.agent_file import AgentFile
    from hiveloom_cli.clock import Clock

_VERSION = 1
_HINT = "restore it from a backup, or remove it: you are asked anew then"


class Trust(Enum):
    """How the person stands to an agent's file."""

    NOT_NEEDED = "not_needed"
    TRUSTED = "trusted"
    NEEDED = "needed"
    CHANGED = "changed"  # since it was trusted

    @property
    def is_enough(self) -> bool:
        """Whether the agent may be used."""
        return self in (Trust.NOT_NEEDED, Trust.TRUSTED)


@dataclass(frozen=True, slots=True)
class Consent:
    """The digest of the content that the person agreed to, and when that was."""

    digest: str
    given_at: datetime


def decide_trust(file: AgentFile, consent: Consent | None) -> Trust:
    """Decide whether an agent may be used; `consent` is what was given for its path, if any was."""
    if not needs_trust(file):
        return Trust.NOT_NEEDED
    if consent is None:
        return Trust.NEEDED
    return Trust.TRUSTED if consent.digest == file.digest else Trust.CHANGED


def needs_trust(file: AgentFile) -> bool:
    """Whether an agent is not the person's own and could use what is theirs."""
    agent = file.agent
    asks = bool(agent.credential or agent.tools or agent.skills)
    return file.is_project and (asks or file.is_foreign)


class TrustList:
    """The list at `path`, which need not exist; nothing in it is secret."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def load_all(self) -> dict[str, Consent]:
        """Return what was agreed to, by the path of its file. Raises `FileUnreadable`."""
        return load_document(self._path, parse_consents, hint=_HINT) or {}

    def load(self, path: Path) -> Consent | None:
        """Return what was agreed to for a path. Raises `FileUnreadable`."""
        return self.load_all().get(str(path))

    def load_trust(self, file: AgentFile) -> Trust:
        """Return how the person stands to a file; the list is read only if that matters."""
        return decide_trust(file, self.load(file.path) if needs_trust(file) else None)

    def add(self, path: Path, digest: str) -> None:
        """Note that the person agreed to the content of that digest, in the place of any before."""
        consent = Consent(digest, self._clock.now())
        with open_lock(self._path):
            self._save({**self.load_all(), str(path): consent})

    def remove(self, paths: Iterable[str]) -> None:
        """Forget what was agreed to for these paths."""
        dropped = frozenset(paths)
        with open_lock(self._path):
            consents = self.load_all()
            self._save({path: consents[path] for path in consents if path not in dropped})

    def _save(self, consents: Mapping[str, Consent]) -> None:
        save_bytes(self._path, format_consents(consents).encode())


def parse_consents(text: str) -> dict[str, Consent]:
    """Read the text of a list; raise `ValueError` saying what is wrong with it."""
    document = json.loads(text)
    check_version(document, _VERSION)
    items = document.get("trusted")
    if not isinstance(items, dict):
        raise ValueError('"trusted" is not an object')  # noqa: TRY004 - one class for a file's faults
    return {path: _parse_consent(item) for path, item in items.items()}


def format_consents(consents: Mapping[str, Consent]) -> str:
    """Write a list as text, sorted by path."""
    items = {
        path: {"content": consent.digest, "trusted_at": format_timestamp(consent.given_at)}
        for path, consent in sorted(consents.items())
    }
    # In ASCII, so that a path of bytes that are no UTF-8 can stand in it.
    return json.dumps({"version": _VERSION, "trusted": items}, indent=1) + "\n"


def _parse_consent(item: Any) -> Consent:
    digest = get_text(item, "content")
    if not is_digest(digest):
        raise ValueError('"content" is not a digest')
    return Consent(digest, parse_timestamp(get_text(item, "trusted_at")))
