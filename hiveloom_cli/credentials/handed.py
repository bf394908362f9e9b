"""Secrets that systemd hands to a service: files in `$CREDENTIALS_DIRECTORY`, read at each use.

A file is named `hiveloom.NAME`: so are the files in /etc/credstore that a unit names without a
path, a folder which all services share, and `ImportCredential=hiveloom.*` takes them all.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.credentials.choice import parse_passphrase
from hiveloom_cli.errors import CredentialError, UsageMistake
from hiveloom_cli.secret import MOST_CHARACTERS, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "CREDENTIALS_DIRECTORY"
PREFIX = "hiveloom."
SERVE_TOKEN = "serve-token"  # noqa: S105 - the name of a file
PASSPHRASE = "vault-passphrase"  # noqa: S105 - likewise

_RESERVED = frozenset({SERVE_TOKEN, PASSPHRASE})
_MOST_BYTES = 4 * MOST_CHARACTERS  # enough to tell that it is too long


def load_handed_names(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the keys that were handed over; none where there is no such folder."""
    if not environ.get(VARIABLE):
        return frozenset()
    try:
        files = os.listdir(environ[VARIABLE])  # noqa: PTH208 -- names are cheaper than paths
    except OSError:
        return frozenset()
    names = {file.removeprefix(PREFIX) for file in files if file.startswith(PREFIX)}
    return frozenset(names - _RESERVED)


def load_handed(environ: Mapping[str, str], name: str) -> Secret | None:
    """Read what was handed over under a name, as it stands; None for nothing.

    Raises `CredentialError` for a file that cannot be read, or is no text.
    """
    if not environ.get(VARIABLE):
        return None
    path = Path(environ[VARIABLE]) / f"{PREFIX}{name}"
    try:
        with path.open("rb") as file:
            return Secret(file.read(_MOST_BYTES).decode())
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "it is not text"
    raise CredentialError(
        f"what systemd hands over as {PREFIX}{name} cannot be read: {reason}",
        hint="check the file that LoadCredential= names in the service's unit",
    )


def load_passphrase(environ: Mapping[str, str]) -> Secret | None:
    """Return the vault's passphrase: the variable's, else the one that was handed over.

    Of a file, the newline at its end is not part of it. Raises `CredentialError`.
    """
    if (given := parse_passphrase(environ)) is not None:
        return given
    handed = load_handed(environ, PASSPHRASE)
    text = handed.reveal().removesuffix("\n") if handed is not None else ""
    return Secret(text) if text.strip() else None


def check_handed_name(name: str) -> None:
    """Return if a key may be handed over under that name; raise `UsageMistake` if not."""
    if name in _RESERVED:
        raise UsageMistake(
            f"systemd hands over something else as {PREFIX}{name}", hint="choose another name"
        )
