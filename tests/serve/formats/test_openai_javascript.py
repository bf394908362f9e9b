"""The official JavaScript package of OpenAI, unchanged, against the agents."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.errors import UpstreamRefused
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, serve
from tests.support.serving import running
from tests.support.slow import Slow, Watched

if TYPE_CHECKING:
    from hiveloom_cli.demo.upstream import LoopbackUpstream

_ROOT = Path(__file__).parents[3]
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
    assert came["streamedCall"] == {"id": 7}
    assert came["helped"] == came["whole"]
    assert came["runner"] == ["The tools gave:\n\nbee 7", 7]
    assert came["retrieved"] == "helper"
    assert (came["unknown"], came["stranger"]) == (404, 401)
    assert (came["elsewhere"], came["malformed"]) == (404, 400)


_SLOW = """
import { createRequire } from "node:module";
const [packages, baseURL] = process.argv.slice(1);
const { OpenAI } = createRequire(packages)("openai");
const client = new OpenAI({ baseURL, apiKey: "k", maxRetries: 0 });
const messages = [{ role: "user", content: "hi" }];
try {
  const stream = client.chat.completions.stream({ model: "helper", messages });
  console.log(await stream.finalContent());
} catch (error) {
  console.log(error.constructor.name, error.code);
}
"""


@pytest.mark.parametrize(
    ("failure", "printed"),
    [
        (None, "Well, hello."),
        (UpstreamRefused("it answered 429", status=429), "APIError rate_limit_exceeded"),
    ],
)
def test_it_passes_over_what_says_that_an_answer_is_worked_on(
    failure: Exception | None, printed: str
) -> None:
    with running(Watched(Slow(failure), b": still working")) as port:
        done = subprocess.run(
            ["node", "--input-type=module", "-e", _SLOW, "--", _PACKAGES, _place(port)],
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert done.stdout.decode().strip() == printed, done.stderr.decode()


def _place(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"
