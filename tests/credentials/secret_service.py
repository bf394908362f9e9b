"""A real Secret Service (gnome-keyring) on a bus of its own, without a desktop."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_UNLOCKED = "printf made-up | gnome-keyring-daemon --unlock --components=secrets"
_LOCKED = "gnome-keyring-daemon --start --components=secrets"
# It lives as long as its standard input: nothing is left behind, even by a test that is killed.
_SCRIPT = '{} >&2 && echo "$DBUS_SESSION_BUS_ADDRESS" && exec cat >&2'


@contextmanager
def open_secret_service(folder: Path, *, unlocked: bool) -> Iterator[str]:
    """Give the address of the bus; skip the test where the two programs are missing."""
    for program in ("dbus-run-session", "gnome-keyring-daemon"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: dbus-daemon, gnome-keyring)")
    script = _SCRIPT.format(_UNLOCKED if unlocked else _LOCKED)
    with subprocess.Popen(
        ["dbus-run-session", "--", "sh", "-c", script],
        env=_build_environ(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as session:
        assert session.stdout is not None
        assert session.stdin is not None
        address = session.stdout.readline().strip()
        assert address, "gnome-keyring did not start"
        _wait_for_service(address)
        yield address
        session.stdin.close()


def _wait_for_service(address: str) -> None:
    """Wait until the daemon can be asked: it says that it has begun a moment before."""
    # Here, since only Linux has it, as the keyring's own way to the bus.
    from jeepney import message_bus  # type: ignore[import-untyped]
    from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

    question = message_bus.NameHasOwner("org.freedesktop.secrets")
    deadline = time.monotonic() + PATIENCE_S
    with open_dbus_connection(address) as connection:
        while not connection.send_and_get_reply(question, timeout=PATIENCE_S).body[0]:
            assert time.monotonic() < deadline, "gnome-keyring never took its name on the bus"
            time.sleep(0.01)


def _build_environ(folder: Path) -> dict[str, str]:
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"}
    }
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "HOME"):
        path = folder / name.lower()
        path.mkdir(mode=0o700, parents=True)
        environ[name] = str(path)
    return environ
