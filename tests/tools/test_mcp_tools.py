"""The tools of MCP servers, with a small server in a process of its own."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.errors import ToolNotFound
from hiveloom_cli.stop import Stop
from hiveloom_cli.tools.command_environment import PASSED_ON
from hiveloom_cli.tools.mcp_listing import load_references
from hiveloom_cli.tools.tool import Approval
from tests.support.mcp import McpWorld, wait_for_end

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = {
    "OPENAI_API_KEY": "made-up-openai-key-0123456789",
    "HIVELOOM_VAULT_PASSPHRASE": "made-up-passphrase",
    "GITHUB_TOKEN": "made-up-token-0123456789",
    "HTTPS_PROXY": "http://person:word@127.0.0.1:9",
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> McpWorld:
    """Give a list with the small server, in an environment with secrets."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    world = McpWorld(tmp_path)
    world.write_small()
    return world


def build_tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"Does {name}", "inputSchema": {"type": "object"}, **more}


def stop_at_call(world: McpWorld, stop: Stop) -> None:
    world.wait_for("tools/call")
    stop.set()


def test_a_tool_is_called_and_the_server_ends_with_the_chat(world: McpWorld) -> None:
    with world.open("small") as tools:
        output = tools.call("small/echo", text="hi")
        (pid,) = world.load_pids()
    assert (output.content, output.is_error) == ("echo: hi", False)
    wait_for_end(pid)


def test_what_is_known_of_a_server_starts_nothing(world: McpWorld) -> None:
    with world.open("small") as first:
        names = [*first.tools]
    with world.open("small") as tools:
        assert [*tools.tools] == names
        assert len(world.load_pids()) == 1
        assert tools.call("small/echo").content == "echo: "
        assert len(world.load_pids()) == 2


def test_one_tool_is_had_without_the_others(world: McpWorld) -> None:
    with world.open("small/fail", "small/echo", "small/fail") as tools:
        assert [*tools.tools] == ["mcp:small/fail", "mcp:small/echo"]
    assert tools.problems == []


def test_a_tool_that_is_not_offered_is_told_and_keeps_none_back(world: McpWorld) -> None:
    with world.open("small/ecko", "small/echo") as tools:
        assert [*tools.tools] == ["mcp:small/echo"]
    (problem,) = tools.toolset.problems
    assert problem.message == "the MCP server small has no tool named ecko"
    assert problem.hint == "did you mean mcp:small/echo?"


def test_a_card_says_how_the_model_calls_the_tool_and_that_it_is_foreign(world: McpWorld) -> None:
    world.offer(build_tool("look.up", annotations={"readOnlyHint": True, "title": "Look"}))
    with world.open("small") as tools:
        card = tools.get_card("small/look.up")
    assert card.is_foreign
    assert card.definition.name.startswith("small__look_up_")
    assert card.definition.description == "Does look.up"
    assert '"title": "Look"' in card.definition_text
    assert "mcp_server.py" in card.definition_text


@pytest.mark.parametrize(
    ("approval", "echo", "fail"),
    [
        (None, Approval.AUTO, Approval.ASK),
        ("ask", Approval.ASK, Approval.ASK),
        ({"fail": "deny"}, Approval.AUTO, Approval.DENY),
        ({"*": "deny", "echo": "ask"}, Approval.ASK, Approval.DENY),
    ],
)
def test_the_persons_word_goes_before_the_servers_hint(
    world: McpWorld, approval: Any, echo: Approval, fail: Approval
) -> None:
    more = {} if approval is None else {"approval": approval}
    world.write_small(**more, alwaysAllow=["fail"], autoApprove=["fail"])
    with world.open("small") as tools:
        assert tools.get_card("small/echo").approval is echo
        assert tools.get_card("small/fail").approval is fail
        assert tools.get_card("small/echo").usual is Approval.AUTO
        assert tools.get_card("small/fail").usual is Approval.ASK


