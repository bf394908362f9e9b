"""The operating system's keyring, asked under a deadline.

`keyring` is imported, looks for a backend and talks to it inside the deadline: any of the three can
hang on a sick D-Bus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hiveloom_cli.credentials.choice import PLACE_VARIABLE, TIMEOUT_VARIABLE
from hiveloom_cli.credentials.deadline import call_with_deadline
from hiveloom_cli.errors import KeyringLocked, KeyringTimedOut, KeyringUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

_T = TypeVar("_T")
_USE_VAULT = (
    f"{PLACE_VARIABLE}=vault hiveloom credential set NAME keeps the key in an encrypted file"
)
# What secretstorage raises past keyring's own classes; known by name, for it exists on Linux alone.
_LOCKED_NAMES = {"LockedException", "PromptDismissedException"}


class NoUsableKeyring(KeyringUnavailable):
    """The system has no keyring that secrets should be kept in."""


def ask_keyring(
    doing: str,
    request: Callable[[KeyringBackend], _T],
    *,
    timeout_s: float,
    any_backend: bool = True,
) -> _T:
    """Return what `request` returns for the backend that `keyring` chooses; `doing` names it.

    Without `any_backend`, one that `keyring` does not recommend (plain text files, say) is none.
    Raises `KeyringUnavailable` (as `NoUsableKeyring`, `KeyringLocked` or `KeyringTimedOut` where
    that is the reason). No error holds text of the backend: some repeat what they were given.
    """

    # The error is a value on its way out of the thread: raised here, it drags no chain or frame
    # along in which the backend's own error could show the secret.
    def attempt() -> _T | KeyringUnavailable:
        try:
            backend = _open_backend()
            if backend is None or not (any_backend or backend.priority >= 1):
                problem = "this system has no keyring that can keep a key"
                return NoUsableKeyring(problem, hint=_USE_VAULT)
            return request(backend)
        except Exception as error:  # noqa: BLE001 - backends raise whatever their library does
            return _build_error(error, doing)

    try:
        outcome = call_with_deadline(attempt, timeout_s)
    except TimeoutError:
        raise KeyringTimedOut(
            f"the system's keyring did not answer within {timeout_s:g} s, and may yet {doing}",
            hint=f"if it is waiting to be unlocked, {TIMEOUT_VARIABLE}=60 gives it a minute; "
            f"{_USE_VAULT}",
        ) from None
    if isinstance(outcome, KeyringUnavailable):
        raise outcome
    return outcome


def _open_backend() -> KeyringBackend | None:
    """Return the one backend that secrets go to; a chain of several is cut to its first.

    keyring's chain counts as recommended even when none of its members is, and it reads from
    members that it never writes to.
    """
    import keyring
    from keyring.backends.chainer import ChainerBackend
    from keyring.backends.fail import Keyring as FailKeyring
    from keyring.backends.null import Keyring as NullKeyring

    backend = keyring.get_keyring()
    if isinstance(backend, ChainerBackend):
        backend = next(iter(backend.backends), backend)
    useless = isinstance(backend, ChainerBackend | FailKeyring | NullKeyring)
    return None if useless else backend


def _build_error(error: Exception, doing: str) -> KeyringUnavailable:
    from keyring.errors import InitError
    from keyring.errors import KeyringLocked as Locked

    kind = type(error).__name__
    if isinstance(error, InitError | Locked) or kind in _LOCKED_NAMES:
        return KeyringLocked(
            "the system's keyring is locked and cannot be unlocked from here",
            hint=f"unlock it (logging in to the desktop does), or: {_USE_VAULT}",
        )
    return KeyringUnavailable(f"the system's keyring did not {doing} ({kind})", hint=_USE_VAULT)
