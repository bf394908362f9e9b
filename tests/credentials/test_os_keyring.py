from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING

import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.errors import InitError, KeyringError, KeyringLocked, PasswordSetError

from hiveloom_cli import errors
from hiveloom_cli.credentials.keeper import SecretKeeper
from hiveloom_cli.credentials.os_keyring import NoUsableKeyring
from hiveloom_cli.secret import Secret
from tests.credentials.keyrings import MemoryKeyring, build_paths, build_store, use_keyring

if TYPE_CHECKING:
    from pathlib import Path

    from keyring.backend import KeyringBackend

KEY = "made-up-key-1234567890"
USELESS: list[KeyringBackend] = [
    keyring.backends.fail.Keyring(),  # type: ignore[no-untyped-call]
    keyring.backends.null.Keyring(),  # type: ignore[no-untyped-call]
]


class Chain(keyring.backends.chainer.ChainerBackend):
    """A chain of given members; its own priority is 10 whatever they are, as keyring's is."""

    viable = False
    backends: list[KeyringBackend] = []  # noqa: RUF012 - each test gives its own


def keep(home: Path) -> SecretKeeper:
    return SecretKeeper(paths=build_paths(home), environ={})


def chain(monkeypatch: pytest.MonkeyPatch, *members: KeyringBackend) -> None:
    monkeypatch.setattr(Chain, "backends", list(members))
    use_keyring(monkeypatch, Chain())  # type: ignore[no-untyped-call]


def test_a_new_key_goes_to_the_keyring_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryKeyring()
    use_keyring(monkeypatch, memory)
    saved = build_store(tmp_path).save("groq", Secret(KEY))
    assert saved.credential.kept_in == "os"
    assert memory.kept == {(f"hiveloom:{tmp_path}", "groq"): KEY}
    assert not (tmp_path / "vault.json").exists()


@pytest.mark.parametrize("backend", [*USELESS, MemoryKeyring(priority=0.5)])
def test_a_keyring_that_is_none_or_not_recommended_means_the_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: KeyringBackend
) -> None:
    use_keyring(monkeypatch, backend)
    saved = build_store(tmp_path, {"DISPLAY": ":0"}).save("groq", Secret(KEY))
    assert saved.credential.kept_in == "vault"
    assert saved.vault_is_new


@pytest.mark.parametrize("backend", USELESS)
def test_where_the_keyring_is_forced_its_absence_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: KeyringBackend
) -> None:
    use_keyring(monkeypatch, backend)
    with pytest.raises(errors.KeyringUnavailable, match="no keyring") as caught:
        build_store(tmp_path, {"HIVELOOM_KEYRING": "os"}).save("groq", Secret(KEY))
    assert "HIVELOOM_KEYRING=vault" in caught.value.hint
    assert build_store(tmp_path).load_all() == {}


def test_a_forced_keyring_may_be_one_that_is_not_recommended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keyring(monkeypatch, MemoryKeyring(priority=0.5))
    saved = build_store(tmp_path, {"HIVELOOM_KEYRING": "os"}).save("groq", Secret(KEY))
    assert saved.credential.kept_in == "os"
    assert build_store(tmp_path).load_secret("groq").reveal() == KEY


def test_a_rotated_key_does_not_slip_into_a_keyring_that_is_not_recommended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keyring(monkeypatch, MemoryKeyring())
    build_store(tmp_path).save("groq", Secret(KEY))
    use_keyring(monkeypatch, MemoryKeyring(priority=0.5))
    with pytest.raises(errors.KeyringUnavailable):
        build_store(tmp_path).rotate("groq", Secret("other"))


def test_a_chain_is_judged_by_its_first_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = MemoryKeyring(priority=0.6), MemoryKeyring(priority=0.5)
    chain(monkeypatch, first, second)
    assert build_store(tmp_path / "a").save("groq", Secret(KEY)).credential.kept_in == "vault"
    strong = MemoryKeyring()
    chain(monkeypatch, strong, second)
    store = build_store(tmp_path / "b")
    assert store.save("groq", Secret(KEY)).credential.kept_in == "os"
    assert store.load_secret("groq").reveal() == KEY
    assert second.calls == 0


def test_an_empty_chain_is_no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain(monkeypatch)
    with pytest.raises(NoUsableKeyring):
        keep(tmp_path).load("os", "groq")


