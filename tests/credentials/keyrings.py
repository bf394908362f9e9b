"""Keyrings that misbehave on demand, and a store in a folder of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import keyring.core
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.credentials.store import CredentialStore
from hiveloom_cli.paths import decide_paths

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from hiveloom_cli.paths import Paths

START = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


class TickingClock(SystemClock):
    """A clock on which every look takes a minute."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        moment = self.moment
        self.moment += timedelta(minutes=1)
        return moment


class _NotForOthers:
    def __get__(self, instance: object, owner: type) -> float:
        raise RuntimeError("for one test only")


class MemoryKeyring(KeyringBackend):
    """A keyring in memory that counts calls, and fails when `fault` is set."""

    # On the class, so that keyring never finds it by itself; each instance has a number.
    priority = _NotForOthers()

    def __init__(self, priority: float = 5, fault: Exception | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        vars(self)["priority"] = priority
        self.fault = fault
        self.calls = 0
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        self._call()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._call()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._call()
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("no such password")

    def _call(self) -> None:
        self.calls += 1
        if self.fault is not None:
            raise self.fault


def use_keyring(monkeypatch: pytest.MonkeyPatch, backend: KeyringBackend) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)


def build_paths(root: Path) -> Paths:
    return decide_paths({"HIVELOOM_HOME": str(root)})


def build_store(root: Path, environ: Mapping[str, str] | None = None) -> CredentialStore:
    return CredentialStore(paths=build_paths(root), environ=environ or {}, clock=TickingClock())
