"""Fetching a key from where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from hiveloom_cli.errors import SecretRefused
from hiveloom_cli.secret import Secret, parse_secret
from hiveloom_cli.upstream.resolve import EnvironmentKey, PlaceholderKey, StoredKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hiveloom_cli.upstream.resolve import KeySource

# What is sent to a server on this machine that asks for no key: the header is part of the protocol.
_PLACEHOLDER = "no-key"


def load_key(
    source: KeySource, environ: Mapping[str, str], load_stored: Callable[[str], Secret]
) -> Secret:
    """Fetch a key; `load_stored` takes the name of a credential. Raises `CredentialError`."""
    match source:
        case StoredKey(name):
            return load_stored(name)
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
