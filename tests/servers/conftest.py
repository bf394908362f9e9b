"""Two real third-party servers on loopback, each started once, when the first test asks for it."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.servers.process import (
    HERE,
    Server,
    find_free_port,
    find_python,
    run_server,
    wait_until_ready,
)
from tests.servers.upstream_behind import UpstreamBehind
from tests.support.program import run_hiveloom

if TYPE_CHECKING:
    from collections.abc import Iterator

PROXY_KEY = "sk-made-up-master-key-0123456789"
LLAMA_KEY = "sk-made-up-llama-key-0123456789"
SCRIPTED_KEY = "made-up-key-behind-the-proxy-0123456789"
# What the proxy would fetch from its makers when it starts.
_FETCHES_NOTHING = {
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "DISABLE_ADMIN_UI": "True",
}


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give llama.cpp's server with a tiny random model; see `write_model.py`."""
    python = find_python("llama")
    folder = tmp_path_factory.mktemp("llama")
    model = folder / "tiny.gguf"
    subprocess.run([python, HERE / "write_model.py", model], check=True, timeout=300)
    port = find_free_port()
    server = Server(f"http://127.0.0.1:{port}", LLAMA_KEY, folder)
    command = (python, HERE / "serve_llama.py", model, LLAMA_KEY, str(port))
    with run_server(*command, folder=folder) as process:
        _store_key(server)
        wait_until_ready(process, server, "/health")
        yield server


@pytest.fixture(scope="session")
def outside() -> Iterator[socket.socket]:
    """Give the socket that whatever the proxy sent beyond loopback would arrive at."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)  # noqa: FBT003 -- the method takes it so
        yield trap


@pytest.fixture(scope="session")
def behind_proxy() -> Iterator[UpstreamBehind]:
    """Give the upstream that the proxy forwards to; ask for `behind` instead."""
    with UpstreamBehind() as scripted:
        yield scripted


@pytest.fixture
def behind(behind_proxy: UpstreamBehind) -> Iterator[UpstreamBehind]:
    """Give the upstream that the proxy forwards to, without requests and replies yet."""
    behind_proxy.requests.clear()
    yield behind_proxy
    assert not behind_proxy.unscripted
    assert not behind_proxy._replies, "the proxy did not ask for all of them"


@pytest.fixture(scope="session")
def litellm(
    tmp_path_factory: pytest.TempPathFactory,
    behind_proxy: UpstreamBehind,
    outside: socket.socket,
) -> Iterator[Server]:
    """Give the LiteLLM proxy with the models of `litellm.yaml`."""
    python = find_python("litellm")
    folder = tmp_path_factory.mktemp("litellm")
    port = find_free_port()
    server = Server(f"http://127.0.0.1:{port}", PROXY_KEY, folder)
    trap = f"http://127.0.0.1:{outside.getsockname()[1]}"
    environ = {
        **_FETCHES_NOTHING,
        "PROXY_KEY": PROXY_KEY,
        "SCRIPTED_KEY": SCRIPTED_KEY,
        "SCRIPTED_OPENAI_BASE_URL": behind_proxy.openai_base_url,
        "SCRIPTED_ANTHROPIC_BASE_URL": behind_proxy.anthropic_base_url,
        "HTTP_PROXY": trap,
        "HTTPS_PROXY": trap,
        "NO_PROXY": "127.0.0.1",
    }
    command = (python, HERE / "serve_litellm.py", "--config", HERE / "litellm.yaml")
    options = ("--host", "127.0.0.1", "--port", str(port))
    with run_server(*command, *options, folder=folder, environ=environ) as process:
        _store_key(server)
        wait_until_ready(process, server, "/health/liveliness")
        yield server


def _store_key(server: Server) -> None:
    server.keys.mkdir(mode=0o700)
    environ = {"HOME": str(server.folder), "HIVELOOM_HOME": str(server.keys)}
    for name in ("openai", "anthropic"):
        stored = run_hiveloom(
            "credential", "set", "--name", name, input=server.key, env=environ, cwd=server.folder
        )
        assert stored.exit_code == 0, stored
