from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hiveloom_cli import files
from hiveloom_cli.credentials.vault import FileVault
from tests.credentials.keyrings import build_store

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PROCESSES = 8
NAMES_EACH = 5
SCRIPT = """
import os, sys
from hiveloom_cli import files
from hiveloom_cli.clock import SystemClock
from hiveloom_cli.credentials.store import CredentialStore
from hiveloom_cli.paths import decide_paths
from hiveloom_cli.secret import Secret

files._LOCK_TIMEOUT_S = 100  # on a busy machine the unluckiest would be told to try again
store = CredentialStore(paths=decide_paths(os.environ), environ=os.environ, clock=SystemClock())
new = 0
for name in sys.argv[1:]:
    saved = store.save(name, Secret(f"made-up {name}"))
    assert store.load_secret(name).reveal() == f"made-up {name}"
    new += saved.vault_is_new
print(new)
"""


def test_processes_that_store_at_once_lose_nothing(tmp_path: Path) -> None:
    environ = {**os.environ, "HIVELOOM_HOME": str(tmp_path), "HIVELOOM_KEYRING": "vault"}
    names = [[f"p{process}-{at}" for at in range(NAMES_EACH)] for process in range(PROCESSES)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *own], env=environ, stdout=subprocess.PIPE, text=True
        )
        for own in names
    ]
    said = [process.communicate(timeout=600)[0] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    assert sum(map(int, said)) == 1, "the vault is new once"
    store = build_store(tmp_path)
    expected = {name for own in names for name in own}
    assert set(store.load_all()) == expected
    assert all(store.load_secret(name).reveal() == f"made-up {name}" for name in expected)


def test_writers_of_the_vault_itself_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_LOCK_TIMEOUT_S", 100)

    def write(user: str) -> None:
        vault = FileVault(tmp_path / "vault.json", tmp_path / "vault.key", None)
        for at in range(NAMES_EACH):
            vault.set_password("s", f"{user}{at}", user)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, "abcd"))
    vault = FileVault(tmp_path / "vault.json", tmp_path / "vault.key", None)
    users = {f"{user}{at}": user for user in "abcd" for at in range(NAMES_EACH)}
    assert {name: vault.get_password("s", name) for name in users} == users
