"""The index, `credentials.json`: which credentials exist and where their secrets are kept.

    {"version": 1, "credentials": {"groq": {"kept_in": "os", "set_at": "2026-01-31T09:00:00Z",
                                            "rotated_at": null, "base_url": "https://…"}}}

Nothing in it is secret. Keys that this version does not know survive a rewrite.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hiveloom_cli.clock import format_timestamp, parse_timestamp
from hiveloom_cli.credentials.credential import NAME, Credential
from hiveloom_cli.files import check_version, load_document, save_bytes

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

VERSION = 1
_HINT = "restore the file from a backup, or move it away and store the keys again"


@dataclass(frozen=True, slots=True)
class Index:
    """The credentials by name, and the document they were read from."""

    credentials: dict[str, Credential] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)


def load_index(path: Path) -> Index:
    """Read the index; a missing file is an empty one.

    Raises `FileUnreadable` for a file that is broken, of the wrong shape, or newer than this
    program.
    """
    return load_document(path, parse_index, hint=_HINT) or Index()


def save_index(path: Path, index: Index) -> None:
    """Write the index; whoever calls holds its lock."""
    save_bytes(path, format_index(index).encode())


def parse_index(text: str) -> Index:
    """Read the text of an index; raise `ValueError` saying what is wrong with it."""
    document = json.loads(text)
    check_version(document, VERSION)
    entries = document.get("credentials")
    if not isinstance(entries, dict):
        raise ValueError('"credentials" is not an object')  # noqa: TRY004 - one class for every fault of a file
    found = {name: _parse_entry(name, entry) for name, entry in entries.items()}
    return Index(found, document)


def format_index(index: Index) -> str:
    """Write an index as text, sorted by name so that two versions of it compare well."""
    former = index.document.get("credentials", {})
    entries = {
        name: {**former.get(name, {}), **_build_entry(index.credentials[name])}
        for name in sorted(index.credentials)
    }
    document = {**index.document, "version": VERSION, "credentials": entries}
    return json.dumps(document, indent=2) + "\n"


def build_with(index: Index, credential: Credential) -> Index:
    """Return the index with `credential` added, or in the place of its namesake."""
    return Index({**index.credentials, credential.name: credential}, index.document)


def build_without(index: Index, name: str) -> Index:
    """Return the index without `name`."""
    left = {key: value for key, value in index.credentials.items() if key != name}
    return Index(left, index.document)


def _parse_entry(name: str, entry: Any) -> Credential:
    if not NAME.fullmatch(name):
        raise ValueError("a credential's name is not allowed")
    if not isinstance(entry, dict):
        raise ValueError(f"{name}: not an object")  # noqa: TRY004 - as above
    kept_in = entry.get("kept_in")
    if kept_in not in ("os", "vault", "systemd"):
        raise ValueError(f'{name}: "kept_in" is neither "os" nor "vault" nor "systemd"')
    set_at = _get_moment(name, entry, "set_at")
    if set_at is None:
        raise ValueError(f'{name}: "set_at" is missing')
    return Credential(
        name,
        kept_in,
        set_at,
        _get_moment(name, entry, "rotated_at"),
        _get_text(name, entry, "base_url"),
        _get_text(name, entry, "protocol"),
    )


def _get_text(name: str, entry: dict[str, Any], key: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f'{name}: "{key}" is not text')
    return value


def _get_moment(name: str, entry: dict[str, Any], key: str) -> datetime | None:
    text = _get_text(name, entry, key)
    try:
        return parse_timestamp(text) if text is not None else None
    except ValueError:
        raise ValueError(f'{name}: "{key}" is not a time like 2026-01-31T09:00:00Z') from None


def _build_entry(credential: Credential) -> dict[str, Any]:
    rotated_at = credential.rotated_at
    return {
        "kept_in": credential.kept_in,
        "set_at": format_timestamp(credential.set_at),
        "rotated_at": format_timestamp(rotated_at) if rotated_at is not None else None,
        "base_url": credential.base_url,
        "protocol": credential.protocol,
    }
