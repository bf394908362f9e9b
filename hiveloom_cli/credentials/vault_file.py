"""The vault's file: JSON outside, AES-256-GCM inside, scrypt where there is a passphrase.

    {"version": 1, "salt": null, "check": "…", "entries": {"hiveloom": {"groq": "…"}}}

`salt` belongs to the passphrase; null says that a key file opens the vault. `check` and the entries
are boxes, nonce and ciphertext in base64. Follows NIST SP 800-38D (a fresh random 96-bit nonce for
each encryption) and RFC 7914.

A box opens under its own label alone, which for an entry is service and user name: an entry that
was altered, renamed or swapped does not open. `check` opens under the right key whatever the
entries are, which tells a wrong passphrase from an altered vault. An entry that was dropped is
gone; one put back from an older copy of the vault is the older one, as the whole copy would be.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

if TYPE_CHECKING:
    from hiveloom_cli.secret import Secret

VERSION = 1
KEY_BYTES = 32
SALT_BYTES = 16
_NONCE_BYTES = 12
_N, _R, _P = 2**15, 8, 3  # 32 MiB and about a quarter of a second

Entries = dict[tuple[str, str], str]
"""Passwords by service and user name."""


class NewerVault(ValueError):
    """The file's version is one that this program does not know."""


@dataclass(frozen=True, slots=True)
class SealedVault:
    """A vault as it is written; `salt` is None when a key file opens it."""

    salt: bytes | None
    check: bytes
    boxes: dict[tuple[str, str], bytes]


def derive_cipher(passphrase: Secret, salt: bytes) -> AESGCM:
    """Return the cipher that belongs to a passphrase."""
    # An environment that is not UTF-8 leaves lone surrogates; an error would show the passphrase.
    encoded = passphrase.reveal().encode("utf-8", "surrogatepass")
    return AESGCM(Scrypt(salt, KEY_BYTES, _N, _R, _P).derive(encoded))


def parse_vault(content: bytes) -> SealedVault:
    """Read the bytes of a vault; raise `ValueError` (`NewerVault`) if they are none."""
    try:
        document = json.loads(content)
        if document["version"] > VERSION:
            raise NewerVault
        salt = document["salt"]
        return SealedVault(
            None if salt is None else _decode(salt),
            _decode(document["check"]),
            {
                (service, username): _decode(box)
                for service, boxes in document["entries"].items()
                for username, box in boxes.items()
            },
        )
    except (LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError("not the shape of a vault") from None


def format_vault(salt: bytes | None, cipher: AESGCM, entries: Entries) -> bytes:
    """Encrypt and write a vault."""
    boxes: dict[str, dict[str, str]] = {}
    for (service, username), password in sorted(entries.items()):
        boxes.setdefault(service, {})[username] = _seal(cipher, password, service, username)
    document = {
        "version": VERSION,
        "salt": None if salt is None else _encode(salt),
        "check": _seal(cipher, ""),
        "entries": boxes,
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def open_box(cipher: AESGCM, box: bytes, *label: str) -> str:
    """Return the text of a box; raise `ValueError` if key, label or a single bit is another."""
    try:
        text = cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _build_label(label))
    except InvalidTag:
        raise ValueError("the box does not open") from None
    return text.decode("utf-8", "surrogatepass")


def _seal(cipher: AESGCM, text: str, *label: str) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    encoded = text.encode("utf-8", "surrogatepass")
    return _encode(nonce + cipher.encrypt(nonce, encoded, _build_label(label)))


def _build_label(label: tuple[str, ...]) -> bytes:
    # JSON keeps the parts apart: ("ab", "c") and ("a", "bc") must not be the same label.
    return json.dumps(["hiveloom vault", *label]).encode("ascii")


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