def test_a_definition_that_changed_is_seen_before_it_is_approved(world: McpWorld) -> None:
    world.offer(build_tool("send"))
    with world.open("small") as tools:
        former = tools.get_card("small/send")
    world.offer(build_tool("send", description="Sends all your files"))
    with world.open("small") as tools:
        assert tools.get_card("small/send") == former
        card = tools.get_tool("small/send").load_card()
    assert "Sends all your files" in card.definition_text
    assert card.definition_text != former.definition_text
    with world.open("small") as tools:
        assert tools.get_card("small/send") == card


def test_a_tool_that_is_gone_is_not_found(world: McpWorld) -> None:
    world.offer(build_tool("send"), build_tool("stay"))
    with world.open("small"):
        pass
    world.offer(build_tool("stay"))
    with world.open("small") as tools, pytest.raises(ToolNotFound, match="no tool named send"):
        tools.get_tool("small/send").load_card()


def test_another_command_is_asked_anew(world: McpWorld) -> None:
    with world.open("small"):
        pass
    world.write_small(env={"A": "b"})
    with world.open("small"):
        assert len(world.load_pids()) == 2


def test_no_secret_is_in_a_servers_environment(world: McpWorld) -> None:
    world.write_small(env={"TOKEN": "${GITHUB_TOKEN}", "PLAIN": "${NOWHERE:-instead}"})
    with world.open("small") as tools:
        told = json.loads(tools.call("small/environment").content)
    environ = json.loads((world.small / "environment").read_text())
    assert environ["TOKEN"] == SECRETS["GITHUB_TOKEN"]
    assert told == {**environ, "TOKEN": "[key]"}
    assert environ["PLAIN"] == "instead"
    assert set(SECRETS) & set(environ) == set()
    assert set(environ) <= {*PASSED_ON, "TOKEN", "PLAIN"}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("OPENAI_API_KEY", "holds a key of hiveloom's own, which no tool gets"),
        ("env:OPENAI_API_KEY", "holds a key of hiveloom's own, which no tool gets"),
        ("SAME_KEY", "holds a key of hiveloom's own, which no tool gets"),
        ("HIVELOOM_HOME", "is a variable of hiveloom's own, which no MCP server gets"),
    ],
)
def test_a_key_of_a_provider_is_not_handed_to_a_server(
    world: McpWorld, name: str, problem: str
) -> None:
    world.environ["SAME_KEY"] = SECRETS["OPENAI_API_KEY"]
    world.write_small(env={"KEY": f"${{{name}}}"})
    with world.open("small") as tools:
        assert tools.tools == {}
    (said,) = tools.problems
    assert said.endswith(f"`env.KEY`: {name.removeprefix('env:')} {problem}")
    assert world.load_pids() == []


def test_a_variable_that_is_not_set_is_told(world: McpWorld) -> None:
    world.write_small(env={"KEY": "${NOWHERE}"})
    with world.open("small") as tools:
        (problem,) = tools.problems
    assert problem == (
        f"{world.file}: the server “small”: `env.KEY`: the variable NOWHERE is not set"
    )


def test_nothing_but_tools_is_offered_to_a_server(world: McpWorld) -> None:
    with world.open("small") as tools:
        hello = json.loads(tools.call("small/hello").content)
        asked = json.loads(tools.call("small/ask").content)
    assert not {"sampling", "elicitation", "roots"} & hello["capabilities"].keys()
    assert hello["clientInfo"]["name"] == "hiveloom"
    assert "error" in asked


def test_a_servers_own_error_is_an_error_for_the_model(world: McpWorld) -> None:
    with world.open("small") as tools:
        output = tools.call("small/fail")
    assert (output.content, output.is_error) == ("it went wrong", True)


def test_a_big_result_arrives_whole(world: McpWorld) -> None:
    with world.open("small") as tools:
        assert len(tools.call("small/big", size=5_000_000).content) == 5_000_000


