"""A keyring that never answers, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.credentials.credential import Credential
from hiveloom_cli.credentials.index import Index, build_with, save_index
from tests.credentials.keyrings import START, build_paths

if TYPE_CHECKING:
    from pathlib import Path

GENEROUS_S = 30
BACKEND = """
import os, time
from keyring.backend import KeyringBackend

def hang():
    print("hanging", flush=True)
    time.sleep(3600)

if os.environ["HANG_AT"] == "import":
    hang()

class Keyring(KeyringBackend):
    priority = 5
    def __init__(self):
        super().__init__()
        if os.environ["HANG_AT"] == "detection":
            hang()
    def get_password(self, service, username):
        hang()
    set_password = delete_password = lambda self, *args: hang()
"""
SCRIPT = """
import os, sys
from hiveloom_cli.clock import SystemClock
from hiveloom_cli.credentials.store import CredentialStore
from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.paths import decide_paths
from hiveloom_cli.secret import Secret

store = CredentialStore(paths=decide_paths(os.environ), environ=os.environ, clock=SystemClock())
name = "kept" if sys.argv[1] != "save" else "new"
arguments = [Secret("made-up-key")] if sys.argv[1] in ("save", "rotate") else []
try:
    getattr(store, sys.argv[1])(name, *arguments)
except HiveloomError as error:
    print(f"{error.code} | {error.message} | {error.hint}")
except KeyboardInterrupt:
    print("interrupted")
"""


def start(tmp_path: Path, doing: str, hang_at: str, **environ: str) -> subprocess.Popen[str]:
    (tmp_path / "hung.py").write_text(BACKEND)
    save_index(
        build_paths(tmp_path).credentials,
        build_with(Index(), Credential("kept", "os", START, None)),
    )
    variables = {
        **os.environ,
        "HIVELOOM_HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
        "PYTHON_KEYRING_BACKEND": "hung.Keyring",
        "HANG_AT": hang_at,
        **environ,
    }
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, doing], env=variables, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("doing", "hang_at"),
    [
        ("save", "call"),
        ("save", "detection"),
        ("save", "import"),
        ("rotate", "call"),
        ("remove", "call"),
        ("load_secret", "call"),
    ],
)
def test_the_process_ends_with_an_error_that_names_the_way_out(
    tmp_path: Path, doing: str, hang_at: str
) -> None:
    with start(tmp_path, doing, hang_at, HIVELOOM_KEYRING_TIMEOUT="0.5") as process:
        said, _ = process.communicate(timeout=GENEROUS_S)
    assert "keyring_timed_out | the system's keyring did not answer within 0.5 s" in said
    assert "HIVELOOM_KEYRING=vault" in said
    assert "HIVELOOM_KEYRING_TIMEOUT=60" in said
    assert "made-up-key" not in said
    assert process.returncode == 0
    assert not (tmp_path / "vault.json").exists(), (
        "a keyring that is slow is not one that is absent"
    )


def test_the_vault_when_forced_does_not_ask_a_hung_keyring(tmp_path: Path) -> None:
    with start(tmp_path, "save", "import", HIVELOOM_KEYRING="vault") as process:
        said, _ = process.communicate(timeout=GENEROUS_S)
    assert said == ""
    assert (tmp_path / "vault.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to whole consoles")
def test_ctrl_c_ends_the_wait_for_a_hung_keyring(tmp_path: Path) -> None:
    with start(tmp_path, "load_secret", "call", HIVELOOM_KEYRING_TIMEOUT="300") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=GENEROUS_S)
    assert said == "interrupted\n"
    assert time.monotonic() - began < GENEROUS_S / 2
