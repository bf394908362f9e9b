"""Which of the two places a secret goes to, and the way there."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hiveloom_cli.credentials.choice import (
    decide_desktop,
    parse_forced_place,
    parse_passphrase,
    parse_timeout_s,
)
from hiveloom_cli.credentials.os_keyring import NoUsableKeyring, OsKeyring
from hiveloom_cli.credentials.places import VaultPlace
from hiveloom_cli.errors import HiveloomError, KeyringTimedOut, KeyringUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.credentials.credential import Place
    from hiveloom_cli.credentials.places import SecretPlace
    from hiveloom_cli.paths import Paths
    from hiveloom_cli.secret import Secret

# The vault lies in the home that it belongs to, so its entries need no name of that home.
_VAULT_SERVICE = "hiveloom"


class SecretKeeper:
    """Secrets by place and name; raises what the places do."""

    def __init__(self, *, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._environ = environ
        passphrase = parse_passphrase(environ)
        self._vault = VaultPlace(paths.vault, paths.vault_key, passphrase, service=_VAULT_SERVICE)

    def has_vault(self) -> bool:
        """Tell whether the vault has been made."""
        return self._paths.vault.exists()

    def decide_target(self, kept_in: Place | None) -> Place:
        """Return the place that `save` tries first."""
        return parse_forced_place(self._environ) or kept_in or "os"

    def load(self, place: Place, name: str) -> Secret | None:
        """Return the secret, unchecked; None for nothing."""
        return self._open(place).load(name)

    def save(self, name: str, secret: Secret, kept_in: Place | None) -> Place:
        """Store the secret and return where.

        That is the place that `HIVELOOM_KEYRING` forces; else `kept_in`, where the former one is;
        else (None) the system's keyring, or the vault where that cannot be used.
        """
        forced = parse_forced_place(self._environ)
        free = forced is None and kept_in is None
        if self.decide_target(kept_in) == "os" and self._save_in_keyring(
            name, secret, any_backend=forced == "os", may_decline=free
        ):
            return "os"
        self._vault.save(name, secret)
        return "vault"

    def delete(self, place: Place, name: str) -> None:
        """Delete the secret; nothing there is as good."""
        self._open(place).delete(name)

    def try_delete(self, place: Place, name: str) -> bool:
        """Delete the secret if that can be done; return whether it was."""
        try:
            self.delete(place, name)
        except (HiveloomError, OSError):
            return False
        return True

    def try_restore(self, place: Place, name: str, previous: Secret | None) -> None:
        """Put back what was there before, as far as that can be done."""
        with suppress(HiveloomError, OSError):
            if previous is None:
                self.delete(place, name)
            else:
                self._open(place).save(name, previous)

    def _save_in_keyring(
        self, name: str, secret: Secret, *, any_backend: bool, may_decline: bool
    ) -> bool:
        try:
            self._open_keyring().save(name, secret, any_backend=any_backend)
        except KeyringTimedOut:
            raise
        except KeyringUnavailable as error:
            # At a desktop, a keyring that stays locked is a person's answer: no second place then.
            alone = isinstance(error, NoUsableKeyring) or not decide_desktop(self._environ)
            if may_decline and alone:
                return False
            raise
        return True

    def _open(self, place: Place) -> SecretPlace:
        return self._open_keyring() if place == "os" else self._vault

    def _open_keyring(self) -> OsKeyring:
        return OsKeyring(self._paths.keyring_service, parse_timeout_s(self._environ))
