"""The official JavaScript package of OpenAI, unchanged, against the agents."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, serve

if TYPE_CHECKING:
    from hiveloom_cli.demo.upstream import LoopbackUpstream

_ROOT = Path(__file__).parents[2]
_PACKAGES = _ROOT / ".env-openai-js" / "node_modules" / "openai" / "package.json"


def test_it_lists_asks_streams_calls_sends_images_and_meets_errors(
    loopback: LoopbackUpstream,
) -> None:
    assert _PACKAGES.exists(), "run: make servers"
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")
    with serve(HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as server:
        script = _ROOT / "tests" / "servers" / "ask_openai.mjs"
        done = subprocess.run(
            ["node", script, _PACKAGES, server.openai_base_url, TOKEN],
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    came = json.loads(done.stdout)
    assert came["models"] == ["helper"]
    assert "> hi" in came["whole"]
    assert came["streamed"] == came["whole"]
    assert came["tokens"] > 0
    assert came["call"] == ["lookup", {"id": 7}]
    assert came["told"] == "The tools gave:\n\na bee"
    assert "attached: image/png" in came["seen"]
    assert (came["unknown"], came["stranger"]) == (404, 401)
