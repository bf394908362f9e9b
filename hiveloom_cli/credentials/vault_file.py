"""The vault's file: what it looks like, and what is refused.

    {"version": 1,
     "kdf":     {"name": "key-file"} or {"name": "scrypt", "n": …, "r": …, "p": …, "salt": "…"},
     "check":   {"nonce": "…", "ciphertext": "…"},
     "entries": [{"service": "…", "username": "…", "nonce": "…", "ciphertext": "…"}],
     "seal":    {"nonce": "…", "ciphertext": "…"}}

Binary values are base64. `check` opens under the right key whatever the entries, which tells a
wrong passphrase from an altered vault; `seal` is bound to everything else in the file, so that an
entry can be neither changed nor renamed, dropped or brought back.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from hiveloom_cli.credentials.vault_crypto import NONCE_BYTES, SALT_BYTES, Box, ScryptCost

VERSION = 1
_TAG_BYTES = 16
# A hostile file must not cost gigabytes or minutes before it is found out: 256 MiB at most.
_N_ALLOWED = frozenset(2**power for power in range(14, 19))
_R_ALLOWED = 8
_P_MOST = 8

Entries = dict[tuple[str, str], Box]
"""Boxes by service and user name."""


class NewerVault(ValueError):
    """The file's version is one that this program does not know."""


@dataclass(frozen=True, slots=True)
class VaultFile:
    """A vault as it is written; `cost` is None when a key file opens it."""

    cost: ScryptCost | None
    check: Box
    entries: Entries
    seal: Box


def parse_vault_file(text: str) -> VaultFile:
    """Read the text of a vault; raise `ValueError` (`NewerVault`) if it is none."""
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _check_version(document)
    fields = _get_fields(document, "version", "kdf", "check", "entries", "seal")
    return VaultFile(
        _parse_cost(fields["kdf"]),
        _parse_box(_get_fields(fields["check"], "nonce", "ciphertext")),
        _parse_entries(fields["entries"]),
        _parse_box(_get_fields(fields["seal"], "nonce", "ciphertext")),
    )


def format_vault_file(vault: VaultFile) -> str:
    """Write a vault as text."""
    document = {
        **_build_sealed(vault.cost, vault.check, vault.entries),
        "seal": _build_box(vault.seal),
    }
    return json.dumps(document, indent=2) + "\n"


def format_sealed(cost: ScryptCost | None, check: Box, entries: Entries) -> str:
    """Write all but the seal in the one form that the seal is bound to."""
    return json.dumps(_build_sealed(cost, check, entries), sort_keys=True)


def _build_sealed(cost: ScryptCost | None, check: Box, entries: Entries) -> dict[str, Any]:
    return {
        "version": VERSION,
        "kdf": _build_cost(cost),
        "check": _build_box(check),
        "entries": [
            {"service": service, "username": username, **_build_box(box)}
            for (service, username), box in sorted(entries.items(), key=lambda entry: entry[0])
        ],
    }


def _build_cost(cost: ScryptCost | None) -> dict[str, Any]:
    if cost is None:
        return {"name": "key-file"}
    salt = _encode(cost.salt)
    return {"name": "scrypt", "n": cost.n, "r": cost.r, "p": cost.p, "salt": salt}


def _build_box(box: Box) -> dict[str, str]:
    return {"nonce": _encode(box.nonce), "ciphertext": _encode(box.ciphertext)}


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _check_version(document: Any) -> None:
    version = document.get("version") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        raise ValueError("no version")
    if version > VERSION:
        raise NewerVault


def _get_fields(value: Any, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError("fields are missing or unknown")
    return value


def _parse_cost(value: Any) -> ScryptCost | None:
    if value == {"name": "key-file"}:
        return None
    fields = _get_fields(value, "name", "n", "r", "p", "salt")
    n, r, p = (_get_int(fields, key) for key in ("n", "r", "p"))
    if (
        fields["name"] != "scrypt"
        or n not in _N_ALLOWED
        or r != _R_ALLOWED
        or not 1 <= p <= _P_MOST
    ):
        raise ValueError("the key derivation is not one this program uses")
    return ScryptCost(_get_bytes(fields, "salt", SALT_BYTES), n, r, p)


def _parse_entries(value: Any) -> Entries:
    if not isinstance(value, list):
        raise ValueError("the entries are not a list")  # noqa: TRY004 - one class for all faults
    entries: Entries = {}
    for item in value:
        fields = _get_fields(item, "service", "username", "nonce", "ciphertext")
        key = (_get_text(fields, "service"), _get_text(fields, "username"))
        if key in entries:
            raise ValueError("an entry is there twice")
        entries[key] = _parse_box(fields)
    return entries


def _parse_box(fields: dict[str, Any]) -> Box:
    ciphertext = _get_bytes(fields, "ciphertext")
    if len(ciphertext) < _TAG_BYTES:
        raise ValueError("a ciphertext is too short")
    return Box(_get_bytes(fields, "nonce", NONCE_BYTES), ciphertext)


def _get_bytes(fields: dict[str, Any], key: str, length: int | None = None) -> bytes:
    value = base64.b64decode(_get_text(fields, key).encode("ascii"), validate=True)
    if length is not None and len(value) != length:
        raise ValueError(f"{key} has the wrong length")
    return value


def _get_text(fields: dict[str, Any], key: str) -> str:
    value = fields[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} is not text")  # noqa: TRY004 - as above
    return value


def _get_int(fields: dict[str, Any], key: str) -> int:
    value = fields[key]
    if type(value) is not int:
        raise ValueError(f"{key} is not a whole number")
    return value
