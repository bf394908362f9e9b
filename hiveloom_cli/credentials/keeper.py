"""Which of the two places a secret goes to, and the way there."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hiveloom_cli.credentials.choice import (
    decide_desktop,
    parse_forced_place,
    parse_timeout_s,
)
from hiveloom_cli.credentials.handed import load_handed, load_passphrase
from hiveloom_cli.credentials.os_keyring import NoUsableKeyring, ask_keyring
from hiveloom_cli.errors import HiveloomError, KeyringTimedOut, KeyringUnavailable
from hiveloom_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyring.backend import KeyringBackend

    from hiveloom_cli.credentials.credential import Place
    from hiveloom_cli.paths import Paths

_T = TypeVar("_T")
# The vault lies in the home that it belongs to, so its entries need no name of that home.
_VAULT_SERVICE = "hiveloom"


class SecretKeeper:
    """Secrets by place and name, each place a `keyring` backend.

    Raises `KeyringUnavailable` for the system's keyring, and whatever `FileVault` does.
    """

    def __init__(self, *, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._environ = environ

    def has_vault(self) -> bool:
        """Tell whether there is a vault."""
        return self._paths.vault.exists()

    def load(self, place: Place, name: str) -> Secret | None:
        """Return the secret, unchecked; None for nothing."""
        if place == "systemd":
            return load_handed(self._environ, name)
        value = self._ask(
            place, "give the key", lambda backend, service: backend.get_password(service, name)
        )
        return None if value is None else Secret(value)

    def save(self, name: str, secret: Secret, kept_in: Place | None) -> Place:
        """Store the secret and return where.

        That is the place that `HIVELOOM_KEYRING` forces; else `kept_in`, where the former one is;
        else (None, or systemd, which nothing is given to) the system's keyring, or the vault where
        that cannot be used. A keyring that is not recommended has to be forced.
        """
        kept_in = None if kept_in == "systemd" else kept_in
        forced = parse_forced_place(self._environ)

        def save(place: Place) -> Place:
            self._ask(
                place,
                "store the key",
                lambda backend, service: backend.set_password(service, name, secret.reveal()),
                any_backend=forced is not None,
            )
            return place

        try:
            return save(forced or kept_in or "os")
        except KeyringUnavailable as error:
            if forced or kept_in or not self._may_do_without(error):
                raise
        return save("vault")

    def delete(self, place: Place, name: str) -> None:
        """Delete the secret; nothing there is as good. What systemd hands over stays with it."""
        if place == "systemd":
            return

        def delete(backend: KeyringBackend, service: str) -> None:
            from keyring.errors import PasswordDeleteError

            try:
                backend.delete_password(service, name)
            except PasswordDeleteError:
                # Backends say "absent" and "refused" with the same class.
                if backend.get_password(service, name) is not None:
                    raise

        self._ask(place, "delete the key", delete)

    def try_delete(self, place: Place, name: str) -> bool:
        """Delete the secret if that can be done; return whether it was."""
        try:
            self.delete(place, name)
        except (HiveloomError, OSError):
            return False
        return True

    def _may_do_without(self, error: KeyringUnavailable) -> bool:
        # A slow keyring may yet store the key. At a desktop, one that stays locked is a person's
        # answer: no second place then.
        declined = isinstance(error, KeyringTimedOut) or decide_desktop(self._environ)
        return isinstance(error, NoUsableKeyring) or not declined

    def _ask(
        self,
        place: Place,
        doing: str,
        request: Callable[[KeyringBackend, str], _T],
        *,
        any_backend: bool = True,
    ) -> _T:
        if place == "vault":
            from hiveloom_cli.credentials.vault import FileVault

            passphrase = load_passphrase(self._environ)
            vault = FileVault(self._paths.vault, self._paths.vault_key, passphrase)
            return request(vault, _VAULT_SERVICE)
        return ask_keyring(
            doing,
            lambda backend: request(backend, self._paths.keyring_service),
            timeout_s=parse_timeout_s(self._environ),
            any_backend=any_backend,
        )
