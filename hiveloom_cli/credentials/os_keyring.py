"""The operating system's keyring, each call under a deadline.

`keyring` is imported, looks for a backend and talks to it inside the deadline: any of the three can
hang on a sick D-Bus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hiveloom_cli.credentials.choice import PLACE_VARIABLE, TIMEOUT_VARIABLE
from hiveloom_cli.credentials.deadline import call_with_deadline
from hiveloom_cli.errors import KeyringLocked, KeyringTimedOut, KeyringUnavailable
from hiveloom_cli.secret import Secret

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


class OsKeyring:
    """Secrets under one service name in the backend that `keyring` chooses.

    Every method raises `KeyringUnavailable` (as `NoUsableKeyring`, `KeyringLocked` or
    `KeyringTimedOut` where that is the reason). No error holds text of the backend: some repeat
    what they were given.
    """

    def __init__(self, service: str, timeout_s: float) -> None:
        self._service = service
        self._timeout_s = timeout_s

    def save(self, name: str, secret: Secret, *, any_backend: bool = False) -> None:
        """Keep `secret` under `name`, in the place of what was there.

        Takes only a backend that `keyring` recommends; those it does not (plain text files, say)
        need `any_backend`.
        """

        def save(backend: KeyringBackend) -> None:
            if not any_backend and not backend.priority >= 1:
                raise _build_no_keyring()
            backend.set_password(self._service, name, secret.reveal())

        # Left alone, the request may yet be carried out: neither "stored" nor "not stored" is true.
        self._ask("store the key", save, unsure=", so whether it stored the key is unknown")

    def load(self, name: str) -> Secret | None:
        """Return what is kept under `name`, unchecked; None for nothing."""

        def load(backend: KeyringBackend) -> Secret | None:
            value = backend.get_password(self._service, name)
            return None if value is None else Secret(value)

        return self._ask("give the key", load)

    def delete(self, name: str) -> None:
        """Delete what is kept under `name`; nothing there is as good."""

        def delete(backend: KeyringBackend) -> None:
            from keyring.errors import PasswordDeleteError

            try:
                backend.delete_password(self._service, name)
            except PasswordDeleteError:
                # Backends say "absent" and "refused" with the same class.
                if backend.get_password(self._service, name) is not None:
                    raise

        self._ask("delete the key", delete, unsure=", so whether it deleted the key is unknown")

    def _ask(self, doing: str, request: Callable[[KeyringBackend], _T], *, unsure: str = "") -> _T:
        # The error is a value on its way out of the thread: raised here, it drags no chain or frame
        # along in which the backend's own error could show the secret.
        def attempt() -> _T | KeyringUnavailable:
            try:
                return request(_open_backend())
            except Exception as error:  # noqa: BLE001 - backends raise whatever their library does
                return _build_error(error, doing)

        try:
            outcome = call_with_deadline(attempt, self._timeout_s)
        except TimeoutError:
            raise self._build_timeout(unsure) from None
        if isinstance(outcome, KeyringUnavailable):
            raise outcome
        return outcome

    def _build_timeout(self, unsure: str) -> KeyringTimedOut:
        return KeyringTimedOut(
            f"the system's keyring did not answer within {self._timeout_s:g} s{unsure}",
            hint=f"if it is waiting to be unlocked, {TIMEOUT_VARIABLE}=60 gives it a minute; "
            f"{_USE_VAULT}",
        )


def _open_backend() -> KeyringBackend:
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
    if isinstance(backend, ChainerBackend | FailKeyring | NullKeyring):
        raise _build_no_keyring()
    return backend


def _build_no_keyring() -> NoUsableKeyring:
    return NoUsableKeyring("this system has no keyring that can keep a key", hint=_USE_VAULT)


def _build_error(error: Exception, doing: str) -> KeyringUnavailable:
    from keyring.errors import InitError
    from keyring.errors import KeyringLocked as Locked

    kind = type(error).__name__
    if isinstance(error, NoUsableKeyring):
        return _build_no_keyring()
    if isinstance(error, InitError | Locked) or kind in _LOCKED_NAMES:
        return KeyringLocked(
            "the system's keyring is locked and cannot be unlocked from here",
            hint=f"unlock it (logging in to the desktop does), or: {_USE_VAULT}",
        )
    return KeyringUnavailable(f"the system's keyring did not {doing} ({kind})", hint=_USE_VAULT)
