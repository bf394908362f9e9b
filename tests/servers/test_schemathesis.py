"""Schemathesis asks a server that runs whatever its description lets it make up.

`API_EXAMPLES=1000 API_SEED=7 make test ARGS=tests/servers/test_schemathesis.py` asks more of it.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import requests

from tests.servers.process import HERE, find_python
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hiveloom_cli.demo.upstream import LoopbackUpstream

EXAMPLES = "20"  # of each operation and phase; those that cover each limit come beside them
SEED = "1"
_TIMEOUT_S = 3600  # for those who ask for many; it ends by itself


@pytest.fixture
def served(loopback: LoopbackUpstream) -> Iterator[Served]:
    """Give a server with an agent for each protocol, and one with a tool."""
    for name, model in (("helper", "m"), ("claude", "claude-m"), ("handy", "m")):
        run_hiveloom("agent", "create", name, "--model", model)
    run_hiveloom("tool", "add", "hello", "--description", "Greets.", "--", "echo", "hello")
    run_hiveloom("agent", "edit", "handy", "--add-tool", "hello")
    upstreams = {
        "HIVELOOM_OPENAI_BASE_URL": loopback.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": loopback.anthropic_base_url,
    }
    with serve("--allow-tool", "hello", "--access-log", os.devnull, **upstreams) as one:
        yield one


def test_the_server_does_what_its_description_says(served: Served, tmp_path: Path) -> None:
    program = find_python("schemathesis").parent / "st"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    description = requests.get(f"{served.origin}/openapi.json", headers=headers, timeout=30)
    (tmp_path / "openapi.json").write_bytes(description.content)
    command = [
        str(program),
        "--config-file",
        str(HERE / "schemathesis.toml"),
        "run",
        "openapi.json",
    ]
    options = {
        "--url": served.origin,
        "--max-examples": os.environ.get("API_EXAMPLES", EXAMPLES),
        "--seed": os.environ.get("API_SEED", SEED),
        "--report": "json",
        "--report-json-path": "report.json",
    }
    done = subprocess.run(
        [*command, *(word for option in options.items() for word in option)],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "HIVELOOM_SERVE_TOKEN": TOKEN,
            "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert {phase["status"] for phase in report["phases"].values()} == {"success"}
    assert report["operations"]["tested"] == report["operations"]["total"]
    assert report["test_cases"]["generated"] > 1000
    assert report["errors"] == []
