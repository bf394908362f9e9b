"""The two places a secret can be kept in, behind one shape."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from hiveloom_cli.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.credentials.vault import FileVault


class SecretPlace(Protocol):
    """Secrets by name."""

    def save(self, name: str, secret: Secret) -> None:
        """Keep `secret` under `name`, in the place of what was there."""
        ...

    def load(self, name: str) -> Secret | None:
        """Return what is kept under `name`, unchecked; None for nothing."""
        ...

    def delete(self, name: str) -> None:
        """Delete what is kept under `name`; nothing there is as good."""
        ...


class VaultPlace:
    """The file vault as a place. Raises what `FileVault` does."""

    def __init__(
        self, path: Path, key_path: Path, passphrase: Secret | None, *, service: str
    ) -> None:
        self._path = path
        self._key_path = key_path
        self._passphrase = passphrase
        self._service = service
        self._vault: FileVault | None = None

    def save(self, name: str, secret: Secret) -> None:
        """See `SecretPlace.save`."""
        self._open().set_password(self._service, name, secret.reveal())

    def load(self, name: str) -> Secret | None:
        """See `SecretPlace.load`."""
        value = self._open().get_password(self._service, name)
        return None if value is None else Secret(value)

    def delete(self, name: str) -> None:
        """See `SecretPlace.delete`."""
        vault = self._open()
        from keyring.errors import PasswordDeleteError

        with suppress(PasswordDeleteError):
            vault.delete_password(self._service, name)

    def _open(self) -> FileVault:
        if self._vault is None:
            from hiveloom_cli.credentials.vault import FileVault

            self._vault = FileVault(self._path, self._key_path, self._passphrase)
        return self._vault
