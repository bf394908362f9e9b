"""The whole life of a key in a real Secret Service, and what happens when that is locked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.credentials.secret_service import open_secret_service

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import json, os, sys
from hiveloom_cli.clock import SystemClock
from hiveloom_cli.credentials.store import CredentialStore
from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.paths import decide_paths
from hiveloom_cli.secret import Secret

store = CredentialStore(paths=decide_paths(os.environ), environ=os.environ, clock=SystemClock())

def attempt(step):
    try:
        return step()
    except HiveloomError as error:
        return error.code

print(json.dumps([
    attempt(lambda: store.save("groq", Secret("first")).credential.kept_in),
    attempt(lambda: store.load_secret("groq").reveal()),
    attempt(lambda: store.save("groq", Secret("second")).replaced),
    attempt(lambda: store.load_secret("groq").reveal()),
    attempt(lambda: store.rotate("groq", Secret("third")).credential.kept_in),
    attempt(lambda: store.load_secret("groq").reveal()),
    attempt(lambda: store.remove("groq").name),
    attempt(lambda: store.load_secret("groq").reveal()),
    sorted(store.load_all()),
]))
"""


def run(home: Path, address: str, **environ: str) -> Any:
    variables = {
        **os.environ,
        "DBUS_SESSION_BUS_ADDRESS": address,
        "HIVELOOM_HOME": str(home),
        "HIVELOOM_KEYRING_TIMEOUT": "60",  # a busy machine's keyring takes its time
        **environ,
    }
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHON_KEYRING_BACKEND"):
        variables.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=variables,
        stdout=subprocess.PIPE,
        check=True,
        timeout=600,
    )
    return json.loads(done.stdout)


def life_in(place: str) -> list[Any]:
    first = [place, "first", True, "second", place, "third"]
    return [*first, "groq", "credential_not_found", []]


def test_a_key_lives_its_whole_life_in_the_secret_service(tmp_path: Path) -> None:
    with open_secret_service(tmp_path / "daemon", unlocked=True) as address:
        assert run(tmp_path / "hive", address) == life_in("os")
    assert not (tmp_path / "hive" / "vault.json").exists()


def test_a_secret_service_that_nobody_can_unlock_means_the_vault(tmp_path: Path) -> None:
    with open_secret_service(tmp_path / "daemon", unlocked=False) as address:
        assert run(tmp_path / "hive", address) == life_in("vault")
        forced = run(tmp_path / "forced", address, HIVELOOM_KEYRING="os")
    assert forced[:2] == ["keyring_locked", "credential_not_found"]


def test_without_a_bus_the_key_goes_to_the_vault(tmp_path: Path) -> None:
    address = f"unix:path={tmp_path}/no-such-socket"
    assert run(tmp_path / "hive", address) == life_in("vault")
    forced = run(tmp_path / "forced", address, HIVELOOM_KEYRING="os")
    assert forced[0] == "keyring_unavailable"


@pytest.mark.parametrize("timeout", ["soon", "-1"])
def test_a_deadline_that_is_none_is_said_before_anything_is_stored(
    tmp_path: Path, timeout: str
) -> None:
    address = f"unix:path={tmp_path}/no-such-socket"
    assert run(tmp_path, address, HIVELOOM_KEYRING_TIMEOUT=timeout)[0] == "usage"
