"""Where the vault's cipher comes from: a passphrase, or a key file beside the vault."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from hiveloom_cli.credentials.choice import PASSPHRASE_VARIABLE
from hiveloom_cli.credentials.vault_crypto import (
    KEY_BYTES,
    ScryptCost,
    build_cipher,
    derive_key,
    new_key,
    new_scrypt_cost,
)
from hiveloom_cli.errors import VaultDamaged, VaultLocked, VaultUnusable
from hiveloom_cli.files import save_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from hiveloom_cli.secret import Secret


class VaultKey:
    """The two ways to a vault's cipher. A derived one is kept, for deriving takes a while."""

    def __init__(self, path: Path, passphrase: Secret | None) -> None:
        self.path = path
        self._passphrase = passphrase
        self._derived: dict[ScryptCost, AESGCM] = {}

    def is_preferred(self, cost: ScryptCost | None) -> bool:
        """Tell whether a vault of that cost may stay so when it is next written."""
        return cost is not None or self._passphrase is None

    def load_cipher(self, cost: ScryptCost | None) -> AESGCM | None:
        """Return the cipher of an existing vault; None if that needs a key file that is not there.

        Raises `VaultLocked` without the passphrase, `VaultDamaged` for a key file that is none.
        """
        return self._load_by_file() if cost is None else self._derive(cost)

    def create_cipher(self) -> tuple[ScryptCost | None, AESGCM]:
        """Return cost and cipher for a new vault; writes the key file if there is none to use."""
        if self._passphrase is not None:
            cost = new_scrypt_cost()
            return cost, self._derive(cost)
        cipher = self._load_by_file()
        if cipher is None:
            key = new_key()
            save_bytes(self.path, base64.b64encode(key) + b"\n")
            cipher = build_cipher(key)
        return None, cipher

    def _derive(self, cost: ScryptCost) -> AESGCM:
        if self._passphrase is None:
            raise VaultLocked(
                "the vault needs its passphrase", hint=f"set {PASSPHRASE_VARIABLE}, then try again"
            )
        if cost not in self._derived:
            self._derived[cost] = build_cipher(derive_key(self._passphrase, cost))
        return self._derived[cost]

    def _load_by_file(self) -> AESGCM | None:
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise build_unreadable(self.path, error) from error
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise VaultDamaged(
                f"{self.path} is not the key of a vault",
                hint="restore it from a backup; without one, delete it and the vault, and store "
                "the keys again",
            )
        return build_cipher(key)


def build_unreadable(path: Path, error: OSError) -> VaultUnusable:
    """Say that the system does not let us read a file of the vault."""
    return VaultUnusable(
        f"{path} cannot be read ({error.strerror})", hint="check its owner and its mode"
    )
