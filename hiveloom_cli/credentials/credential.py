"""What a credential is apart from its secret, and which names one may have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.secret import looks_like_key

if TYPE_CHECKING:
    from datetime import datetime

Place: TypeAlias = Literal["os", "vault", "systemd"]
"""Where a secret is kept: the operating system's keyring, the file vault, or with systemd, which
hands it to the service."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Credential:
    """One row of the index; nothing in it is secret.

    `set_at` is when the name first got a secret, `rotated_at` when that was last replaced.
    `base_url` is the one address the secret may be sent to, `protocol` the one it speaks
    ("openai" or "anthropic"); None leaves both to the model's name.
    """

    name: str
    kept_in: Place
    set_at: datetime
    rotated_at: datetime | None
    base_url: str | None = None
    protocol: str | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What storing a secret did.

    `vault_is_new` is true when the vault has come into being: the person is then told what it
    protects. `left_in` names a place that still holds the former secret because it could
    not be deleted there when the credential moved.
    """

    credential: Credential
    replaced: bool
    vault_is_new: bool
    left_in: Place | None = None


def parse_credential_name(text: str) -> str:
    """Return `text` if it can name a credential.

    Raises `UsageMistake`, which never repeats the text: a key pasted in the place of a name must
    not end up on the screen, in the index or in a log.
    """
    if looks_like_key(text):
        raise UsageMistake(
            "that looks like a key, not a name",
            hint="give a name of your own, then paste the key when asked: "
            "hiveloom credential set NAME",
        )
    if not NAME.fullmatch(text):
        raise UsageMistake(
            "that cannot be a credential's name",
            hint="use 1 to 63 of a-z, 0-9, '.', '_' and '-', starting with a letter or a digit",
        )
    return text