def test_a_call_that_is_stopped_is_cancelled_at_the_server(world: McpWorld) -> None:
    stop = Stop()
    with world.open("small") as tools:
        thread = threading.Thread(target=stop_at_call, args=(world, stop))
        thread.start()
        output = tools.call("small/hang", stop)
        thread.join()
        cancelled = world.wait_for("notifications/cancelled")
        assert output.is_error
        assert output.content == "the MCP server small was told to stop"
        call = world.wait_for("tools/call")
        assert cancelled["params"]["requestId"] == call["id"]
        assert tools.call("small/echo", text="on").content == "echo: on"


def test_a_call_that_takes_too_long_is_cancelled(world: McpWorld) -> None:
    world.write_small(timeout=1)
    with world.open("small") as tools:
        output = tools.call("small/hang")
        world.wait_for("notifications/cancelled")
    assert output.is_error
    assert "gave no answer within 1 s" in output.content


def test_a_server_that_dies_is_told_with_its_log_and_started_once_more(world: McpWorld) -> None:
    with world.open("small") as tools:
        output = tools.call("small/die")
        assert output.is_error
        assert "the MCP server small ended" in output.content
        assert "out of luck" in output.content
        assert str(world.logs / "small.log") in output.content
        assert tools.call("small/echo", text="back").content == "echo: back"
        assert tools.call("small/die").is_error
        last = tools.call("small/echo")
        assert last.is_error
        assert "failed twice" in last.content
        assert len(world.load_pids()) == 2


def test_a_server_that_ended_between_two_calls_is_started_again(world: McpWorld) -> None:
    with world.open("small") as tools:
        (pid,) = world.load_pids()
        os.kill(pid, 9)
        wait_for_end(pid)
        first = tools.call("small/echo", text="back")
        # Whether the end was seen before the call or by it, the next call has a server.
        assert first.is_error or first.content == "echo: back"
        assert tools.call("small/echo", text="on").content == "echo: on"


def test_a_log_is_private_bounded_and_new_with_each_start(world: McpWorld) -> None:
    log = world.logs / "small.log"
    with world.open("small") as tools:
        tools.call("small/chatter", lines=400_000)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
    assert 0 < log.stat().st_size <= 1_000_000
    assert log.read_text().startswith("[what came before was dropped]\n")
    with world.open("small") as tools:
        tools.call("small/echo")
    assert log.read_text() == "small server started\n"


def test_what_a_server_started_ends_with_it(world: McpWorld) -> None:
    with world.open("small") as tools:
        child = int(tools.call("small/child").content)
    wait_for_end(child)


def test_a_server_that_obeys_no_signal_is_killed(world: McpWorld) -> None:
    world.write_small("stubborn")
    with world.open("small"):
        (pid,) = world.load_pids()
    wait_for_end(pid)


def test_a_server_that_ends_at_a_question_before_the_handshake_is_asked_again(
    world: McpWorld,
) -> None:
    world.write_small("abrupt")
    with world.open("small") as tools:
        assert tools.call("small/echo", text="hi").content == "echo: hi"


def test_a_server_that_says_nothing_is_given_up(
    world: McpWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hiveloom_cli.tools import mcp_session

    monkeypatch.setattr(mcp_session, "_START_S", 1.0)
    world.write_small("deaf")
    with world.open("small") as tools:
        (problem,) = tools.problems
        assert problem == "the MCP server small gave no answer within 1 s"
        (fault,) = tools.toolset.problems
        log = world.outside.logs / "small.log"
        assert fault.hint == f"see whether it is an MCP server; its log: {log}"
        for pid in world.load_pids():
            wait_for_end(pid)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"command": "/nowhere/at/all"}, "cannot be started: /nowhere/at/all: No such file"),
        ({"command": "sh", "args": ["-c", "echo broken >&2; exit 3"]}, "it said last: broken"),
        ({"command": "cat"}, "the MCP server small"),
        ({"command": "true"}, "the MCP server small ended"),
        ({"url": "http://127.0.0.1:9/mcp"}, "the MCP server small cannot be reached"),
    ],
)
def test_a_server_that_cannot_be_had_is_one_problem(
    world: McpWorld, entry: dict[str, Any], problem: str
) -> None:
    world.write(small=entry, other={"command": sys.executable, "args": world.build_args()})
    with world.open("small", "other/echo") as tools:
        assert [*tools.tools] == ["mcp:other/echo"]
        (said,) = tools.problems
    assert problem in said


