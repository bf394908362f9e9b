"""The vault's cryptography: AES-256-GCM, and scrypt where there is a passphrase.

Follows NIST SP 800-38D (a fresh random 96-bit nonce for each encryption) and RFC 7914.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from hiveloom_cli.secret import Secret

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """How a key comes from a passphrase; the memory taken is 128 * n * r bytes."""

    salt: bytes
    n: int
    r: int
    p: int


@dataclass(frozen=True, slots=True)
class Box:
    """One encrypted text and its nonce."""

    nonce: bytes
    ciphertext: bytes


def new_key() -> bytes:
    """Return a fresh master key."""
    return secrets.token_bytes(KEY_BYTES)


def new_scrypt_cost() -> ScryptCost:
    """Return a fresh salt and today's cost: 32 MiB and about a quarter of a second."""
    return ScryptCost(secrets.token_bytes(SALT_BYTES), n=2**15, r=8, p=3)


def build_cipher(key: bytes) -> AESGCM:
    """Return the cipher of a master key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def derive_key(passphrase: Secret, cost: ScryptCost) -> bytes:
    """Return the master key that belongs to a passphrase."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    # An environment that is not UTF-8 leaves lone surrogates; an error would show the passphrase.
    encoded = passphrase.reveal().encode("utf-8", "surrogatepass")
    return Scrypt(cost.salt, KEY_BYTES, cost.n, cost.r, cost.p).derive(encoded)


def seal_box(cipher: AESGCM, text: bytes, *label: str) -> Box:
    """Encrypt `text` so that it opens under the same `label` alone."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Box(nonce, cipher.encrypt(nonce, text, _encode_label(label)))


def open_box(cipher: AESGCM, box: Box, *label: str) -> bytes | None:
    """Return the text of a box, None if the key, the label or a single bit is not the one."""
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(box.nonce, box.ciphertext, _encode_label(label))
    except InvalidTag:
        return None


def _encode_label(label: tuple[str, ...]) -> bytes:
    # JSON keeps the parts apart: ("ab", "c") and ("a", "bc") must not be the same label.
    return json.dumps(["hiveloom vault", *label]).encode("ascii")