@pytest.mark.parametrize("fault", [KeyringLocked("no"), InitError("no")])
def test_a_keyring_that_cannot_be_unlocked_here_means_the_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    use_keyring(monkeypatch, MemoryKeyring(fault=fault))
    saved = build_store(tmp_path).save("groq", Secret(KEY))
    assert saved.credential.kept_in == "vault"


@pytest.mark.parametrize("environ", [{"DISPLAY": ":0"}, {"HIVELOOM_KEYRING": "os"}])
def test_at_a_desktop_or_when_forced_a_locked_keyring_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    use_keyring(monkeypatch, MemoryKeyring(fault=KeyringLocked("the prompt was dismissed")))
    with pytest.raises(errors.KeyringLocked) as caught:
        build_store(tmp_path, environ).save("groq", Secret(KEY))
    assert "HIVELOOM_KEYRING=vault" in caught.value.hint
    assert not (tmp_path / "vault.json").exists()


def test_a_key_kept_in_the_keyring_stays_there_when_that_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryKeyring()
    use_keyring(monkeypatch, memory)
    store = build_store(tmp_path)
    store.save("groq", Secret(KEY))
    memory.fault = KeyringLocked("no")
    for attempt in (store.save, store.rotate):
        with pytest.raises(errors.KeyringLocked):
            attempt("groq", Secret("other"))
    with pytest.raises(errors.KeyringLocked):
        store.load_secret("groq")
    with pytest.raises(errors.KeyringLocked):
        store.remove("groq")
    assert store.load_all()["groq"].rotated_at is None


def test_a_locked_item_of_secretstorage_counts_as_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exceptions = pytest.importorskip("secretstorage.exceptions", reason="Linux only")
    use_keyring(monkeypatch, MemoryKeyring(fault=exceptions.LockedException("no")))
    with pytest.raises(errors.KeyringLocked):
        keep(tmp_path).load("os", "groq")


def test_the_vault_when_forced_leaves_the_keyring_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryKeyring()
    use_keyring(monkeypatch, memory)
    store = build_store(tmp_path, {"HIVELOOM_KEYRING": "vault"})
    store.save("groq", Secret(KEY))
    store.rotate("groq", Secret("other"))
    assert store.load_secret("groq").reveal() == "other"
    store.remove("groq")
    assert memory.calls == 0


def test_an_error_of_the_keyring_never_shows_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = PasswordSetError(f"cannot store {KEY}")
    fault.__cause__ = ValueError(KEY)
    use_keyring(monkeypatch, MemoryKeyring(fault=fault))
    with pytest.raises(errors.KeyringUnavailable, match="PasswordSetError") as caught:
        keep(tmp_path).save("groq", Secret(KEY), "os")
    error = caught.value
    assert error.__context__ is None
    assert KEY not in "".join(traceback.format_exception(error)) + error.hint + repr(error)


def test_a_refused_deletion_is_not_taken_for_an_absent_key(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusing(MemoryKeyring):
        def delete_password(self, service: str, username: str) -> None:
            raise keyring.errors.PasswordDeleteError("not allowed")

    backend = Refusing()
    use_keyring(monkeypatch, backend)
    backend.kept[f"hiveloom:{tmp_path}", "groq"] = KEY
    with pytest.raises(errors.KeyringUnavailable, match="delete the key"):
        keep(tmp_path).delete("os", "groq")
    keep(tmp_path).delete("os", "absent")


def test_a_backend_that_cannot_be_loaded_is_no_usable_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keyring(monkeypatch, None)  # type: ignore[arg-type]
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "no.such.module.Keyring")
    assert build_store(tmp_path).save("groq", Secret(KEY)).credential.kept_in == "vault"


def test_keyrings_own_errors_do_not_leave_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fault in (KeyringError("x"), OSError("x"), RuntimeError("x"), UnicodeError("x")):
        use_keyring(monkeypatch, MemoryKeyring(fault=fault))
        with pytest.raises(errors.KeyringUnavailable):
            keep(tmp_path).load("os", "groq")


def test_a_keyring_that_is_slow_is_not_replaced_by_the_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    class Slow(MemoryKeyring):
        def _call(self) -> None:
            released.wait(30)

    use_keyring(monkeypatch, Slow())
    store = build_store(tmp_path, {"HIVELOOM_KEYRING_TIMEOUT": "0.05"})
    with pytest.raises(errors.KeyringTimedOut, match="may yet store the key") as caught:
        store.save("groq", Secret(KEY))
    released.set()
    assert caught.value.__cause__ is None
    assert store.load_all() == {}
    assert not (tmp_path / "vault.json").exists()
