"""The official MCP package for JavaScript, unchanged, against an agent."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.program import PROGRAM, build_environment, run_hiveloom
from tests.support.served import TOKEN, serve
from tests.support.upstream import openai_chunk, openai_stream, stream_reply

if TYPE_CHECKING:
    from tests.support.upstream import ScriptedUpstream

_ROOT = Path(__file__).parents[3]
_PACKAGES = _ROOT / ".env-mcp-js" / "package.json"
_SCRIPT = _ROOT / "tests" / "servers" / "ask_mcp.mjs"


@pytest.mark.parametrize("way", ["http", "stdio"])
def test_it_lists_asks_meets_errors_and_cancels(way: str, upstream: ScriptedUpstream) -> None:
    assert _PACKAGES.exists(), "run: make servers"
    run_hiveloom("agent", "create", "helper", "--model", "m")
    upstream.add(stream_reply(openai_stream("Hello.")))
    upstream.add(stream_reply([openai_chunk({"content": "One."}), 60.0]))
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with ExitStack() as stack:
        if way == "http":
            server = stack.enter_context(serve(**env))
            place = [f"{server.origin}/mcp/helper", TOKEN]
        else:
            place = [PROGRAM[0], json.dumps([*PROGRAM[1:], "mcp", "serve", "helper"])]
        process = stack.enter_context(
            subprocess.Popen(
                ["node", _SCRIPT, _PACKAGES, way, *place],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=build_environment({**env, "PATH": os.environ["PATH"]}),
            )
        )
        assert process.stdout
        came = json.loads(process.stdout.readline() or "null")
        hung_up = upstream.hung_up.wait(PATIENCE_S)  # while the client is still there
        _, aside = process.communicate(timeout=60)
    assert came == {
        "server": "helper",
        "tools": ["chat"],
        "response": "Hello.",
        "mistake": [True, "message: it is required"],
        "left": True,
    }, aside.decode()
    assert hung_up
    assert process.returncode == 0
