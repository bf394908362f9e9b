from __future__ import annotations

import base64
import json
import stat
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING

import pytest
from keyring.errors import PasswordDeleteError
from keyring.testing.backend import BackendBasicTests

from hiveloom_cli.credentials.vault import FileVault
from hiveloom_cli.errors import VaultDamaged, VaultLocked, VaultUnusable
from hiveloom_cli.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSPHRASE = Secret("correct horse")
KEY = "made-up-key-1234567890"


def open_vault(folder: Path, passphrase: Secret | None = None) -> FileVault:
    return FileVault(folder / "vault.json", folder / "vault.key", passphrase)


class TestAsKeyringBackend(BackendBasicTests):
    """Everything that keyring asks of a backend."""

    @pytest.fixture(autouse=True)
    def _init_properties(self, tmp_path: Path) -> Iterator[None]:
        # In the place of its own, which has no folder to give.
        self.keyring = open_vault(tmp_path)
        self.credentials_created: set[tuple[str, str]] = set()
        yield
        self.cleanup()  # type: ignore[no-untyped-call]


def test_keyring_never_chooses_the_vault_by_itself(tmp_path: Path) -> None:
    script = (
        "import hiveloom_cli.credentials.vault as v, keyring.backend, keyring\n"
        "assert not isinstance(keyring.get_keyring(), v.FileVault)\n"
        "assert v.FileVault not in map(type, keyring.backend.get_all_keyring())\n"
        "assert not v.FileVault.viable\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert "vault.json" in str(open_vault(tmp_path))


def test_only_their_owner_can_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "home"
    open_vault(folder).set_password("s", "u", KEY)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes["vault.json"] == modes["vault.key"] == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_key_is_in_no_file_as_it_is(tmp_path: Path) -> None:
    open_vault(tmp_path).set_password("s", "u", KEY)
    for path in (tmp_path / "vault.json", tmp_path / "vault.key"):
        content = path.read_bytes()
        assert KEY.encode() not in content
        assert base64.b64encode(KEY.encode())[:-4] not in content


def test_each_write_has_nonces_of_its_own(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    seen = set()
    for _ in range(3):
        vault.set_password("s", "u", KEY)
        document = json.loads((tmp_path / "vault.json").read_text())
        seen |= {document["entries"]["s"]["u"][:16], document["check"][:16]}
    assert len(seen) == 6


def test_a_passphrase_opens_its_vault_and_no_other_does(tmp_path: Path) -> None:
    open_vault(tmp_path, PASSPHRASE).set_password("s", "u", KEY)
    assert not (tmp_path / "vault.key").exists()
    assert open_vault(tmp_path, PASSPHRASE).get_password("s", "u") == KEY
    content = (tmp_path / "vault.json").read_bytes()
    wrong = open_vault(tmp_path, Secret("wrong horse"))
    with pytest.raises(VaultLocked, match="does not open") as caught:
        wrong.get_password("s", "u")
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert "wrong horse" not in shown
    with pytest.raises(VaultLocked):
        wrong.set_password("s", "u", "other")
    with pytest.raises(VaultLocked):
        wrong.delete_password("s", "u")
    with pytest.raises(VaultLocked, match="needs its passphrase"):
        open_vault(tmp_path).get_password("s", "u")
    assert (tmp_path / "vault.json").read_bytes() == content


def test_a_passphrase_given_later_is_not_taken_for_the_one_that_protects(tmp_path: Path) -> None:
    open_vault(tmp_path).set_password("s", "u", KEY)
    content = (tmp_path / "vault.json").read_bytes()
    vault = open_vault(tmp_path, PASSPHRASE)
    assert vault.get_password("s", "u") == KEY
    with pytest.raises(VaultUnusable, match=r"opens with .*vault\.key, not with") as caught:
        vault.set_password("s", "v", "second")
    assert "unset HIVELOOM_VAULT_PASSPHRASE" in caught.value.hint
    assert "remove the keys" in caught.value.hint
    assert (tmp_path / "vault.json").read_bytes() == content


def test_a_vault_that_was_emptied_can_be_made_with_a_passphrase(tmp_path: Path) -> None:
    open_vault(tmp_path).set_password("s", "u", KEY)
    vault = open_vault(tmp_path, PASSPHRASE)
    vault.delete_password("s", "u")
    vault.set_password("s", "u", KEY)
    assert open_vault(tmp_path, PASSPHRASE).get_password("s", "u") == KEY
    with pytest.raises(VaultLocked):
        open_vault(tmp_path).get_password("s", "u")


def test_a_passphrase_that_is_no_text_still_works(tmp_path: Path) -> None:
    odd = Secret("\udcff\ud800")
    open_vault(tmp_path, odd).set_password("s", "u", KEY)
    assert open_vault(tmp_path, odd).get_password("s", "u") == KEY


def test_a_missing_key_file_is_an_error_while_there_are_entries(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    vault.set_password("s", "u", KEY)
    content = (tmp_path / "vault.json").read_bytes()
    (tmp_path / "vault.key").unlink()
    with pytest.raises(VaultDamaged, match=r"vault\.key.* is missing") as caught:
        vault.get_password("s", "u")
    with pytest.raises(VaultDamaged):
        vault.set_password("s", "u", "other")
    assert "backup" in caught.value.hint
    assert (tmp_path / "vault.json").read_bytes() == content
    assert not (tmp_path / "vault.key").exists()


def test_with_its_last_password_the_vault_goes(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    vault.set_password("s", "u", KEY)
    vault.delete_password("s", "u")
    assert not (tmp_path / "vault.json").exists()
    assert vault.get_password("s", "u") is None
    vault.set_password("s", "u", KEY)
    assert vault.get_password("s", "u") == KEY


@pytest.mark.parametrize("content", [b"", b"short", bytes(31), bytes(33)])
def test_a_key_file_that_is_none_is_an_error_and_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vault.key").write_bytes(content)
    with pytest.raises(VaultDamaged, match="not the key of a vault"):
        open_vault(tmp_path).set_password("s", "u", KEY)
    assert (tmp_path / "vault.key").read_bytes() == content
    assert not (tmp_path / "vault.json").exists()


def test_another_vaults_key_file_is_an_error(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    vault.set_password("s", "u", KEY)
    (tmp_path / "vault.key").write_bytes(bytes(32))
    with pytest.raises(VaultDamaged, match="does not belong"):
        vault.get_password("s", "u")


def test_a_key_file_left_without_its_vault_is_used_again(tmp_path: Path) -> None:
    """The vault may lie on a disk that is not mounted today; its key must not be lost."""
    open_vault(tmp_path).set_password("s", "u", KEY)
    key = (tmp_path / "vault.key").read_bytes()
    away = (tmp_path / "vault.json").rename(tmp_path / "away.json")
    open_vault(tmp_path).set_password("s", "u", "other")
    assert (tmp_path / "vault.key").read_bytes() == key
    away.rename(tmp_path / "vault.json")
    assert open_vault(tmp_path).get_password("s", "u") == KEY


def test_a_newer_vault_asks_for_an_update(tmp_path: Path) -> None:
    (tmp_path / "vault.json").write_text('{"version": 2}')
    with pytest.raises(VaultUnusable, match="newer hiveloom"):
        open_vault(tmp_path).get_password("s", "u")


def test_a_folder_in_the_place_of_either_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "vault.key").mkdir()
    with pytest.raises(VaultUnusable, match="cannot be read"):
        open_vault(tmp_path).set_password("s", "u", KEY)
    (tmp_path / "vault.json").mkdir()
    with pytest.raises(VaultUnusable, match="cannot be read"):
        open_vault(tmp_path).get_password("s", "u")


def test_deleting_what_is_not_there_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(PasswordDeleteError):
        open_vault(tmp_path).delete_password("s", "u")
    assert not (tmp_path / "vault.json").exists()


def test_the_store_loads_the_heavy_libraries_only_when_it_needs_them() -> None:
    script = (
        "import sys, hiveloom_cli.credentials.store, hiveloom_cli.credentials.notice\n"
        "assert not {'keyring', 'cryptography', 'filelock'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
