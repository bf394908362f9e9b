"""What a tool's program gets of this program's environment: never a key of a provider.

Only the usual variables are passed on, and those that the tool's file names; so whatever else holds
a secret stays here. A provider's key and what opens the vault are refused even then, also under
another name.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.protocols.providers import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_USUAL = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "LANG", "LANGUAGE")
# One by one: servers let any LC_ name through, so people put other things in them.
_LOCALE = tuple(
    f"LC_{part}"
    for part in (
        *("ALL", "ADDRESS", "COLLATE", "CTYPE", "IDENTIFICATION", "MEASUREMENT", "MESSAGES"),
        *("MONETARY", "NAME", "NUMERIC", "PAPER", "TELEPHONE", "TIME"),
    )
)
_WINDOWS = (
    *("APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROGRAMDATA"),
    *("PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE"),
)
PASSED_ON = (*_USUAL, *_LOCALE, *(_WINDOWS if sys.platform == "win32" else ()))
# The last one holds no key, but leads to all that systemd hands over.
_OWN = ("HIVELOOM_VAULT_PASSPHRASE", "HIVELOOM_SERVE_TOKEN", "CREDENTIALS_DIRECTORY")
_KEPT_BACK = frozenset({*(row.key_variable for row in PROVIDERS if row.key_variable), *_OWN})

_SHORTEST = 8


def explain_refusal(name: str) -> str:
    """Say why a variable of that name is passed on to no tool; "" if it can be."""
    if name.upper() in _KEPT_BACK:
        return f"{name} holds a key of hiveloom's own, which no tool gets"
    return ""


def build_environment(environ: Mapping[str, str], named: Sequence[str]) -> dict[str, str]:
    """Build the environment of a tool's program. What is not set is left out.

    Raises `HiveloomError` for a name whose value is that of a key which no tool gets, or holds it.
    """
    kept_back = {environ.get(name, "") for name in _KEPT_BACK} - {""}
    for name in named:
        if any(_holds(environ.get(name, ""), key) for key in kept_back):
            raise HiveloomError(
                f"{name} holds a key of hiveloom's own, which no tool gets",
                hint=f"take {name} out of the tool's `environment`",
            )
    return {name: environ[name] for name in (*PASSED_ON, *named) if name in environ}


def _holds(value: str, key: str) -> bool:
    """Whether a key stands in a value; one too short to be told from a word is the whole value."""
    return value == key or (len(key) >= _SHORTEST and key in value)
