"""The file vault: a `keyring` backend for machines that have none.

Import this where it is needed only: it loads `keyring` and `cryptography`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from hiveloom_cli.credentials import vault_file
from hiveloom_cli.credentials.choice import PASSPHRASE_VARIABLE
from hiveloom_cli.errors import VaultDamaged, VaultLocked, VaultUnusable
from hiveloom_cli.files import open_lock, save_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.secret import Secret

_START_OVER = (
    "restore it from a backup; without one, delete the vault (and its key file, if there is one), "
    "and store the keys again"
)


class _NeverChosen:
    """A priority that keeps `keyring` from ever choosing the vault by itself."""

    def __get__(self, instance: object, owner: type) -> float:
        raise RuntimeError("hiveloom opens its vault itself")


@dataclass(frozen=True, slots=True)
class _Opened:
    salt: bytes | None
    cipher: AESGCM
    entries: vault_file.Entries


class FileVault(KeyringBackend):
    """Passwords in one encrypted file, opened by a key file or by a passphrase.

    It opens for good the way it was made: a passphrase if there was one, else the key file. Taking
    out the last password deletes the file. Every method raises `VaultUnusable` (`VaultLocked`,
    `VaultDamaged`) and leaves the file as it was when it cannot be opened, whole and unaltered;
    writing also raises `OSError` and `Locked`.
    """

    # The base class computes it per class, in an untyped descriptor of its own.
    priority = _NeverChosen()

    def __init__(self, path: Path, key_path: Path, passphrase: Secret | None) -> None:
        # First, for it sets attributes from the environment.
        super().__init__()  # type: ignore[no-untyped-call]
        self._path = path
        self._key_path = key_path
        self._passphrase = passphrase

    def __str__(self) -> str:
        return f"file vault {self._path}"

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password, None for nothing."""
        opened = self._load()
        return opened.entries.get((service, username)) if opened else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep the password, in the place of what was there.

        Refuses where a passphrase is given and a key file opens the vault: whoever set the
        passphrase would take the new key to be safe behind it.
        """
        with open_lock(self._path):
            opened = self._load() or self._create()
            if opened.salt is None and self._passphrase is not None:
                raise VaultUnusable(
                    f"{self._path} opens with {self._key_path}, not with {PASSPHRASE_VARIABLE}",
                    hint=f"unset {PASSPHRASE_VARIABLE} to go on with the key file; to change to "
                    "the passphrase, remove the keys that are in the vault and set them again",
                )
            self._save(opened, {**opened.entries, (service, username): password})

    def delete_password(self, service: str, username: str) -> None:
        """Forget the password; raise `PasswordDeleteError` if there is none."""
        with open_lock(self._path):
            opened = self._load()
            if opened is None or opened.entries.pop((service, username), None) is None:
                raise PasswordDeleteError("no such password")
            if opened.entries:
                self._save(opened, opened.entries)
            else:
                self._path.resolve().unlink()

    def _load(self) -> _Opened | None:
        content = _load_bytes(self._path)
        if content is None:
            return None
        try:
            vault = vault_file.parse_vault(content)
        except vault_file.NewerVault:
            raise VaultUnusable(
                f"{self._path} was written by a newer hiveloom", hint="update this hiveloom"
            ) from None
        except ValueError:
            raise VaultDamaged(f"{self._path} is not a whole vault", hint=_START_OVER) from None
        return self._open(vault)

    def _open(self, vault: vault_file.SealedVault) -> _Opened:
        cipher = self._load_cipher() if vault.salt is None else self._derive_cipher(vault.salt)
        if cipher is None:
            raise VaultDamaged(
                f"{self._key_path}, which opens {self._path}, is missing", hint=_START_OVER
            )
        try:
            vault_file.open_box(cipher, vault.check)
        except ValueError:
            raise self._build_wrong_key(vault.salt) from None
        try:
            entries = {
                key: vault_file.open_box(cipher, box, *key) for key, box in vault.boxes.items()
            }
        except ValueError:
            raise VaultDamaged(f"{self._path} was altered", hint=_START_OVER) from None
        return _Opened(vault.salt, cipher, entries)

    def _create(self) -> _Opened:
        if self._passphrase is not None:
            salt = secrets.token_bytes(vault_file.SALT_BYTES)
            return _Opened(salt, self._derive_cipher(salt), {})
        cipher = self._load_cipher()
        if cipher is None:
            key = secrets.token_bytes(vault_file.KEY_BYTES)
            save_bytes(self._key_path, key)
            cipher = AESGCM(key)
        return _Opened(None, cipher, {})

    def _save(self, opened: _Opened, entries: vault_file.Entries) -> None:
        save_bytes(self._path, vault_file.format_vault(opened.salt, opened.cipher, entries))

    def _derive_cipher(self, salt: bytes) -> AESGCM:
        if self._passphrase is None:
            raise VaultLocked(
                "the vault needs its passphrase", hint=f"set {PASSPHRASE_VARIABLE}, then try again"
            )
        return vault_file.derive_cipher(self._passphrase, salt)

    def _load_cipher(self) -> AESGCM | None:
        """Return the key file's cipher, None if there is no such file."""
        key = _load_bytes(self._key_path)
        if key is None:
            return None
        if len(key) != vault_file.KEY_BYTES:
            raise VaultDamaged(f"{self._key_path} is not the key of a vault", hint=_START_OVER)
        return AESGCM(key)

    def _build_wrong_key(self, salt: bytes | None) -> VaultUnusable:
        if salt is None:
            problem = f"{self._path} does not belong to {self._key_path}, or was altered"
            return VaultDamaged(problem, hint=_START_OVER)
        return VaultLocked(
            f"{PASSPHRASE_VARIABLE} does not open {self._path}",
            hint=f"set {PASSPHRASE_VARIABLE} to the passphrase the vault was made with; if that is "
            "lost, delete the vault and store the keys again",
        )


def _load_bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VaultUnusable(
            f"{path} cannot be read ({error.strerror})", hint="check its owner and its mode"
        ) from error
