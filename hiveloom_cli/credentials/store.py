"""The credentials of one person: an index of names, and a secret for each in one of two places.

Under the index's lock, a secret is stored before the index names it, and deleted before its name
goes: whatever cuts that short, doing it again under the same name sets it right.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.credentials.credential import Credential, Saved, parse_credential_name
from hiveloom_cli.credentials.handed import (
    PREFIX,
    VARIABLE,
    check_handed_name,
    load_handed,
    load_handed_names,
)
from hiveloom_cli.credentials.index import build_with, build_without, load_index, save_index
from hiveloom_cli.credentials.keeper import SecretKeeper
from hiveloom_cli.credentials.kept import KeptSecrets
from hiveloom_cli.errors import (
    CredentialError,
    CredentialNotFound,
    SecretMissing,
    SecretRefused,
)
from hiveloom_cli.files import open_lock
from hiveloom_cli.secret import parse_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.credentials.credential import Place
    from hiveloom_cli.credentials.index import Index
    from hiveloom_cli.paths import Paths
    from hiveloom_cli.secret import Secret

_WHERE: Mapping[Place, str] = {
    "os": "the system's keyring",
    "vault": "the vault",
    "systemd": "systemd",
}
_SYSTEMD_HINT = f"LoadCredential={PREFIX}NAME:FILE in the service's unit, which alone gets it"


class CredentialStore:
    """Credentials under `paths`; `environ` says which place is forced and how long to wait."""

    def __init__(self, *, paths: Paths, environ: Mapping[str, str], clock: Clock) -> None:
        self._paths = paths
        self._clock = clock
        self._environ = environ
        self._keeper = SecretKeeper(paths=paths, environ=environ)
        self._kept: KeptSecrets | None = None

    def keep_secrets(self) -> None:
        """Keep in memory for a while what is fetched, from now on: for what runs for long."""
        self._kept = KeptSecrets(self._fetch, self._paths.credentials, self._clock)

    def drop_secret(self, refused: Secret) -> None:
        """Keep a secret no longer: it was refused."""
        if self._kept is not None:
            self._kept.drop(refused)

    def load_all(self) -> dict[str, Credential]:
        """Return every credential by name, sorted; reads the index and touches no keyring."""
        credentials = load_index(self._paths.credentials).credentials
        return dict(sorted(credentials.items()))

    def load(self, name: str) -> Credential:
        """Return one credential; raise `CredentialNotFound` with the names that exist."""
        return _get(load_index(self._paths.credentials), parse_credential_name(name))

    def load_secret(self, name: str) -> Secret:
        """Return the secret of `name`, checked as if it had just been typed.

        Raises `CredentialNotFound`, `SecretMissing` when the place has lost it, `SecretRefused`
        when something else put there what cannot be a key, and the errors of the place.
        """
        if self._kept is None or self._is_handed(name):
            return self._fetch(name)
        return self._kept.load(name)

    def _is_handed(self, name: str) -> bool:
        """Whether systemd hands over that key, which costs nothing to read anew at each use."""
        return VARIABLE in self._environ and self.load(name).kept_in == "systemd"

    def _fetch(self, name: str) -> Secret:
        credential = self.load(name)
        secret = self._keeper.load(credential.kept_in, credential.name)
        return _check_secret(secret, credential.name, credential.kept_in)

    def load_handed_names(self) -> frozenset[str]:
        """Return the names of the keys that systemd hands over, stored here or not."""
        return load_handed_names(self._environ)

    def load_handed_secret(self, name: str) -> Secret:
        """Return the key that systemd hands over; the errors are those of `load_secret`."""
        return _check_secret(load_handed(self._environ, name), name, "systemd")

    def save(
        self,
        name: str,
        secret: Secret,
        *,
        base_url: str | None = None,
        protocol: str | None = None,
    ) -> Saved:
        """Store `secret` under `name`, new or in the place of what was there.

        A credential stays where it is kept unless `HIVELOOM_KEYRING` forces the other place. A new
        one goes to the system's keyring; where there is none that can be used, to the vault. An
        address or protocol not given is left as it was. When the index cannot be written, a
        replaced secret stays replaced, but one that is new, was moved, or belongs to another
        address than the index says is deleted again.
        """
        name = parse_credential_name(name)
        with self._open_index() as index:
            former = index.credentials.get(name)
            return self._put(index, former, self._build(name, former, base_url, protocol), secret)

    def save_handed(
        self, name: str, *, base_url: str | None = None, protocol: str | None = None
    ) -> Saved:
        """Keep where the key `name` belongs, which systemd is to hand over at each use.

        The index forgets another place first, so that no former secret goes to a new address.
        """
        name = parse_credential_name(name)
        check_handed_name(name)
        with self._open_index() as index:
            former = index.credentials.get(name)
            wanted = replace(self._build(name, former, base_url, protocol), kept_in="systemd")
            save_index(self._paths.credentials, build_with(index, wanted))
        place = former.kept_in if former is not None else None
        is_left = place is not None and not self._keeper.try_delete(place, name)
        left_in = place if is_left else None
        return Saved(wanted, replaced=place is not None, vault_is_new=False, left_in=left_in)

    def rotate(self, name: str, secret: Secret) -> Saved:
        """Replace the secret of `name`; raise `CredentialNotFound` with the names that exist."""
        name = parse_credential_name(name)
        with self._open_index() as index:
            former = _get(index, name)
            return self._put(index, former, self._build(name, former, None, None), secret)

    def remove(self, name: str) -> Credential:
        """Delete `name` and its secret, which may be gone already.

        Raises `CredentialNotFound` with the names that exist; when the place refuses, both stay.
        """
        name = parse_credential_name(name)
        with self._open_index() as index:
            credential = _get(index, name)
            self._keeper.delete(credential.kept_in, name)
            save_index(self._paths.credentials, build_without(index, name))
            return credential

    def _build(
        self, name: str, former: Credential | None, base_url: str | None, protocol: str | None
    ) -> Credential:
        now = self._clock.now()
        if former is None:
            return Credential(name, "os", now, None, base_url, protocol)
        return replace(
            former,
            rotated_at=now,
            base_url=base_url or former.base_url,
            protocol=protocol or former.protocol,
        )

    def _put(
        self, index: Index, former: Credential | None, wanted: Credential, secret: Secret
    ) -> Saved:
        keeper, name = self._keeper, wanted.name
        place = former.kept_in if former is not None else None
        had_vault = keeper.has_vault()
        with self._no_address(index, former, wanted):
            kept_in = keeper.save(name, secret, place)
        credential = replace(wanted, kept_in=kept_in)
        try:
            save_index(self._paths.credentials, build_with(index, credential))
        except BaseException:
            if former is None or replace(credential, rotated_at=former.rotated_at) != former:
                keeper.try_delete(kept_in, name)
            raise
        moved_from = place if place != kept_in else None
        is_left = moved_from is not None and not keeper.try_delete(moved_from, name)
        return Saved(
            credential,
            replaced=place is not None,
            vault_is_new=kept_in == "vault" and not had_vault,
            left_in=moved_from if is_left else None,
        )

    @contextmanager
    def _no_address(
        self, index: Index, former: Credential | None, wanted: Credential
    ) -> Iterator[None]:
        """Keep a name without an address while it gets another one, and another secret.

        A process that is killed between the two leaves neither secret where the other belongs.
        """
        if former is None or _get_address(former) == _get_address(wanted):
            yield
            return
        save_index(self._paths.credentials, build_without(index, former.name))
        try:
            yield
        except BaseException:
            save_index(self._paths.credentials, index)
            raise

    @contextmanager
    def _open_index(self) -> Iterator[Index]:
        path = self._paths.credentials
        try:
            with open_lock(path):
                yield load_index(path)
        except OSError as error:
            raise _build_unwritable(error, path) from error


def _get_address(credential: Credential) -> tuple[str | None, str | None]:
    return credential.base_url, credential.protocol


def _get(index: Index, name: str) -> Credential:
    try:
        return index.credentials[name]
    except KeyError:
        names = ", ".join(sorted(index.credentials))
        others = f"there are: {names}" if names else "none is stored yet"
        raise CredentialNotFound(
            f"there is no credential named {name}; {others}",
            hint=f"hiveloom credential set --name {name}",
        ) from None


def _check_secret(secret: Secret | None, name: str, place: Place) -> Secret:
    where = _WHERE[place]
    hint = _SYSTEMD_HINT if place == "systemd" else f"hiveloom credential set --name {name}"
    if secret is None and place == "systemd":
        raise SecretMissing(f"systemd hands over no key as {PREFIX}{name} here", hint=hint)
    if secret is None:
        raise SecretMissing(f"{where} no longer holds the key {name!r}", hint=hint)
    try:
        return parse_secret(secret.reveal())
    except SecretRefused as error:
        problem = f"what {where} holds as {name!r} is no key: {error.message}"
    raise SecretRefused(problem, hint=hint)


def _build_unwritable(error: OSError, path: Path) -> CredentialError:
    where = error.filename or path
    return CredentialError(
        f"{where} cannot be written ({error.strerror})",
        hint="check the free space, and the owner and mode of the folder",
    )
