"""A third-party server in a process and an environment of its own, for as long as tests need it."""

from __future__ import annotations

import http.client
import itertools
import os
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
READY_S = 600.0  # a slow machine's first start; it is not waited for longer than it takes
_STEP_S = 0.05
_END_S = 10.0
# Below what Linux gives to those who ask for any port; each worker of a run has a share of them.
_FIRST_PORT, _SHARES, _SHARE = 20_000, 24, 500
_DRAWN = itertools.count()


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and the one key that it takes; `folder` is its home and has its log."""

    origin: str
    key: str
    folder: Path

    @property
    def log(self) -> Path:
        """What it says for itself."""
        return self.folder / "log"

    @property
    def keys(self) -> Path:
        """A home for hiveloom in which its key is stored, for both protocols."""
        return self.folder / "keys"

    @property
    def environ(self) -> dict[str, str]:
        """The variables that point both protocols at it."""
        return {
            "HIVELOOM_OPENAI_BASE_URL": f"{self.origin}/v1",
            "HIVELOOM_ANTHROPIC_BASE_URL": self.origin,
        }


def find_python(name: str) -> Path:
    """Find the Python of a server's environment; skip the test where it was not made."""
    folder = ROOT / f".env-{name}"
    if not (folder / ".installed").exists():
        pytest.skip(f"{folder.name} is missing: run make servers")
    return folder / "bin/python"


@contextmanager
def run_server(
    *command: str | Path, folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a server in `folder`, its home; what it says goes to `folder/log`.

    It lives as long as its standard input: nothing is left behind, even by tests that are killed.
    """
    own = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **(environ or {})}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=folder, env=own, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_ready(process: subprocess.Popen[str], server: Server, path: str) -> None:
    """Wait until a GET of `path` is answered with 200; fail with the server's log if it is not."""
    deadline = time.monotonic() + READY_S
    while not _is_ready(server, path):
        late = time.monotonic() > deadline
        if late or process.poll() is not None:
            state = "not ready in time" if late else f"ended with {process.returncode}"
            pytest.fail(f"{process.args!r} {state}:\n{server.log.read_text()[-4000:]}")
        time.sleep(_STEP_S)


def find_free_port() -> int:
    """Find a port of loopback that nobody listens on, and that nobody else comes by meanwhile."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = _FIRST_PORT + worker % _SHARES * _SHARE
    for number in itertools.islice(_DRAWN, _SHARE):
        port = share + (os.getpid() + number) % _SHARE  # two runs begin at different ones
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.fail("no port is free")


def _is_ready(server: Server, path: str) -> bool:
    connection = http.client.HTTPConnection(server.origin.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
