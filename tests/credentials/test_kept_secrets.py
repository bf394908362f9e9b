"""Keys in memory: fetched once by many, and again as soon as another one may be there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.credentials.store import CredentialStore
from hiveloom_cli.errors import (
    CredentialNotFound,
    HiveloomError,
    KeyringUnavailable,
    SecretMissing,
)
from hiveloom_cli.secret import Secret
from tests.credentials.keyrings import MemoryKeyring, build_paths, build_store, use_keyring
from tests.support.clocks import ManualClock
from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = Secret("made-up-first-key"), Secret("made-up-second-key")


class SlowKeyring(MemoryKeyring):
    """A keyring that answers once `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.asked = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.set()
        assert self.go.wait(PATIENCE_S)
        return super().get_password(service, username)


class Kept:
    """A store that keeps keys, with `groq` in a keyring, and another process's store beside it."""

    def __init__(self, folder: Path, keyring: MemoryKeyring) -> None:
        self.clock = ManualClock()
        self.keyring = keyring
        self.other = build_store(folder)
        self.other.save("groq", FIRST)
        self.keyring.calls = 0
        self.store = CredentialStore(paths=build_paths(folder), environ={}, clock=self.clock)
        self.store.keep_secrets()

    def load(self) -> str:
        return self.store.load_secret("groq").reveal()

    def refuse(self) -> None:
        self.store.drop_secret(self.store.load_secret("groq"))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    keyring = MemoryKeyring()
    use_keyring(monkeypatch, keyring)
    return Kept(tmp_path, keyring)


def put(kept: Kept, secret: Secret) -> None:
    """Have the keyring hold another key, past every store."""
    (place,) = kept.keyring.kept
    kept.keyring.kept[place] = secret.reveal()


def test_a_key_is_fetched_once_a_minute(kept: Kept) -> None:
    assert {kept.load() for _ in range(100)} == {FIRST.reveal()}
    assert kept.keyring.calls == 1
    put(kept, SECOND)
    kept.clock.sleep(59)
    assert kept.load() == FIRST.reveal()
    kept.clock.sleep(1)
    assert kept.load() == SECOND.reveal()
    assert kept.keyring.calls == 2


def test_a_key_that_another_process_rotated_counts_at_once(kept: Kept) -> None:
    kept.load()
    kept.other.rotate("groq", SECOND)
    assert kept.load() == SECOND.reveal()


def test_a_key_that_another_process_removed_is_gone_at_once(kept: Kept) -> None:
    kept.load()
    kept.other.remove("groq")
    with pytest.raises(CredentialNotFound):
        kept.load()
    kept.other.save("groq", SECOND)
    assert kept.load() == SECOND.reveal()


def test_a_key_that_was_refused_is_fetched_anew(kept: Kept) -> None:
    kept.load()
    put(kept, SECOND)
    kept.refuse()
    assert kept.load() == SECOND.reveal()


def test_what_is_refused_drops_no_other_key(kept: Kept) -> None:
    old = kept.store.load_secret("groq")
    kept.other.rotate("groq", SECOND)
    kept.load()
    calls = kept.keyring.calls
    kept.store.drop_secret(old)
    assert kept.load() == SECOND.reveal()
    assert kept.keyring.calls == calls


def test_a_key_goes_on_while_its_place_cannot_be_asked(kept: Kept) -> None:
    kept.load()
    kept.keyring.fault = RuntimeError("locked")
    kept.clock.sleep(60)
    assert {kept.load() for _ in range(10)} == {FIRST.reveal()}
    assert kept.keyring.calls == 2
    kept.clock.sleep(10)
    assert kept.load() == FIRST.reveal()
    assert kept.keyring.calls == 3
    kept.keyring.fault = None
    kept.clock.sleep(10)
    put(kept, SECOND)
    assert kept.load() == SECOND.reveal()


def test_a_key_that_was_changed_while_its_place_cannot_be_asked_is_none(kept: Kept) -> None:
    kept.load()
    kept.other.rotate("groq", SECOND)
    kept.keyring.fault = RuntimeError("locked")
    with pytest.raises(KeyringUnavailable):
        kept.load()


def test_a_key_that_its_place_has_lost_is_none(kept: Kept) -> None:
    kept.load()
    kept.keyring.kept.clear()
    kept.clock.sleep(60)
    with pytest.raises(SecretMissing):
        kept.load()


def test_a_place_that_gives_no_key_is_left_alone_for_a_while(kept: Kept) -> None:
    kept.keyring.fault = RuntimeError("locked")
    for _ in range(5):
        with pytest.raises(KeyringUnavailable):
            kept.load()
    assert kept.keyring.calls == 1
    kept.keyring.fault = None
    kept.clock.sleep(10)
    assert kept.load() == FIRST.reveal()


def test_many_that_ask_at_once_fetch_a_key_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = SlowKeyring()
    use_keyring(monkeypatch, keyring)
    kept = Kept(tmp_path, keyring)
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(kept.load) for _ in range(20)]
        assert keyring.asked.wait(PATIENCE_S)
        keyring.go.set()
        assert {one.result(10) for one in asked} == {FIRST.reveal()}
    assert keyring.calls == 1


def test_nobody_waits_for_another_s_fetching_who_has_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = SlowKeyring()
    use_keyring(monkeypatch, keyring)
    kept = Kept(tmp_path, keyring)
    keyring.go.set()
    kept.load()
    keyring.go.clear()
    keyring.asked.clear()
    kept.clock.sleep(60)
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(kept.load)
        assert keyring.asked.wait(PATIENCE_S)
        assert kept.load() == FIRST.reveal()
        keyring.go.set()
        refreshing.result(10)


def test_many_that_are_refused_a_key_at_once_ask_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = SlowKeyring()
    use_keyring(monkeypatch, keyring)
    kept = Kept(tmp_path, keyring)
    keyring.fault = RuntimeError("locked")

    def fail() -> str:
        with pytest.raises(HiveloomError) as caught:
            kept.load()
        return caught.value.code

    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(fail) for _ in range(10)]
        assert keyring.asked.wait(PATIENCE_S)
        keyring.go.set()
        assert {one.result(10) for one in asked} == {"keyring_unavailable"}
    assert keyring.calls == 1