def test_a_secret_of_the_entry_is_masked_in_what_is_told(world: McpWorld) -> None:
    script = 'echo "bad token $TOKEN" >&2; exit 1'
    world.write(
        small={"command": "sh", "args": ["-c", script], "env": {"TOKEN": "${GITHUB_TOKEN}"}}
    )
    with world.open("small") as tools:
        (problem,) = tools.problems
    assert "bad token [key]" in problem


def test_tools_that_cannot_be_used_are_told_once_listed(world: McpWorld) -> None:
    world.offer(
        build_tool("good", description="d" * 10_000),
        build_tool("wide", inputSchema={"type": "object", "description": "w" * 60_000}),
    )
    with world.open("small") as tools:
        assert [*tools.tools] == ["mcp:small/good"]
        assert len(tools.get_card("small/good").definition.description) == 4_000
    assert tools.problems == ["the tool wide: its input takes too many words to describe"]


def test_an_answer_that_breaks_the_protocol_is_told_as_such(world: McpWorld) -> None:
    world.offer(build_tool("odd", inputSchema={"type": "array"}))
    with world.open("small") as tools:
        (problem,) = tools.problems
    assert problem.startswith("the MCP server small: its answer cannot be used: ")


def test_a_disabled_server_is_not_started(world: McpWorld) -> None:
    world.write_small(disabled=True)
    with world.open("small") as tools:
        assert tools.problems == ["the MCP server small is disabled"]
    assert world.load_pids() == []


def test_a_server_that_is_not_listed_is_told(world: McpWorld) -> None:
    with world.open("smal") as tools:
        (problem,) = tools.toolset.problems
    assert problem.message == "there is no MCP server named smal"
    assert problem.hint == "did you mean small?"


def test_a_call_is_described_as_it_is_sent(world: McpWorld) -> None:
    with world.open("small") as tools:
        text = tools.get_tool("small/echo").describe_call({"text": "hé"})
    assert text.startswith("echo of the MCP server small (")
    assert text.endswith('\n{\n  "text": "hé"\n}')


def test_calls_run_beside_each_other_on_one_server(world: McpWorld) -> None:
    stop = Stop()
    with world.open("small") as tools:
        hanging = threading.Thread(target=lambda: tools.call("small/hang", stop))
        hanging.start()
        world.wait_for("tools/call")
        assert tools.call("small/echo", text="beside").content == "echo: beside"
        stop.set()
        hanging.join(10)
        assert not hanging.is_alive()
        assert len(world.load_pids()) == 1


def test_a_chat_that_ends_while_a_server_starts_does_not_wait_for_it(world: McpWorld) -> None:
    world.offer(build_tool("send"))
    with world.open("small"):
        pass
    (world.small / "heard").unlink()
    (world.small / "deaf").touch()
    with world.open("small") as tools:
        thread = threading.Thread(target=tools.call, args=("small/send",))
        thread.start()
        world.wait_for("initialize")
    thread.join(10)
    assert not thread.is_alive()
    for pid in world.load_pids():
        wait_for_end(pid)


def test_what_can_be_named_is_known_without_starting_anything(world: McpWorld) -> None:
    assert list(load_references(world.outside)) == ["small"]
    world.offer(build_tool("send"))
    with world.open("small"):
        pass
    assert list(load_references(world.outside)) == ["small", "small/send"]
    assert len(world.load_pids()) == 1
