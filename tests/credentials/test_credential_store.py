"""One contract for both places: a real Secret Service and the vault."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from keyring.backends import SecretService

from hiveloom_cli.credentials import store as store_module
from hiveloom_cli.credentials.index import save_index
from hiveloom_cli.errors import (
    CredentialError,
    CredentialNotFound,
    FileUnreadable,
    KeyringLocked,
    SecretMissing,
    SecretRefused,
    UsageMistake,
    VaultLocked,
)
from hiveloom_cli.secret import Secret
from tests.credentials.keyrings import START, MemoryKeyring, build_paths, build_store, use_keyring
from tests.credentials.secret_service import open_secret_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hiveloom_cli.credentials.credential import Place
    from hiveloom_cli.credentials.index import Index
    from hiveloom_cli.credentials.store import CredentialStore

FIRST, SECOND = Secret("made-up-first-key"), Secret("made-up-second-key")


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with open_secret_service(tmp_path_factory.mktemp("daemon"), unlocked=True) as address:
        yield address


@pytest.fixture(params=["os", "vault"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    if request.param == "vault":
        return "vault"
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", request.getfixturevalue("bus"))
    use_keyring(monkeypatch, SecretService.Keyring())  # type: ignore[no-untyped-call]
    return "os"


@pytest.fixture
def store(tmp_path: Path, place: Place) -> CredentialStore:
    return build_store(tmp_path, {"HIVELOOM_KEYRING": place})


def test_a_stored_key_is_given_back(store: CredentialStore, place: Place) -> None:
    saved = store.save("groq", FIRST, base_url="https://api.groq.com/v1", protocol="openai")
    assert not saved.replaced
    assert saved.vault_is_new == (place == "vault")
    assert saved.left_in is None
    assert store.load_all() == {"groq": saved.credential}
    credential = saved.credential
    assert (credential.kept_in, credential.set_at, credential.rotated_at) == (place, START, None)
    assert store.load_secret("groq").reveal() == FIRST.reveal()


def test_a_new_key_takes_the_place_of_the_old(store: CredentialStore, place: Place) -> None:
    store.save("groq", FIRST, base_url="https://api.groq.com/v1", protocol="openai")
    for count, replacement in enumerate((store.save, store.rotate), start=1):
        saved = replacement("groq", SECOND)
        credential = saved.credential
        assert saved.replaced
        assert not saved.vault_is_new
        assert (credential.kept_in, credential.set_at) == (place, START)
        assert credential.rotated_at == START + timedelta(minutes=count)
        assert (credential.base_url, credential.protocol) == ("https://api.groq.com/v1", "openai")
        assert store.load_secret("groq").reveal() == SECOND.reveal()


def test_keys_of_two_names_are_apart(store: CredentialStore) -> None:
    store.save("b", FIRST)
    store.save("a", SECOND)
    assert list(store.load_all()) == ["a", "b"]
    store.remove("a")
    assert store.load_secret("b").reveal() == FIRST.reveal()


def test_a_removed_key_is_gone_from_its_place(store: CredentialStore, place: Place) -> None:
    store.save("groq", FIRST)
    assert store.remove("groq").kept_in == place
    assert store._keeper.load(place, "groq") is None
    assert store.load_all() == {}


def test_a_key_that_its_place_has_lost_is_missing_and_can_be_removed(
    store: CredentialStore, place: Place
) -> None:
    store.save("groq", FIRST)
    store._keeper.delete(place, "groq")
    with pytest.raises(SecretMissing, match="no longer holds") as caught:
        store.load_secret("groq")
    assert caught.value.hint == "hiveloom credential set --name groq"
    store.remove("groq")
    assert store.load_all() == {}


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "", " ", "a\x00b", "ключ"])
def test_a_key_that_someone_else_put_there_is_checked(
    store: CredentialStore, place: Place, text: str
) -> None:
    store.save("groq", FIRST)
    store._keeper.save("groq", Secret(text), place)
    with pytest.raises(SecretRefused, match="holds as 'groq' is no key") as caught:
        store.load_secret("groq")
    assert caught.value.__context__ is None
    store.rotate("groq", SECOND)
    assert store.load_secret("groq").reveal() == SECOND.reveal()


@pytest.mark.parametrize("text", ["x", "~!@#$%^&*()_+ `-={}|[]\\:\";'<>?,./", "clé-ÿ", "k" * 5000])
def test_any_key_that_a_header_can_carry_is_kept_to_the_letter(
    store: CredentialStore, text: str
) -> None:
    store.save("groq", Secret(text))
    assert store.load_secret("groq").reveal() == text


def test_a_name_that_does_not_exist_is_answered_with_those_that_do(
    store: CredentialStore,
) -> None:
    with pytest.raises(CredentialNotFound) as caught:
        store.rotate("groq", FIRST)
    assert caught.value.hint == "hiveloom credential set --name groq"
    store.save("openai", FIRST)
    store.save("anthropic", FIRST)
    for attempt in (store.remove, store.load_secret):
        with pytest.raises(CredentialNotFound, match="named groq; there are: anthropic, openai"):
            attempt("groq")
    with pytest.raises(CredentialNotFound) as caught:
        store.rotate("groq", FIRST)
    assert caught.value.exit_code == 5


def test_a_key_in_the_place_of_a_name_is_refused_everywhere(store: CredentialStore) -> None:
    for attempt in (store.remove, store.load_secret):
        with pytest.raises(UsageMistake):
            attempt("sk-made-up")
    for change in (store.save, store.rotate):
        with pytest.raises(UsageMistake):
            change("sk-made-up", FIRST)


def fail_to_save_index(path: Path, index: Index) -> None:
    raise OSError(28, "No space left on device", str(path))


def test_when_the_index_cannot_be_written_a_new_key_is_taken_back_and_a_replaced_one_stays(
    store: CredentialStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("groq", FIRST)
    before = store.load_all()
    monkeypatch.setattr(store_module, "save_index", fail_to_save_index)
    with pytest.raises(CredentialError, match=r"credentials\.json cannot be written \(No space"):
        store.save("new", SECOND)
    with pytest.raises(CredentialError):
        store.rotate("groq", SECOND)
    assert store.load_all() == before
    assert store.load_secret("groq").reveal() == SECOND.reveal()
    assert store._keeper.load(place, "new") is None


def test_a_key_for_another_address_never_stays_under_the_former_one(
    store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("groq", FIRST, base_url="https://api.groq.com/v1")
    monkeypatch.setattr(store_module, "save_index", fail_to_save_index)
    with pytest.raises(CredentialError):
        store.save("groq", SECOND, base_url="https://other.example/v1")
    assert store.load("groq").base_url == "https://api.groq.com/v1"
    assert store.load_secret("groq").reveal() == FIRST.reveal()


def test_a_key_whose_new_address_cannot_be_written_is_taken_back(
    store: CredentialStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("groq", FIRST, base_url="https://api.groq.com/v1")
    real = save_index
    calls = []

    def fail_the_second_time(path: Path, index: Index) -> None:
        calls.append(index)
        if len(calls) > 1:
            fail_to_save_index(path, index)
        real(path, index)

    monkeypatch.setattr(store_module, "save_index", fail_the_second_time)
    with pytest.raises(CredentialError):
        store.save("groq", SECOND, base_url="https://other.example/v1")
    assert store.load_all() == {}
    assert store._keeper.load(place, "groq") is None


def test_a_kill_while_the_address_changes_leaves_no_key_under_a_wrong_one(
    store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("team", FIRST, base_url="https://one.example", protocol="openai")
    kept = store._keeper.save

    def save_and_look(name: str, secret: Secret, place: Place | None) -> Place:
        # What a process that is killed here would leave behind.
        assert "team" not in store.load_all()
        return kept(name, secret, place)

    monkeypatch.setattr(store._keeper, "save", save_and_look)
    store.save("team", SECOND, base_url="https://two.example")
    assert store.load("team").base_url == "https://two.example"

    def refuse(*_: object) -> Place:
        raise KeyringLocked("no")

    monkeypatch.setattr(store._keeper, "save", refuse)
    with pytest.raises(KeyringLocked):
        store.save("team", FIRST, base_url="https://three.example")
    assert store.load("team").base_url == "https://two.example"
    assert store.load_secret("team").reveal() == SECOND.reveal()


def test_a_move_that_fails_leaves_the_former_key_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keyring(monkeypatch, MemoryKeyring())
    build_store(tmp_path).save("groq", FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "save_index", fail_to_save_index)
        with pytest.raises(CredentialError):
            build_store(tmp_path, {"HIVELOOM_KEYRING": "vault"}).rotate("groq", SECOND)
    assert build_store(tmp_path).load_secret("groq").reveal() == FIRST.reveal()
    assert not build_paths(tmp_path).vault.exists()


def test_a_key_that_may_not_be_read_can_still_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class WriteOnly(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            raise RuntimeError("reading is not allowed")

    memory = WriteOnly()
    use_keyring(monkeypatch, memory)
    store = build_store(tmp_path)
    for secret in (FIRST, SECOND):
        store.save("groq", secret)
    assert list(memory.kept.values()) == [SECOND.reveal()]
    assert memory.calls == 2


def test_a_vault_made_anew_is_told_anew(tmp_path: Path) -> None:
    store = build_store(tmp_path, {"HIVELOOM_KEYRING": "vault"})
    store.save("groq", FIRST)
    assert not store.save("other", FIRST).vault_is_new
    for name in ("groq", "other"):
        store.remove(name)
    assert store.save("groq", FIRST).vault_is_new


def test_ctrl_c_while_the_index_is_written_undoes_the_key(
    store: CredentialStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(path: Path, index: Index) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module, "save_index", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save("new", SECOND)
    assert store._keeper.load(place, "new") is None


def test_the_index_holds_no_key_and_is_its_owners_alone(
    store: CredentialStore, tmp_path: Path
) -> None:
    store.save("groq", FIRST)
    path = build_paths(tmp_path).credentials
    assert FIRST.reveal() not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["version"] == 1


def test_listing_touches_no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = MemoryKeyring()
    use_keyring(monkeypatch, memory)
    store = build_store(tmp_path)
    store.save("groq", FIRST)
    calls = memory.calls
    assert list(store.load_all()) == ["groq"]
    assert memory.calls == calls


def test_a_credential_moves_only_where_it_is_forced_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryKeyring()
    use_keyring(monkeypatch, memory)
    free, vault = build_store(tmp_path), build_store(tmp_path, {"HIVELOOM_KEYRING": "vault"})
    assert free.save("groq", FIRST).credential.kept_in == "os"
    moved = vault.save("groq", SECOND)
    assert (moved.credential.kept_in, moved.vault_is_new, moved.left_in) == ("vault", True, None)
    assert memory.kept == {}
    assert free.save("groq", FIRST).credential.kept_in == "vault"
    assert free.load_secret("groq").reveal() == FIRST.reveal()
    back = build_store(tmp_path, {"HIVELOOM_KEYRING": "os"}).rotate("groq", SECOND)
    assert (back.credential.kept_in, back.left_in) == ("os", None)
    assert free._keeper.load("vault", "groq") is None


def test_a_former_key_that_cannot_be_deleted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryKeyring()
    use_keyring(monkeypatch, memory)
    build_store(tmp_path).save("groq", FIRST)
    memory.fault = RuntimeError("gone")
    saved = build_store(tmp_path, {"HIVELOOM_KEYRING": "vault"}).rotate("groq", SECOND)
    assert (saved.credential.kept_in, saved.left_in) == ("vault", "os")


def test_a_place_that_refuses_leaves_the_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryKeyring()
    use_keyring(monkeypatch, memory)
    store = build_store(tmp_path)
    store.save("groq", FIRST)
    memory.fault = RuntimeError("not now")
    with pytest.raises(CredentialError):
        store.remove("groq")
    assert list(store.load_all()) == ["groq"]


def test_a_home_that_cannot_be_written_is_an_error_with_its_path(tmp_path: Path) -> None:
    store = build_store(tmp_path / "file", {"HIVELOOM_KEYRING": "vault"})
    (tmp_path / "file").write_text("")  # only now: such a home is refused from the beginning
    with pytest.raises((CredentialError, FileUnreadable), match="file"):
        store.save("groq", FIRST)


def test_a_wrong_passphrase_stops_every_step_and_changes_nothing(tmp_path: Path) -> None:
    right = {"HIVELOOM_KEYRING": "vault", "HIVELOOM_VAULT_PASSPHRASE": "correct horse"}
    build_store(tmp_path, right).save("groq", FIRST)
    files = [build_paths(tmp_path).vault, build_paths(tmp_path).credentials]
    before = [path.read_bytes() for path in files]
    wrong = build_store(tmp_path, {**right, "HIVELOOM_VAULT_PASSPHRASE": "wrong"})
    for attempt in (wrong.remove, wrong.load_secret):
        with pytest.raises(VaultLocked):
            attempt("groq")
    with pytest.raises(VaultLocked):
        wrong.save("new", FIRST)
    assert [path.read_bytes() for path in files] == before


def test_the_locked_keyring_of_a_desktop_is_not_silently_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keyring.errors

    use_keyring(monkeypatch, MemoryKeyring(fault=keyring.errors.KeyringLocked("dismissed")))
    with pytest.raises(KeyringLocked):
        build_store(tmp_path, {"WAYLAND_DISPLAY": "wayland-0"}).save("groq", FIRST)
