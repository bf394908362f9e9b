"""The tokens that programs show to `hiveloom serve`, kept as digests.

    {"version": 1, "tokens": [{"id": "0k2b...", "name": "notebook",
                                   "sha256": "...", "created_at": "2026-01-31T09:00:00Z"}]}

A token has 256 random bits, so a plain digest of it tells nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.clock import format_timestamp, parse_timestamp
from hiveloom_cli.errors import AlreadyExists, NotFound, UsageMistake
from hiveloom_cli.files import check_version, load_document, open_lock, save_bytes
from hiveloom_cli.protocols.lookup import get_text
from hiveloom_cli.secret import Secret, looks_like_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from pathlib import Path

    from hiveloom_cli.clock import Clock

PREFIX = "hlm_"
_BYTES = 32
_VERSION = 1
_HINT = "restore it from a backup, or remove it: all of its tokens are revoked then"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: `digest` is its SHA-256, in hexadecimal."""

    id: str
    name: str
    digest: str
    created_at: datetime


class Tokens:
    """The list at `path`, which need not exist; nothing in it is secret."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._seen: tuple[int, ...] | None = None
        self._known: tuple[Token, ...] = ()

    def create(self, name: str = "") -> tuple[Token, Secret]:
        """Make a token and keep its digest; the token itself is had here and never again.

        Without a name it gets the first free one of token-1, token-2 ... Raises `UsageMistake` for
        a name that cannot be one, `AlreadyExists` for one that is taken, and `FileUnreadable`.
        """
        if name:
            check_name(name)
        secret = make_token()
        with open_lock(self._path):
            tokens = self.load_all()
            taken = {word for token in tokens for word in (token.id, token.name)}
            if name in taken:
                raise AlreadyExists(
                    f"there is a token {name} already",
                    hint=f"choose another name, or: hiveloom serve token revoke {name}",
                )
            chosen = name or _find_free(taken)
            digest = compute_digest(secret.reveal())
            token = Token(self._clock.new_id(), chosen, digest, self._clock.now())
            self._save((*tokens, token))
        return token, secret

    def load_all(self) -> tuple[Token, ...]:
        """Return the tokens, the oldest first. Raises `FileUnreadable`."""
        return load_document(self._path, parse_tokens, hint=_HINT) or ()

    def revoke(self, word: str) -> Token:
        """Forget the token of that name or id. Raises `NotFound` and `FileUnreadable`."""
        with open_lock(self._path):
            tokens = self.load_all()
            found = next((token for token in tokens if word in (token.name, token.id)), None)
            if found is None:
                raise NotFound(f"there is no token {word}", hint="hiveloom serve token list")
            self._save(token for token in tokens if token is not found)
        return found

    def find_id(self, presented: str) -> str | None:
        """Return whose token was presented, by the list as it is now; None if it is nobody's.

        How long that takes tells nothing of a token that is kept. Raises `FileUnreadable`.
        """
        from hmac import compare_digest

        digest = compute_digest(presented)
        found = None
        for token in self._load_current():
            if compare_digest(token.digest, digest):
                found = token.id
        return found

    def matches(self, presented: str) -> bool:
        """Whether what was presented is one of the tokens. Raises `FileUnreadable`."""
        return self.find_id(presented) is not None

    def _load_current(self) -> tuple[Token, ...]:
        """Read the list, if it is another file than the one that was read last."""
        seen = self._load_state()
        if seen is None or seen != self._seen:
            self._known = self.load_all()
            self._seen = seen
        return self._known

    def _load_state(self) -> tuple[int, ...] | None:
        """Return what tells the file from the one before it; None where that cannot be told."""
        try:
            state = self._path.stat()
        except OSError:
            return None
        return (state.st_ino, state.st_mtime_ns, state.st_size)

    def _save(self, tokens: Iterable[Token]) -> None:
        items = [
            {
                "id": token.id,
                "name": token.name,
                "sha256": token.digest,
                "created_at": format_timestamp(token.created_at),
            }
            for token in tokens
        ]
        document = {"version": _VERSION, "tokens": items}
        save_bytes(self._path, (json.dumps(document, indent=1) + "\n").encode())


def make_token() -> Secret:
    """Make a token of 256 random bits, which its beginning tells from other keys."""
    from secrets import token_urlsafe

    return Secret(f"{PREFIX}{token_urlsafe(_BYTES)}")


def compute_digest(text: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal; any text has one."""
    from hashlib import sha256

    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check_name(name: str) -> None:
    """Return if that can be a token's name; raise `UsageMistake` if not."""
    if not _NAME.fullmatch(name) or looks_like_key(name):
        raise UsageMistake(
            "that cannot be a token's name",
            hint="use up to 64 letters, digits, dots, dashes and underscores",
        )


def parse_tokens(text: str) -> tuple[Token, ...]:
    """Read the text of a list; raise `ValueError` saying what is wrong with it."""
    document = json.loads(text)
    check_version(document, _VERSION)
    items = document.get("tokens")
    if not isinstance(items, list):
        raise ValueError('"tokens" is not an array')  # noqa: TRY004 - one class for a file's faults
    return tuple(map(_parse_token, items))


def _parse_token(item: Any) -> Token:
    digest = get_text(item, "sha256")
    if not _DIGEST.fullmatch(digest):
        raise ValueError("a token has no SHA-256")
    created_at = parse_timestamp(get_text(item, "created_at"))
    return Token(get_text(item, "id"), get_text(item, "name"), digest, created_at)


def _find_free(taken: Collection[str]) -> str:
    number = 1
    while f"token-{number}" in taken:
        number += 1
    return f"token-{number}"
