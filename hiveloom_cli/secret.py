"""A key in memory, between the place it is kept and the header it goes in."""

from __future__ import annotations

from itertools import pairwise
from typing import NoReturn

from hiveloom_cli.errors import SecretRefused

MASK = "[key]"
MOST_CHARACTERS = 8192  # servers take no longer header
_RUN = 8  # this many characters of a key in a row are enough to be worth hiding
_KEY_PREFIXES = (
    *("sk-", "sk_", "gsk_", "csk-", "fw_", "xai-", "aiza", "hf_", "r8_"),
    *("pplx-", "nvapi-", "ghp_", "github_pat_", "hlm_"),
)
_KEY_LENGTH = 20  # the shortest keys in use are longer than this
_KEY_SWITCHES = 6  # from letters to digits, say; dated or numbered names have fewer


class Secret:
    """A key. Nothing that prints, logs, compares or pickles it can show it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for the keyring or for a header, and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def parse_secret(text: str) -> Secret:
    """Take what was typed or piped as a key, less a byte order mark and one newline at its end.

    Raises `SecretRefused`, without repeating the text, for what cannot be sent as a header:
    nothing, white space, more than one line, control characters, characters outside Latin-1, or
    more than 8192 of them.
    """
    value = text.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    if len(value) > MOST_CHARACTERS:
        raise SecretRefused("that is too long for a key", hint="give the key alone")
    if not value.strip():
        raise SecretRefused("the key is empty", hint="paste the key, or pipe it in")
    if "\n" in value or "\r" in value:
        raise SecretRefused("the key has more than one line", hint="give the key alone")
    if value != value.strip():
        raise SecretRefused("the key has spaces around it", hint="give the key alone")
    if not value.isprintable():
        raise SecretRefused("the key holds control characters", hint="copy the key again")
    if len(value.encode("latin-1", "ignore")) < len(value):
        raise SecretRefused(
            "the key holds characters that no HTTP header can carry", hint="copy the key again"
        )
    return Secret(value)


def looks_like_key(text: str) -> bool:
    """Tell whether a word that is no place for a key looks like one pasted there."""
    if text.strip().lower().startswith(_KEY_PREFIXES):
        return True
    if len(text) < _KEY_LENGTH:
        return False
    # Entropy by itself does not tell "anthropic-production-eu-west-1" from a key; how often small
    # letters, capitals and digits take turns does.
    kinds = [(char.isdigit(), char.isupper()) for char in text if char.isalnum()]
    switches = sum(before != after for before, after in pairwise(kinds))
    return switches >= _KEY_SWITCHES


def mask_secret(text: str, secret: Secret) -> str:
    """Hide in `text` the secret and every run of eight of its characters.

    Upstreams echo a wrong key whole, shortened, or in part; a short one (say, the placeholder for a
    local server) is hidden only where it stands whole.
    """
    value = secret.reveal()
    if len(value) <= _RUN:
        return text.replace(value, MASK)
    runs = {value[start : start + _RUN] for start in range(len(value) - _RUN + 1)}
    if not any(run in text for run in runs):
        return text  # a long text without it, as nearly all are, is not looked at by the letter
    pieces: list[str] = []
    position = 0
    while position < len(text):
        end = _match_end(text, position, runs)
        if end == position:
            pieces.append(text[position])
            position += 1
        else:
            pieces.append(MASK)
            position = end
    return "".join(pieces)


def _match_end(text: str, start: int, runs: set[str]) -> int:
    end = start
    while text[end : end + _RUN] in runs:
        end += 1
    return end + _RUN - 1 if end > start else start
