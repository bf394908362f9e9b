"""`hiveloom serve` in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.program import build_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-token-of-the-tests-0123456789"
_ORIGIN = re.compile(r"Serving at (http://\S+)")


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs; `origin` is where."""

    origin: str
    process: subprocess.Popen[str]

    @property
    def openai_base_url(self) -> str:
        return f"{self.origin}/v1"


@contextmanager
def serve(*args: str, **env: str) -> Iterator[Served]:
    """Run a server on a free port until the block ends; it has to end well when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hiveloom_cli", "serve", "--port", "0", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=build_environment({"HIVELOOM_SERVE_TOKEN": TOKEN, **env}),
    )
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        found = _ORIGIN.search(first)
        assert found, first + process.stderr.read()
        yield Served(found[1], process)
    finally:
        process.terminate()
        process.communicate(timeout=60)
