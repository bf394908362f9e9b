"""Real MCP servers: one in Python, one in JavaScript, over stdio and over HTTP."""

from __future__ import annotations

import json
import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.stop import Stop
from hiveloom_cli.tools.tool import Approval
from tests.servers.process import ROOT, Server, find_free_port, find_python, run_server
from tests.support.mcp import McpWorld
from tests.support.program import run_hiveloom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# It would outlive tests that are killed, as the other servers do not.
_LIVE_AS_LONG_AS_STDIN = (
    'exec 3<&0; "$@" & server=$!; trap "kill $server" TERM;'
    " (cat <&3 > /dev/null; kill $server) & wait $server"
)
_READY = "MCP Streamable HTTP Server listening"


@pytest.fixture(scope="session")
def everything() -> str:
    """Give the command of the reference server; skip the test where it was not installed."""
    folder = ROOT / ".env-everything"
    if not (folder / ".installed").exists():
        pytest.skip(f"{folder.name} is missing: run make servers")
    if shutil.which("node") is None:
        pytest.skip("node is not installed: run make system-deps")
    return str(folder / "node_modules/.bin/mcp-server-everything")


@pytest.fixture
def world(tmp_path: Path, everything: str) -> McpWorld:
    world = McpWorld(tmp_path)
    time = str(find_python("mcp-time").with_name("mcp-server-time"))
    world.write(
        everything={"command": everything, "args": ["stdio"]},
        time={"command": time, "args": ["--local-timezone", "UTC"]},
    )
    return world


@pytest.fixture
def over_http(world: McpWorld, tmp_path: Path, everything: str) -> Iterator[Server]:
    """Give the reference server over HTTP, listed as `remote`."""
    port = find_free_port()
    folder = tmp_path / "remote"
    folder.mkdir()
    server = Server(f"http://127.0.0.1:{port}", "", folder)
    environ = {"PORT": str(port)}
    command = ("sh", "-c", _LIVE_AS_LONG_AS_STDIN, "sh", everything, "streamableHttp")
    with run_server(*command, folder=folder, environ=environ) as process:
        done = threading.Event()
        while _READY not in server.log.read_text():
            assert process.poll() is None, server.log.read_text()
            done.wait(0.05)
        world.write(remote={"type": "http", "url": f"{server.origin}/mcp"})
        yield server


def test_the_time_server_tells_the_time(world: McpWorld) -> None:
    with world.open("time") as tools:
        assert {"mcp:time/get_current_time", "mcp:time/convert_time"} <= tools.tools.keys()
        told = json.loads(tools.call("time/get_current_time", timezone="UTC").content)
        wrong = tools.call("time/get_current_time", timezone="Nowhere/Atall")
    assert told["timezone"] == "UTC"
    assert wrong.is_error
    assert "Nowhere/Atall" in wrong.content


def test_the_reference_server_lists_its_tools_with_their_hints(world: McpWorld) -> None:
    with world.open("everything") as tools:
        assert tools.problems == []
        echo = tools.get_card("everything/echo")
        gzip = tools.get_card("everything/gzip-file-as-resource")
    assert echo.definition.name == "everything__echo"
    assert echo.definition.input_schema["required"] == ["message"]
    assert (echo.approval, gzip.approval) == (Approval.AUTO, Approval.ASK)
    assert "mcp:everything/trigger-sampling-request" not in tools.tools


@pytest.mark.parametrize("name", ["everything", "remote"])
def test_results_of_all_kinds_are_read(
    world: McpWorld, name: str, request: pytest.FixtureRequest
) -> None:
    if name == "remote":
        request.getfixturevalue("over_http")
    with world.open(name) as tools:
        echo = tools.call(f"{name}/echo", message="hi")
        wrong = tools.call(f"{name}/echo", message=1)
        image = tools.call(f"{name}/get-tiny-image")
        data = tools.call(f"{name}/get-structured-content", location="Chicago")
        links = tools.call(f"{name}/get-resource-links", count=2)
        text = tools.call(f"{name}/get-resource-reference", resourceType="Text", resourceId=1)
        big = tools.call(f"{name}/echo", message="x" * 2_000_000)
    assert (echo.content, echo.is_error) == ("Echo: hi", False)
    assert wrong.is_error
    assert "message" in wrong.content
    assert "[image: image/png, 4,033 bytes]" in image.content
    assert json.loads(data.content).keys() == {"temperature", "conditions", "humidity"}
    assert links.content.count("[link: ") == 2
    assert "[resource: demo://resource/dynamic/text/1, text/plain]\nResource 1" in text.content
    assert len(big.content) == 2_000_006


def test_a_long_operation_is_stopped_and_the_server_goes_on(world: McpWorld) -> None:
    stop = Stop()
    with world.open("everything") as tools:
        timer = threading.Timer(0.3, stop.set)
        timer.start()
        long = tools.call("everything/trigger-long-running-operation", stop, duration=60, steps=2)
        timer.join()
        again = tools.call("everything/echo", message="on")
    assert long.is_error
    assert "told to stop" in long.content
    assert again.content == "Echo: on"


def test_the_environment_of_the_reference_server_has_no_secret(
    world: McpWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "made-up-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up-key")
    with world.open("everything") as tools:
        environ = json.loads(tools.call("everything/get-env").content)
    assert "PATH" in environ
    assert "made-up-key" not in json.dumps(environ)
    assert not any(name.startswith("HIVELOOM_") for name in environ)


def test_what_the_reference_server_says_is_in_its_log(world: McpWorld) -> None:
    with world.open("everything"):
        pass
    assert "STDIO" in (world.logs / "everything.log").read_text()


def test_a_session_over_http_is_ended_with_the_chat(world: McpWorld, over_http: Server) -> None:
    with world.open("remote") as tools:
        assert tools.call("remote/echo", message="one").content == "Echo: one"
    assert "Received session termination request" in over_http.log.read_text()


def test_the_command_line_adds_tests_and_removes_a_real_server(everything: str) -> None:
    added = run_hiveloom("mcp", "add", "every", "--", everything)
    assert added.exit_code == 0, added
    tested = run_hiveloom("mcp", "test", "every", "--json")
    assert tested.exit_code == 0, tested
    assert {"echo", "get-sum"} <= {tool["name"] for tool in json.loads(tested.stdout)["tools"]}
    assert run_hiveloom("mcp", "remove", "every", "--yes").exit_code == 0
