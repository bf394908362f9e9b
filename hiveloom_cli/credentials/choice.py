"""What the environment says about where secrets are kept, and how long to wait for them."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.credentials.credential import Place

PLACE_VARIABLE = "HIVELOOM_KEYRING"
TIMEOUT_VARIABLE = "HIVELOOM_KEYRING_TIMEOUT"
PASSPHRASE_VARIABLE = "HIVELOOM_VAULT_PASSPHRASE"  # noqa: S105 - the variable's name

_DEFAULT_TIMEOUT_S = 5.0
_LONGEST_TIMEOUT_S = 3600.0


def parse_forced_place(environ: Mapping[str, str]) -> Place | None:
    """Return the place that `HIVELOOM_KEYRING` forces, None when it is unset or blank.

    Raises `UsageMistake` for any other value.
    """
    places: dict[str, Place | None] = {"": None, "os": "os", "vault": "vault"}
    value = environ.get(PLACE_VARIABLE, "").strip()
    if value in places:
        return places[value]
    raise UsageMistake(
        f"{PLACE_VARIABLE} is neither 'os' nor 'vault'",
        hint=f"{PLACE_VARIABLE}=os forces the system's keyring, {PLACE_VARIABLE}=vault the "
        "encrypted file; unset it to let hiveloom decide",
    )


def parse_timeout_s(environ: Mapping[str, str]) -> float:
    """Return how many seconds a keyring may take; raise `UsageMistake` if it is no such number."""
    text = environ.get(TIMEOUT_VARIABLE, "").strip()
    if not text:
        return _DEFAULT_TIMEOUT_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST_TIMEOUT_S:
        raise UsageMistake(
            f"{TIMEOUT_VARIABLE} is not a number of seconds between 0 and {_LONGEST_TIMEOUT_S:.0f}",
            hint=f"for example {TIMEOUT_VARIABLE}=60",
        )
    return seconds


def parse_passphrase(environ: Mapping[str, str]) -> Secret | None:
    """Return the vault's passphrase exactly as given; one of nothing but blanks counts as unset."""
    passphrase = environ.get(PASSPHRASE_VARIABLE, "")
    return Secret(passphrase) if passphrase.strip() else None


def decide_desktop(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Tell whether someone sits at a desktop here, who could have answered an unlock prompt."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    if platform in {"darwin", "win32"}:
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
