"""MCP servers that many use at once, with a small server in processes of its own."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.errors import McpServerFailed
from hiveloom_cli.secret import Secret
from hiveloom_cli.stop import Stop
from hiveloom_cli.tools import mcp_session
from hiveloom_cli.tools.mcp_pool import ServerPool
from hiveloom_cli.tools.mcp_tools import McpTools
from tests.support.clocks import ManualClock
from tests.support.mcp import McpWorld, OpenTools, is_running, wait_for_end
from tests.support.mcp_http import run_http_server
from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hiveloom_cli.tools.mcp_launch import Launch

KEPT_S = 300.0
PAUSE_S = 10.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def pool(clock: ManualClock) -> Iterator[ServerPool]:
    pool = ServerPool(clock, kept_s=KEPT_S, pause_s=PAUSE_S)
    yield pool
    pool.close()


@pytest.fixture
def world(tmp_path: Path) -> McpWorld:
    world = McpWorld(tmp_path)
    world.write_small()
    return world


def open_tools(world: McpWorld, pool: ServerPool, *names: str) -> OpenTools:
    """Open tools as a request does; whoever asks closes their toolset."""
    toolset = McpTools(names or ("small",), replace(world.outside, servers=pool))
    return OpenTools(toolset, {card.reference: (card, tool) for card, tool in toolset.load_tools()})


def ask(world: McpWorld, pool: ServerPool, text: str = "hi") -> str:
    """Have the small server echo, as a request of its own."""
    tools = open_tools(world, pool)
    try:
        tools.get_tool("small/echo").load_card()
        return tools.call("small/echo", text=text).content
    finally:
        tools.toolset.close()


def test_one_process_is_enough_for_many_requests(world: McpWorld, pool: ServerPool) -> None:
    assert [ask(world, pool, f"{number}") for number in range(5)] == [
        f"echo: {number}" for number in range(5)
    ]
    (pid,) = world.load_pids()
    assert is_running(pid)


def test_one_process_is_enough_for_many_requests_at_once(world: McpWorld, pool: ServerPool) -> None:
    said: list[str] = []
    all_there = threading.Barrier(20, timeout=30)

    def work(number: int) -> None:
        all_there.wait()
        said.append(ask(world, pool, f"{number}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(said) == sorted(f"echo: {number}" for number in range(20))
    assert len(world.load_pids()) == 1


def test_a_call_that_is_stopped_leaves_the_others_alone(world: McpWorld, pool: ServerPool) -> None:
    one, other = open_tools(world, pool), open_tools(world, pool)
    stop = Stop()
    hanging = threading.Thread(target=one.call, args=("small/hang", stop))
    hanging.start()
    world.wait_for("tools/call")
    assert other.call("small/echo", text="beside").content == "echo: beside"
    stop.set()
    hanging.join(PATIENCE_S)
    assert not hanging.is_alive()
    cancelled = world.wait_for("notifications/cancelled")
    assert cancelled["params"]["requestId"] == world.wait_for("tools/call")["id"]
    one.toolset.close()
    assert other.call("small/echo", text="after").content == "echo: after"
    other.toolset.close()
    assert len(world.load_pids()) == 1


def test_a_start_that_one_stops_waiting_for_goes_on_for_the_others(
    world: McpWorld, pool: ServerPool
) -> None:
    with world.open("small"):
        pass  # so that it is known what it offers
    stop = Stop()
    stop.set()
    tools = open_tools(world, pool)
    assert tools.call("small/echo", stop).is_error
    assert tools.call("small/echo", text="now").content == "echo: now"
    tools.toolset.close()
    assert len(world.load_pids()) == 2


def test_a_server_that_died_is_started_again(world: McpWorld, pool: ServerPool) -> None:
    ask(world, pool)
    (pid,) = world.load_pids()
    os.kill(pid, 9)
    wait_for_end(pid)
    assert ask(world, pool, "back") == "echo: back"
    tools = open_tools(world, pool)
    assert "out of luck" in tools.call("small/die").content
    tools.toolset.close()
    assert [ask(world, pool), ask(world, pool)] == ["echo: hi", "echo: hi"]
    assert len(world.load_pids()) == 3


def test_a_server_over_http_that_has_forgotten_the_session_is_greeted_again(
    world: McpWorld, pool: ServerPool
) -> None:
    with run_http_server() as server:
        world.write(small={"url": server.url})
        assert ask(world, pool) == '{"text": "hi"}'
        server.forget()
        assert ask(world, pool, "on") == '{"text": "on"}'
    greetings = [method for method, _ in server.requests if method == "initialize"]
    assert len(greetings) == 2


def test_an_entry_that_was_changed_counts_with_the_next_request(
    world: McpWorld, pool: ServerPool
) -> None:
    tools = open_tools(world, pool)
    assert tools.call("small/echo", text="old").content == "echo: old"
    world.write_small(env={"A": "b"})
    assert ask(world, pool, "new") == "echo: new"
    old, new = world.load_pids()
    assert tools.call("small/echo", text="still").content == "echo: still"
    assert is_running(old)
    tools.toolset.close()
    wait_for_end(old)
    assert is_running(new)
    assert ask(world, pool) == "echo: hi"
    assert world.load_pids() == [old, new]


def test_a_variable_that_was_changed_counts_with_the_next_request(
    world: McpWorld, pool: ServerPool
) -> None:
    world.write_small(env={"A": "${LETTER:-a}"})
    ask(world, pool)
    world.environ["LETTER"] = "b"
    ask(world, pool)
    assert len(world.load_pids()) == 2


def test_what_is_no_part_of_reaching_a_server_starts_no_other(
    world: McpWorld, pool: ServerPool
) -> None:
    ask(world, pool)
    world.write_small(approval="auto", timeout=5)
    ask(world, pool)
    assert len(world.load_pids()) == 1


def test_a_key_that_was_changed_counts_with_the_next_request(
    world: McpWorld, pool: ServerPool
) -> None:
    with run_http_server() as server:
        world.write(small={"url": server.url, "credential": "small"})
        for key in ("made-up-first-key", "made-up-first-key", "made-up-other-key"):
            world.keys["small", server.origin] = Secret(key)
            ask(world, pool)
    greetings = [one["authorization"] for name, one in server.requests if name == "initialize"]
    assert greetings == ["Bearer made-up-first-key", "Bearer made-up-other-key"]


def test_a_server_that_nobody_uses_is_ended_after_a_while(
    world: McpWorld, pool: ServerPool, clock: ManualClock
) -> None:
    tools = open_tools(world, pool)
    tools.call("small/echo")
    (pid,) = world.load_pids()
    clock.sleep(KEPT_S * 2)
    pool.close_idle()
    assert tools.call("small/echo", text="used").content == "echo: used"
    tools.toolset.close()
    clock.sleep(KEPT_S - 1)
    pool.close_idle()
    assert is_running(pid)
    clock.sleep(1)
    pool.close_idle()
    wait_for_end(pid)
    assert ask(world, pool, "again") == "echo: again"
    assert len(world.load_pids()) == 2


def test_a_server_that_answers_no_more_is_not_lent_again(world: McpWorld, pool: ServerPool) -> None:
    world.write_small(timeout=1)
    tools = open_tools(world, pool)
    assert "no answer within 1 s" in tools.call("small/hang").content
    world.write_small(timeout=PATIENCE_S)  # which starts no other one
    assert ask(world, pool) == "echo: hi"
    late, fresh = world.load_pids()
    assert is_running(late)
    tools.toolset.close()
    wait_for_end(late)
    assert is_running(fresh)


def test_a_server_that_does_not_start_is_left_alone_for_a_while(
    world: McpWorld, pool: ServerPool, clock: ManualClock
) -> None:
    starts = world.folder / "starts"
    script = f"echo start >> {starts}; echo broken >&2; exit 3"
    world.write(small={"command": "sh", "args": ["-c", script]})

    def fail() -> str:
        tools = open_tools(world, pool)
        tools.toolset.close()
        (problem,) = tools.problems
        return problem

    first = fail()
    tried = len(starts.read_text().split())
    assert "it said last: broken" in first
    assert fail() == first
    assert len(starts.read_text().split()) == tried
    clock.sleep(PAUSE_S)
    assert fail() == first
    assert len(starts.read_text().split()) == tried * 2


def test_a_server_that_says_nothing_is_left_alone_once_that_is_known(
    world: McpWorld, pool: ServerPool, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Launch] = []

    class Counted(mcp_session.McpSession):
        def __init__(self, launch: Launch) -> None:
            started.append(launch)
            super().__init__(launch)

    monkeypatch.setattr(mcp_session, "McpSession", Counted)
    monkeypatch.setattr(mcp_session, "_START_S", 1.0)
    world.write_small("deaf")
    tools = open_tools(world, pool)
    assert tools.problems == ["the MCP server small gave no answer within 1 s"]
    clock.sleep(PAUSE_S - 1)
    assert open_tools(world, pool).problems
    assert len(started) == 1
    clock.sleep(1)
    assert open_tools(world, pool).problems
    assert len(started) == 2
    tools.toolset.close()


def test_a_start_that_nobody_waited_for_is_made_again(
    world: McpWorld, pool: ServerPool, clock: ManualClock
) -> None:
    with world.open("small"):
        pass  # so that it is known what it offers
    (world.small / "deaf").touch()
    stop = Stop()
    stop.set()
    tools = open_tools(world, pool)
    assert tools.call("small/echo", stop).is_error
    tools.toolset.close()
    clock.sleep(KEPT_S)
    pool.close_idle()
    (world.small / "deaf").unlink()
    assert ask(world, pool) == "echo: hi"


def test_what_was_changed_is_tried_at_once(world: McpWorld, pool: ServerPool) -> None:
    world.write(small={"command": "false"})
    assert open_tools(world, pool).problems
    world.write_small()
    assert ask(world, pool) == "echo: hi"


def test_all_servers_and_what_they_started_end_with_the_pool(
    world: McpWorld, pool: ServerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_session, "_JOIN_S", PATIENCE_S)
    world.write_small("stubborn")
    tools = open_tools(world, pool)
    child = int(tools.call("small/child").content)
    (pid,) = world.load_pids()
    pool.close()
    assert not is_running(pid)
    wait_for_end(child)
    output = tools.call("small/echo")
    assert output.is_error
    assert "was ended with the chat" in output.content
    tools.toolset.close()
    assert world.load_pids() == [pid]


def test_who_waits_for_a_start_when_the_pool_is_closed_waits_no_longer(
    world: McpWorld, pool: ServerPool
) -> None:
    world.write_small("deaf")
    failures: list[McpServerFailed] = []
    tools = threading.Thread(target=lambda: failures.extend(load_problems(world, pool)))
    tools.start()
    world.wait_for("initialize")
    pool.close()
    tools.join(PATIENCE_S)
    assert not tools.is_alive()
    assert failures
    for pid in world.load_pids():
        wait_for_end(pid)


def load_problems(world: McpWorld, pool: ServerPool) -> list[McpServerFailed]:
    return [
        problem
        for problem in open_tools(world, pool).toolset.problems
        if isinstance(problem, McpServerFailed)
    ]
