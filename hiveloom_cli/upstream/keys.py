"""Fetching a key from where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, assert_never

from hiveloom_cli.errors import SecretRefused
from hiveloom_cli.secret import Secret, parse_secret
from hiveloom_cli.upstream.resolve import EnvironmentKey, PlaceholderKey, StoredKey, SystemdKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.upstream.resolve import KeySource

# What is sent to a server on this machine that asks for no key: the header is part of the protocol.
_PLACEHOLDER = "no-key"


class Keys(Protocol):
    """Where keys are; both methods raise `CredentialError`."""

    def load_secret(self, name: str) -> Secret:
        """Fetch the key of a stored credential."""
        ...

    def load_handed_secret(self, name: str) -> Secret:
        """Fetch the key that systemd hands over under a name."""
        ...


def load_key(source: KeySource, environ: Mapping[str, str], keys: Keys) -> Secret:
    """Fetch a key. Raises `CredentialError`."""
    match source:
        case StoredKey(name):
            return keys.load_secret(name)
        case SystemdKey(name):
            return keys.load_handed_secret(name)
        case EnvironmentKey(variable):
            try:
                return parse_secret(environ[variable].strip())
            except SecretRefused as error:
                problem = f"in {variable}, {error.message}"
                raise SecretRefused(problem, hint=error.hint) from None
        case PlaceholderKey():
            return Secret(_PLACEHOLDER)
        case _:
            assert_never(source)
