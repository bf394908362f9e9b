"""What systemd hands to a service is read from its folder, each time anew, and nowhere kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.credentials.handed import load_handed, load_handed_names, load_passphrase
from hiveloom_cli.credentials.store import CredentialStore
from hiveloom_cli.errors import CredentialError, SecretMissing, SecretRefused, UsageMistake
from hiveloom_cli.paths import decide_paths
from hiveloom_cli.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-Zq7vLw2pXk9mRt4nHs8cDf"
OTHER = "sk-another-key-of-the-tests-17"
WORK = "https://llm.example.org/v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.mkdir()
    return path


@pytest.fixture
def environ(folder: Path, home: Path) -> dict[str, str]:
    return {
        "CREDENTIALS_DIRECTORY": str(folder),
        "HIVELOOM_HOME": str(home),
        "HIVELOOM_KEYRING": "vault",
    }


@pytest.fixture
def store(environ: dict[str, str]) -> CredentialStore:
    return CredentialStore(paths=decide_paths(environ), environ=environ, clock=SystemClock())


def test_only_files_of_ours_are_keys(folder: Path, environ: dict[str, str]) -> None:
    names = ("hiveloom.openai", "hiveloom.my.key", "hiveloom.serve-token", "openai", "tls.key")
    for name in (*names, "hiveloom.vault-passphrase"):
        (folder / name).write_text(KEY)
    assert load_handed_names(environ) == {"openai", "my.key"}
    assert load_handed_names({}) == frozenset()
    assert load_handed_names({"CREDENTIALS_DIRECTORY": str(folder / "gone")}) == frozenset()


def test_a_file_is_read_as_it_is_now(
    folder: Path, environ: dict[str, str], store: CredentialStore
) -> None:
    for text in (KEY, f"{OTHER}\n"):
        (folder / "hiveloom.openai").write_text(text)
        assert store.load_handed_secret("openai").reveal() == text.strip()
    (folder / "hiveloom.openai").unlink()
    assert load_handed(environ, "openai") is None
    with pytest.raises(SecretMissing, match=r"hands over no key as hiveloom\.openai here"):
        store.load_handed_secret("openai")


def test_what_is_no_key_is_not_repeated(folder: Path, store: CredentialStore) -> None:
    (folder / "hiveloom.openai").write_text(f"{KEY}\n{OTHER}\n")
    with pytest.raises(SecretRefused) as refused:
        store.load_handed_secret("openai")
    (folder / "hiveloom.groq").write_bytes(KEY.encode() + b"\xff")
    with pytest.raises(CredentialError, match=r"hiveloom\.groq cannot be read") as unreadable:
        store.load_handed_secret("groq")
    for error in (refused.value, unreadable.value):
        assert KEY[:8] not in f"{error.message}{error.hint}"


def test_an_address_can_be_kept_without_the_key(
    folder: Path, store: CredentialStore, home: Path
) -> None:
    saved = store.save_handed("work", base_url=WORK, protocol="openai")
    assert (saved.replaced, saved.left_in) == (False, None)
    assert (store.load("work").kept_in, store.load("work").base_url) == ("systemd", WORK)
    with pytest.raises(SecretMissing):
        store.load_secret("work")
    (folder / "hiveloom.work").write_text(KEY)
    assert store.load_secret("work").reveal() == KEY
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert files
    assert not [content for content in files if KEY.encode() in content]
    store.remove("work")
    assert (folder / "hiveloom.work").read_text() == KEY


def test_a_key_moves_between_a_place_of_ours_and_systemd(
    folder: Path, store: CredentialStore
) -> None:
    (folder / "hiveloom.work").write_text(KEY)
    store.save("work", Secret(OTHER), base_url=WORK)
    assert store.save_handed("work").replaced
    assert store.load_secret("work").reveal() == KEY
    assert store.load("work").base_url == WORK
    assert store._keeper.load("vault", "work") is None
    store.save("work", Secret(OTHER))
    assert (store.load("work").kept_in, store.load_secret("work").reveal()) == ("vault", OTHER)


@pytest.mark.parametrize("name", ["serve-token", "vault-passphrase"])
def test_what_stands_for_something_else_is_no_keys_name(store: CredentialStore, name: str) -> None:
    with pytest.raises(UsageMistake):
        store.save_handed(name)


def test_the_variable_goes_before_the_passphrase_that_is_handed_over(
    folder: Path, environ: dict[str, str]
) -> None:
    assert load_passphrase(environ) is None
    (folder / "hiveloom.vault-passphrase").write_text(" correct horse \n")
    handed = load_passphrase(environ)
    given = load_passphrase({**environ, "HIVELOOM_VAULT_PASSPHRASE": "other"})
    assert handed is not None
    assert given is not None
    assert (handed.reveal(), given.reveal()) == (" correct horse ", "other")
    (folder / "hiveloom.vault-passphrase").write_text("\n")
    assert load_passphrase(environ) is None


def test_a_server_that_keeps_keys_in_memory_reads_this_one_anew(
    folder: Path, store: CredentialStore
) -> None:
    store.save_handed("work", base_url=WORK)
    store.keep_secrets()
    for text in (KEY, OTHER):
        (folder / "hiveloom.work").write_text(text)
        assert store.load_secret("work").reveal() == text
    (folder / "hiveloom.work").unlink()
    with pytest.raises(SecretMissing):
        store.load_secret("work")
