"""The file vault: a `keyring` backend for machines that have none.

Import this where it is needed only: it loads `keyring`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from hiveloom_cli.credentials.choice import PASSPHRASE_VARIABLE
from hiveloom_cli.credentials.vault_crypto import Box, ScryptCost, open_box, seal_box
from hiveloom_cli.credentials.vault_file import (
    Entries,
    NewerVault,
    VaultFile,
    format_sealed,
    format_vault_file,
    parse_vault_file,
)
from hiveloom_cli.credentials.vault_key import VaultKey, build_unreadable
from hiveloom_cli.errors import FileUnreadable, VaultDamaged, VaultLocked, VaultUnusable
from hiveloom_cli.files import load_text, open_lock, save_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from hiveloom_cli.secret import Secret


class _NeverChosen:
    """A priority that keeps `keyring` from ever choosing the vault by itself."""

    def __get__(self, instance: object, owner: type) -> float:
        raise RuntimeError("hiveloom opens its vault itself")


@dataclass(frozen=True, slots=True)
class _Opened:
    cost: ScryptCost | None
    check: Box
    cipher: AESGCM
    entries: Entries


class FileVault(KeyringBackend):
    """Passwords in one encrypted file, opened by a key file or by a passphrase.

    A vault made with a key file is read with it, and moves to the passphrase at the first write
    that is given one. Every method raises `VaultUnusable` (`VaultLocked`, `VaultDamaged`) and
    leaves the file as it was when it cannot be opened, whole and unaltered; writing also raises
    `OSError` and `Locked`.
    """

    # The base class computes it per class, in an untyped descriptor of its own.
    priority = _NeverChosen()

    def __init__(self, path: Path, key_path: Path, passphrase: Secret | None) -> None:
        # First, for it sets attributes from the environment.
        super().__init__()  # type: ignore[no-untyped-call]
        self._path = path
        self._key = VaultKey(key_path, passphrase)

    def __str__(self) -> str:
        return f"file vault {self._path}"

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password, None for nothing."""
        opened = self._load()
        if opened is None or (service, username) not in opened.entries:
            return None
        return self._open_entry(opened, service, username).decode("utf-8", "surrogatepass")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep the password, in the place of what was there."""
        text = password.encode("utf-8", "surrogatepass")
        with open_lock(self._path):
            opened = self._load() or self._create()
            by_file = opened.cost is None
            if not self._key.is_preferred(opened.cost):
                opened = self._reseal(opened)
            box = seal_box(opened.cipher, text, "entry", service, username)
            self._save(opened, {**opened.entries, (service, username): box})
            if by_file and opened.cost is not None:
                self._key.path.unlink(missing_ok=True)

    def delete_password(self, service: str, username: str) -> None:
        """Forget the password; raise `PasswordDeleteError` if there is none."""
        with open_lock(self._path):
            opened = self._load()
            if opened is None or (service, username) not in opened.entries:
                raise PasswordDeleteError("no such password")
            entries = {
                key: box for key, box in opened.entries.items() if key != (service, username)
            }
            self._save(opened, entries)

    def _load(self) -> _Opened | None:
        text = self._load_text()
        if text is None:
            return None
        vault = self._parse(text)
        cipher = self._key.load_cipher(vault.cost)
        if cipher is None:
            return self._without_key(text, vault)
        if open_box(cipher, vault.check, "check") is None:
            self._refuse_key(vault.cost)
        sealed = format_sealed(vault.cost, vault.check, vault.entries)
        if open_box(cipher, vault.seal, "seal", sealed) is None:
            raise self._build_damaged("was altered")
        return _Opened(vault.cost, vault.check, cipher, vault.entries)

    def _load_text(self) -> str | None:
        try:
            return load_text(self._path)
        except FileNotFoundError:
            return None
        except FileUnreadable:
            raise self._build_damaged("is not a vault") from None
        except OSError as error:
            raise build_unreadable(self._path, error) from error

    def _parse(self, text: str) -> VaultFile:
        try:
            return parse_vault_file(text)
        except NewerVault:
            raise VaultUnusable(
                f"{self._path} was written by a newer hiveloom", hint="update this hiveloom"
            ) from None
        except ValueError:
            raise self._build_damaged("is not a whole vault") from None

    def _without_key(self, text: str, vault: VaultFile) -> _Opened | None:
        # Reading takes no lock: another process may have moved the vault to its passphrase, and
        # deleted the key file, between our two reads.
        if self._load_text() != text:
            return self._load()
        if not vault.entries:
            return None
        raise VaultDamaged(
            f"{self._key.path}, which opens {self._path}, is missing",
            hint="restore it from a backup; without one, delete the vault and store the keys again",
        )

    def _refuse_key(self, cost: ScryptCost | None) -> NoReturn:
        if cost is None:
            raise self._build_damaged(f"does not belong to {self._key.path}, or was altered")
        raise VaultLocked(
            f"{PASSPHRASE_VARIABLE} does not open {self._path}",
            hint=f"set {PASSPHRASE_VARIABLE} to the passphrase the vault was made with; if that is "
            "lost, delete the vault and store the keys again",
        )

    def _open_entry(self, opened: _Opened, service: str, username: str) -> bytes:
        box = opened.entries[service, username]
        text = open_box(opened.cipher, box, "entry", service, username)
        if text is None:
            raise self._build_damaged("was altered")
        return text

    def _create(self) -> _Opened:
        cost, cipher = self._key.create_cipher()
        return _Opened(cost, seal_box(cipher, b"", "check"), cipher, {})

    def _reseal(self, old: _Opened) -> _Opened:
        new = self._create()
        entries = {
            key: seal_box(new.cipher, self._open_entry(old, *key), "entry", *key)
            for key in old.entries
        }
        return _Opened(new.cost, new.check, new.cipher, entries)

    def _save(self, opened: _Opened, entries: Entries) -> None:
        sealed = format_sealed(opened.cost, opened.check, entries)
        seal = seal_box(opened.cipher, b"", "seal", sealed)
        vault = VaultFile(opened.cost, opened.check, entries, seal)
        save_bytes(self._path, format_vault_file(vault).encode("ascii"))

    def _build_damaged(self, problem: str) -> VaultDamaged:
        return VaultDamaged(
            f"{self._path} {problem}",
            hint="restore it from a backup; without one, delete it and store the keys again",
        )
