"""What a person is told about where a key is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.credentials.choice import PASSPHRASE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.credentials.credential import Place
    from hiveloom_cli.paths import Paths

_PLACES: Mapping[Place, str] = {
    "os": "system keyring",
    "vault": "file vault",
    "systemd": "systemd unit",
}


def format_place(place: Place) -> str:
    """Name a place as a person would."""
    return _PLACES[place]


def format_vault_notice(paths: Paths, *, passphrase: bool) -> list[str]:
    """Say where the key went, and what that does and does not protect, in a few lines."""
    where = f"note: the key is in {paths.vault}, encrypted (AES-256-GCM), not in a system keyring."
    if passphrase:
        kept = f"It opens with {PASSPHRASE_VARIABLE}, which is kept nowhere: lose it, lose the key."
        limits = (
            "Safe: the file, as far as the passphrase cannot be guessed. Not safe: from programs"
            " that run as you and see that variable."
        )
        return [where, kept, limits]
    limits = (
        "Safe: a copy or backup of that file alone. Not safe: from whoever also has"
        f" {paths.vault_key}, and from programs that run as you."
    )
    other = (
        f"To use a passphrase in place of that key file: remove the key, set {PASSPHRASE_VARIABLE},"
        " and store the key again."
    )
    return [where, limits, other]
