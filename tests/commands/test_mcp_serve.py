"""`hiveloom mcp serve`: a process that speaks to the client which started it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.mcp_clients import MODES, offering, run
from tests.support.program import PROGRAM, build_environment, run_hiveloom, spawn_hiveloom
from tests.support.upstream import (
    ScriptedUpstream,
    openai_chunk,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.demo.upstream import LoopbackUpstream
    from tests.support.mcp_clients import Open

WAIT_S = 30.0
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "a test", "version": "1"},
}
CALL = {"name": "chat", "arguments": {"message": "hi"}, "_meta": {"progressToken": 1}}


@pytest.fixture(autouse=True)
def helper() -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")


def build_request(method: str, params: Any = None, id_: int | None = None) -> str:
    message = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    return json.dumps(message | ({"id": id_} if id_ else {}))


class Speaking:
    """A server that was started, spoken to line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def send(self, method: str, params: Any = None, id_: int | None = None) -> None:
        assert self.process.stdin
        self.process.stdin.write(build_request(method, params, id_) + "\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        return message

    def greet(self) -> None:
        self.send("initialize", HELLO, 1)
        assert self.read()["result"]["serverInfo"]["name"] == "helper"
        self.send("notifications/initialized")

    def begin_call(self) -> None:
        """Call the agent, and wait until it has begun to answer."""
        self.send("tools/call", CALL, 2)
        while self.read()["params"]["message"] != "One.":
            pass


@contextmanager
def speaking(*options: str, **env: str) -> Iterator[Speaking]:
    process = subprocess.Popen(
        [*PROGRAM, "mcp", "serve", "helper", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=build_environment(env),
        cwd=os.environ["HOME"],
    )
    with process:
        try:
            yield Speaking(process)
        finally:
            process.kill()


def test_it_ends_with_its_input_and_says_nothing_beside(loopback: LoopbackUpstream) -> None:
    with speaking(HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as server:
        server.greet()
        server.send("tools/call", {**CALL, "_meta": {}}, 2)
        assert server.read()["id"] == 2
        left, aside = server.process.communicate(timeout=WAIT_S)
        assert (server.process.returncode, left, aside) == (0, "", "")


@pytest.mark.parametrize(("way", "code"), [("input", 0), ("signal", 143)])
def test_an_end_in_the_middle_of_a_call_ends_the_request_to_the_upstream(
    way: str, code: int, upstream: ScriptedUpstream
) -> None:
    upstream.add(stream_reply([openai_chunk({"content": "One."}), 60.0]))
    with speaking(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        server.greet()
        server.begin_call()
        assert server.process.stdin
        if way == "input":
            server.process.stdin.close()
        else:
            server.process.terminate()  # while it waits for input that does not come
        assert server.process.wait(WAIT_S) == code
        assert upstream.hung_up.wait(WAIT_S)
        assert server.process.stderr
        assert server.process.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_amid_its_work_is_quiet(number: int, loopback: LoopbackUpstream) -> None:
    with speaking(HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as server:
        server.greet()
        asked = range(2, 502)
        for id_ in asked:
            server.send("tools/list", id_=id_)
        assert server.read()["id"] in asked
        server.process.send_signal(number)
        _, aside = server.process.communicate(timeout=WAIT_S)
        assert (server.process.returncode, aside) == (128 + number, "")


def test_a_tool_that_runs_ends_with_it(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    script = f"echo $$ > {started}; exec sleep 600"
    run_hiveloom("tool", "add", "wait", "--description", "Waits.", "--", "sh", "-c", script)
    run_hiveloom("agent", "edit", "helper", "--add-tool", "wait")
    call = {"index": 0, "id": "c1", "function": {"name": "wait", "arguments": "{}"}}
    upstream.add(
        stream_reply(
            [
                openai_chunk({"content": "One.", "tool_calls": [call]}),
                openai_chunk(finish_reason="tool_calls"),
                b"data: [DONE]\n\n",
            ]
        )
    )
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with speaking("--allow-tool", "wait", **env) as server:
        server.greet()
        server.begin_call()
        pid = read_number(started)
        server.process.terminate()
        assert server.process.wait(WAIT_S) == 143
    assert not Path(f"/proc/{pid}").exists()


def read_number(pipe: Path) -> int:
    """Read a number that another process writes."""
    descriptor = os.open(pipe, os.O_RDWR)  # of which no end is seen before it has come
    try:
        assert select.select([descriptor], [], [], WAIT_S)[0]
        return int(os.read(descriptor, 100))
    finally:
        os.close(descriptor)


def test_the_person_whose_agent_it_is_reads_why_a_call_failed() -> None:
    with speaking(HIVELOOM_OPENAI_BASE_URL="https://nowhere.example.com/v1") as server:
        server.greet()
        server.send("tools/call", {**CALL, "_meta": {}}, 2)
        result = server.read()["result"]
        assert result["isError"]
        assert "key" in result["content"][0]["text"]
        _, aside = server.process.communicate(timeout=WAIT_S)
    assert aside.startswith("warning: the agent helper: ")
    assert aside.startswith("warning: the agent helper: ")
    assert "hiveloom credential set" in aside


def test_an_agent_that_is_not_there_is_told_at_the_start() -> None:
    done = run_hiveloom("mcp", "serve", "nobody")
    assert (done.exit_code, done.stdout) == (5, "")
    assert "there is no agent named nobody" in done.stderr
    assert "try: hiveloom" in done.stderr
    assert run_hiveloom("mcp", "serve").exit_code == 2


def test_without_the_sdk_it_is_told_how_to_get_it() -> None:
    code = "import sys; sys.modules['mcp'] = None; from hiveloom_cli.cli import main; main()"
    done = subprocess.run(
        [PROGRAM[0], "-c", code, "mcp", "serve", "helper"],
        capture_output=True,
        text=True,
        env=build_environment({}),
        cwd=os.environ["HOME"],
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "try: pip install 'hiveloom-cli[mcp]'" in done.stderr


def test_a_project_s_agent_has_to_be_agreed_to_first(tmp_path: Path) -> None:
    folder = tmp_path / "shop" / ".hiveloom" / "agents"
    folder.mkdir(parents=True)
    (folder / "keen.md").write_text("---\nmodel: m\ntools: [deploy]\n---\n")
    done = run_hiveloom("mcp", "serve", "keen", cwd=tmp_path / "shop")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "try: hiveloom trust keen" in done.stderr


def test_a_person_at_a_terminal_is_told_who_has_to_start_it() -> None:
    with spawn_hiveloom("mcp", "serve", "helper", "--allow-tool", "x", columns=200) as terminal:
        terminal.expect("--allow-tool x: helper has no such tool", WAIT_S)
        terminal.expect("An MCP client has to start this", WAIT_S)
        terminal.expect('"command": "/')  # a client may have another PATH
        terminal.expect('"args": ["mcp", "serve", "helper", "--allow-tool=x"]')
        terminal.press_control("d")
        assert terminal.wait(WAIT_S) == 0


def test_control_c_ends_it() -> None:
    with spawn_hiveloom("mcp", "serve", "helper", columns=200) as terminal:
        terminal.send_line(build_request("initialize", HELLO, 1))
        terminal.expect('"result"', WAIT_S)
        terminal.press_control("c")
        assert terminal.wait(WAIT_S) == 130


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", ["http", "stdio"])
def test_a_kept_conversation_goes_on_and_is_listed(
    way: str, mode: str, upstream: ScriptedUpstream
) -> None:
    upstream.add(*(stream_reply(openai_stream(text)) for text in ("One.", "Two.", "Three.")))

    async def ask(opened: Open) -> None:
        async with opened() as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names == ["chat", "list_conversations"]
            first = await client.call_tool("chat", {"message": "first"})
            id_ = first.structured_content["conversation_id"]
            assert f"conversation_id: {id_}" in f"{first.content[-1]}"
            more = {"message": "second", "conversation_id": id_}
            second = await client.call_tool("chat", more)
            assert second.structured_content == {"response": "Two.", "conversation_id": id_}
            third = await client.call_tool("chat", {"message": "third"})
            newer = third.structured_content["conversation_id"]
            listed = await client.call_tool("list_conversations", {})
            rows = listed.structured_content["conversations"]
            assert [row["id"] for row in rows] == [newer, id_]
            assert [set(row) for row in rows] == [{"id", "title", "changed_at"}] * 2
            [row] = (await client.call_tool("list_conversations", {"limit": 1})).structured_content[
                "conversations"
            ]
            assert row["id"] == newer
            lost = await client.call_tool("chat", {"message": "x", "conversation_id": "nowhere"})
            assert lost.is_error
            assert "There is no such conversation." in f"{lost.content[0]}"

    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with offering(way, mode, "--save", **env) as opened:
        run(ask(opened))
    said = [message["content"] for message in upstream.requests[1].json["messages"]]
    assert said == ["You are terse.", "first", "One.", "second"]


def test_an_agent_that_wants_nothing_kept_offers_no_conversations(
    upstream: ScriptedUpstream,
) -> None:
    run_hiveloom("agent", "edit", "helper", "--set", "save=false")
    upstream.add(stream_reply(openai_stream("One.")))

    async def ask(opened: Open) -> None:
        async with opened() as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["chat"]
            result = await client.call_tool("chat", {"message": "hi"})
            assert result.structured_content == {"response": "One."}

    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with offering("stdio", "auto", "--save", **env) as opened:
        run(ask(opened))
