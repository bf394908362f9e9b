"""The tools of agents that are asked by many requests, in a server of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.mcp import McpWorld, is_running, wait_for_end
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.serving import build_request, connect

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.demo.upstream import LoopbackUpstream

CLIENTS = 20


@pytest.fixture
def world(home: Path) -> McpWorld:
    """Give the small server, of which an agent has all tools."""
    world = McpWorld(home)
    world.write_small()
    write_agent(home, "helper", "[mcp:small]")
    return world


def write_agent(home: Path, name: str, tools: str) -> None:
    (home / "agents").mkdir(exist_ok=True)
    (home / f"agents/{name}.md").write_text(f"---\nmodel: m\ntools: {tools}\n---\nHelp.\n")


def ask(server: Served, message: str, agent: str = "helper") -> str:
    reply = requests.post(
        f"{server.origin}/api/tenants/default/agents/{agent}/chat",
        json={"message": message},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=60,
    )
    assert reply.status_code == 200, reply.text
    return str(reply.json()["response"])


def echo(server: Served, text: str) -> str:
    return ask(server, f'call small__echo {{"text": "{text}"}}')


def build_environ(loopback: LoopbackUpstream) -> dict[str, str]:
    return {"HIVELOOM_OPENAI_BASE_URL": loopback.openai_base_url}


def test_one_process_of_a_server_is_enough_and_ends_with_ours(
    world: McpWorld, loopback: LoopbackUpstream
) -> None:
    with serve(**build_environ(loopback)) as server:
        assert "echo: one" in echo(server, "one")
        assert "echo: two" in echo(server, "two")
        with ThreadPoolExecutor(CLIENTS) as pool:
            said = list(pool.map(lambda number: echo(server, f"{number}"), range(CLIENTS)))
        assert all(f"echo: {number}" in text for number, text in enumerate(said))
        (pid,) = world.load_pids()
        assert is_running(pid)
    assert not is_running(pid)


def test_a_server_is_ended_by_ctrl_c_too(world: McpWorld, loopback: LoopbackUpstream) -> None:
    world.write_small("stubborn")
    with serve("--allow-tool", "mcp:small", **build_environ(loopback)) as server:
        child = int(ask(server, "call small__child").split()[-1])
        (pid,) = world.load_pids()
        server.process.send_signal(signal.SIGINT)
        server.process.wait(60)
        assert not is_running(pid)
        wait_for_end(child)


def test_a_server_that_died_serves_the_next_request(
    world: McpWorld, loopback: LoopbackUpstream
) -> None:
    with serve(**build_environ(loopback)) as server:
        assert "echo: one" in echo(server, "one")
        os.kill(world.load_pids()[0], signal.SIGKILL)
        assert "echo: two" in echo(server, "two")
        assert len(world.load_pids()) == 2


def test_what_was_changed_counts_with_the_next_request(
    home: Path, world: McpWorld, loopback: LoopbackUpstream
) -> None:
    run_hiveloom("tool", "add", "hello", "--description", "Greets.", "--", "echo", "hello")
    with serve("--allow-tool", "hello", **build_environ(loopback)) as server:
        assert "echo: one" in echo(server, "one")
        world.write_small(env={"A": "b"})
        assert "echo: two" in echo(server, "two")
        old, _ = world.load_pids()
        wait_for_end(old)
        write_agent(home, "helper", "[hello]")
        assert "hello" in ask(server, "call hello")
        run_hiveloom("tool", "remove", "hello", "--yes")
        run_hiveloom("tool", "add", "hello", "--description", "Greets.", "--", "echo", "good day")
        assert "good day" in ask(server, "call hello")


def test_a_client_that_leaves_stops_its_own_call_alone(
    world: McpWorld, loopback: LoopbackUpstream
) -> None:
    with serve("--allow-tool", "mcp:small", **build_environ(loopback)) as server:
        assert "echo: one" in echo(server, "one")
        port = int(server.origin.rpartition(":")[2])
        path = "/api/tenants/default/agents/helper/chat"
        headers = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]
        body = json.dumps({"message": "call small__hang"}).encode()
        with connect(port) as leaving:
            leaving.sendall(build_request("POST", path, headers, body, port=port))
            call = world.wait_for_call("hang")
            assert "echo: beside" in echo(server, "beside")
        cancelled = world.wait_for("notifications/cancelled")
        assert cancelled["params"]["requestId"] == call["id"]
        assert "echo: after" in echo(server, "after")
        assert len(world.load_pids()) == 1


def read_warnings(server: Served, count: int) -> list[dict[str, Any]]:
    """Read so many warnings among the lines of the access log."""
    assert server.process.stderr is not None
    found: list[dict[str, Any]] = []
    while len(found) < count:
        line = server.process.stderr.readline()
        assert line
        if "warning" in (row := json.loads(line)):
            found.append(row)
    return found


def test_tools_that_cannot_be_had_are_told_to_whoever_runs_the_server_once(
    home: Path, world: McpWorld, loopback: LoopbackUpstream
) -> None:
    world.write(small={"command": sys.executable, "args": ["-c", "exit('broken')"]})
    write_agent(home, "helper", "[nothing, mcp:small, mcp:nobody]")
    with serve(**build_environ(loopback)) as server:
        at_start = read_warnings(server, 2)
        assert [row["agent"] for row in at_start] == ["helper", "helper"]
        assert [row["warning"] for row in at_start] == [
            "there is no tool named nothing",
            "there is no MCP server named nobody",
        ]
        assert "nothing" not in ask(server, "hi")
        (later,) = read_warnings(server, 1)
        assert "the MCP server small ended" in later["warning"]
        assert "broken" in later["warning"]
        ask(server, "hi")
        world.write_small()
        ask(server, "hi")
        (home / "mcp.json").write_text("{")
        ask(server, "hi")
        (changed,) = read_warnings(server, 1)
        assert "mcp.json" in changed["warning"]


def test_beside_a_log_in_a_file_they_are_told_in_plain_words(
    home: Path, tmp_path: Path, loopback: LoopbackUpstream
) -> None:
    write_agent(home, "helper", "[nothing]")
    log = str(tmp_path / "access.jsonl")
    with serve("--access-log", log, **build_environ(loopback)) as server:
        assert server.process.stderr is not None
        line = server.process.stderr.readline()
        assert line.startswith("warning: the agent helper: there is no tool named nothing")


def test_an_allowed_tool_that_no_agent_has_is_told_at_the_start(
    home: Path, world: McpWorld, tmp_path: Path
) -> None:
    write_agent(home, "other", "[hello, mcp:time/now]")
    log = str(tmp_path / "access.jsonl")
    names = ("mcp:small", "mcp:small/echo", "mcp:time", "mcp:time/then", "hallo", "hello")
    allowed = [word for name in names for word in ("--allow-tool", name)]
    with serve("--access-log", log, *allowed) as server:
        assert server.process.stderr is not None
        lines = iter(server.process.stderr.readline, "")
        notes = [next(line for line in lines if line.startswith("note: ")) for _ in range(2)]
    assert notes == [
        "note: --allow-tool hallo: no agent has such a tool; did you mean hello?\n",
        "note: --allow-tool mcp:time/then: no agent has such a tool; did you mean mcp:time/now?\n",
    ]
    assert world.load_pids() == []
