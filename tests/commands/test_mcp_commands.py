"""`hiveloom mcp`, with a small server in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.mcp import SCRIPT, wait_for_end
from tests.support.mcp_http import run_http_server
from tests.support.program import build_environment, run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from tests.support.program import Finished

KEY = "ghp_0123456789abcdefghij"
_WITHOUT_SDK = """
import sys
sys.modules["mcp"] = None
from hiveloom_cli.cli import main
main(sys.argv[1:])
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Add the small server; give its folder."""
    folder = tmp_path / "small"
    folder.mkdir()
    added = run_hiveloom("mcp", "add", "small", "--", sys.executable, str(SCRIPT), str(folder))
    assert added.exit_code == 0, added
    return folder


def load_file() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(os.environ["HIVELOOM_HOME"], "mcp.json").read_text())
    return document


def offer(small: Path, *tools: dict[str, Any]) -> None:
    (small / "tools.json").write_text(json.dumps(tools))


def build_tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"Does {name}", "inputSchema": {"type": "object"}, **more}


def check_refused(done: Finished, message: str) -> None:
    assert done.exit_code == 2
    assert message in done.stderr
    assert KEY not in done.stderr + done.stdout
    assert not Path(os.environ["HIVELOOM_HOME"], "mcp.json").exists()


def test_a_command_is_added_as_other_programs_write_it() -> None:
    options = ("--env", "TOKEN=${TOKEN}", "--env", "A=b=c", "--timeout", "90", "--approval", "deny")
    done = run_hiveloom(
        "mcp", "add", "GitHub", *options, "--", "npx", "-y", "@scope/server", "--all"
    )
    assert done.exit_code == 0
    assert done.stdout == "Added github: npx -y @scope/server --all\n"
    assert "hiveloom mcp test github" in done.stderr
    assert load_file() == {
        "mcpServers": {
            "GitHub": {
                "command": "npx",
                "args": ["-y", "@scope/server", "--all"],
                "env": {"TOKEN": "${TOKEN}", "A": "b=c"},
                "timeout": 90.0,
                "approval": "deny",
            }
        }
    }


def test_an_address_is_added_with_the_name_of_a_key() -> None:
    options = ("--url", "https://mcp.example.com/mcp", "--credential", "tickets")
    done = run_hiveloom("mcp", "add", "--name", "tickets", *options, "--header", "X-Team: blue")
    assert done.exit_code == 0
    assert "hiveloom credential set tickets --base-url https://mcp.example.com" in done.stderr
    assert load_file()["mcpServers"]["tickets"] == {
        "type": "http",
        "url": "https://mcp.example.com/mcp",
        "headers": {"X-Team": "blue"},
        "credential": "tickets",
    }


@pytest.mark.parametrize(
    "words",
    [
        ("--env", f"TOKEN={KEY}", "--", "npx"),
        ("--", "npx", f"--token={KEY}"),
        ("--url", f"https://mcp.example.com/mcp?key={KEY}"),
        ("--url", "https://mcp.example.com/mcp", "--header", f"Authorization: Bearer {KEY}"),
    ],
)
def test_a_key_is_refused_and_not_repeated(words: tuple[str, ...]) -> None:
    check_refused(run_hiveloom("mcp", "add", "x", *words), "looks like a key")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "a name is missing"),
        (("x",), "neither a command nor a URL is given"),
        (("…", "--", "npx"), "cannot name an MCP server"),
        (("x", "--url", "https://a.example", "--", "npx"), "two ways to reach a server"),
        (("x", "--url", "http://a.example"), "plain http to another machine"),
        (("x", "--url", "https://a.example", "--env", "A=b"), "--env and --cwd are for a command"),
        (("x", "--credential", "c", "--", "npx"), "--credential and --header are for a URL"),
        (("x", "--env", KEY, "--", "npx"), "a pair is expected: --env K=V"),
    ],
)
def test_what_cannot_be_added_is_told(words: tuple[str, ...], message: str) -> None:
    check_refused(run_hiveloom("mcp", "add", *words), message)


def test_a_server_is_replaced_with_force_alone(small: Path) -> None:
    again = run_hiveloom("mcp", "add", "small", "--", "npx")
    assert again.exit_code == 1
    assert "there is an MCP server named small already" in again.stderr
    assert run_hiveloom("mcp", "add", "small", "--force", "--", "npx").exit_code == 0
    assert load_file()["mcpServers"]["small"] == {"command": "npx", "args": []}


def test_servers_are_listed_without_starting_any(small: Path) -> None:
    done = run_hiveloom("mcp", "list")
    assert done.exit_code == 0
    header, row = done.stdout.splitlines()
    assert header.split() == ["NAME", "TOOLS", "APPROVAL", "REACHED", "BY"]
    assert row.startswith("small  -      by tool")
    assert not (small / "pids").exists()


def test_values_of_variables_and_headers_are_never_listed(home: Path) -> None:
    servers = {
        "a": {"command": "b", "args": ["--key", KEY], "env": {"TOKEN": KEY}},
        "c": {"url": "https://c.example", "headers": {"X-Auth": KEY}},
    }
    (home / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    listed = run_hiveloom("mcp", "list", "--json")
    shown = run_hiveloom("mcp", "show", "a")
    assert KEY not in listed.stdout + listed.stderr + shown.stdout + shown.stderr
    first, second = json.loads(listed.stdout)
    assert (first["env"], second["headers"]) == (["TOKEN"], ["X-Auth"])
    assert first["reached"] == "b --key '[key]'"


def test_a_broken_entry_is_told_beside_the_others(home: Path) -> None:
    servers = {"good": {"command": "b"}, "bad": {"type": "sse", "url": "https://a.example"}}
    (home / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    done = run_hiveloom("mcp", "list")
    assert done.exit_code == 1
    assert "good" in done.stdout
    assert "the server “bad”: `type`: the transport sse was given up" in done.stderr


def test_approvals_of_other_programs_are_named_and_not_obeyed(small: Path) -> None:
    document = load_file()
    document["mcpServers"]["small"]["alwaysAllow"] = ["fail"]
    Path(os.environ["HIVELOOM_HOME"], "mcp.json").write_text(json.dumps(document))
    for command in ("list", "show", "test"):
        done = run_hiveloom("mcp", command, *([] if command == "list" else ["small"]))
        assert "alwaysAllow of other programs loosens no approval here" in done.stderr
    tested = json.loads(run_hiveloom("mcp", "test", "small", "--json").stdout)
    assert {tool["name"]: tool["approval"] for tool in tested["tools"]}["fail"] == "ask"


def test_a_test_lists_tools_with_approval_and_leaves_nothing_behind(small: Path) -> None:
    offer(small, build_tool("look", annotations={"readOnlyHint": True}), build_tool("send"))
    done = run_hiveloom("mcp", "test", "small")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "The MCP server small works: it offers 2 tools.",
        "TOOL  APPROVAL  READ-ONLY  DESCRIPTION",
        "look  auto      yes        Does look",
        "send  ask       no         Does send",
    ]
    (pid,) = map(int, (small / "pids").read_text().split())
    wait_for_end(pid)
    assert "2      by tool" in run_hiveloom("mcp", "list").stdout


def test_a_test_says_what_changed_since_the_last_time(small: Path) -> None:
    offer(small, build_tool("a"), build_tool("b"), build_tool("c"))
    run_hiveloom("mcp", "test", "small")
    offer(small, build_tool("a"), build_tool("b", description="Does worse"), build_tool("d"))
    done = run_hiveloom("mcp", "test", "small")
    assert [line.split()[:4] for line in done.stdout.splitlines()[2:]] == [
        ["a", "ask", "no", "-"],
        ["b", "ask", "no", "changed"],
        ["d", "ask", "no", "new"],
    ]
    assert done.stderr == "no longer there: c\n"
    offer(small, build_tool("a"))
    document = json.loads(run_hiveloom("mcp", "test", "small", "--json").stdout)
    assert document["removed"] == ["b", "d"]
    assert [(tool["called"], tool["change"]) for tool in document["tools"]] == [("small__a", None)]


def test_a_trial_goes_by_what_a_tool_is_now_and_not_by_what_it_was(small: Path) -> None:
    offer(small, build_tool("echo", annotations={"readOnlyHint": True}))
    assert run_hiveloom("mcp", "test", "small").exit_code == 0
    offer(small, build_tool("echo"))
    done = run_hiveloom("tool", "test", "mcp:small/echo")
    assert done.exit_code == 2
    assert "this tool asks before it runs" in done.stderr
    assert "tools/call" not in (small / "heard").read_text()


def test_what_a_server_says_of_its_tools_steers_no_terminal(small: Path) -> None:
    offer(small, build_tool("a", description="\x1b[2J\nb  ask  no  fine"))
    with spawn_hiveloom("mcp", "test", "small", columns=120) as terminal:
        assert terminal.wait(30) == 0
    waited, *lines = (line for line in terminal.lines if line)
    assert waited == "waiting for the MCP server small ..."
    assert len(lines) == 3
    assert "␛[2J b ask no fine" in lines[2]


def test_a_test_of_a_server_that_fails_is_an_error(home: Path) -> None:
    added = run_hiveloom("mcp", "add", "broken", "--", "sh", "-c", "echo no luck >&2; exit 3")
    assert added.exit_code == 0
    done = run_hiveloom("mcp", "test", "broken", "--json")
    assert done.exit_code == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "mcp_server_failed"
    assert error["message"] == (
        "the MCP server broken ended with exit code 3; it said last: no luck"
    )
    assert error["hint"] == f"its log: {home / 'mcp/broken.log'}"


def test_a_server_is_shown_with_what_it_offered_last(small: Path) -> None:
    before = run_hiveloom("mcp", "show", "small")
    assert "What it offers is not known yet: hiveloom mcp test small" in before.stderr
    run_hiveloom("mcp", "test", "small")
    after = json.loads(run_hiveloom("mcp", "show", "small", "--json").stdout)
    assert after["tools"][0]["reference"] == "mcp:small/echo"
    assert after["tools"][0]["read_only"] is True


def test_a_server_is_removed_if_the_person_agrees(small: Path) -> None:
    asked = run_hiveloom("mcp", "remove", "small")
    assert asked.exit_code == 2
    assert run_hiveloom("mcp", "remove", "smal", "--yes").exit_code == 5
    done = run_hiveloom("mcp", "remove", "small", "--yes")
    assert done.stdout == "Removed small.\n"
    assert load_file() == {"mcpServers": {}}


def test_what_was_agreed_to_goes_with_the_server(small: Path, home: Path) -> None:
    items = {
        name: {"definition": "x", "always": True, "agreed_at": "2026-01-31T09:00:00Z"}
        for name in ("mcp:small/echo", "mcp:smaller/echo", "note")
    }
    approvals = home / "approvals.json"
    approvals.write_text(json.dumps({"version": 1, "tools": items}))
    assert run_hiveloom("mcp", "remove", "small", "--yes").exit_code == 0
    assert list(json.loads(approvals.read_text())["tools"]) == ["mcp:smaller/echo", "note"]


def test_names_of_servers_are_completed(small: Path) -> None:
    environ = {
        "_HIVELOOM_COMPLETE": "bash_complete",
        "COMP_WORDS": "hiveloom mcp test s",
        "COMP_CWORD": "3",
    }
    assert run_hiveloom(env=environ).stdout.strip() == "plain,small"


def test_tools_of_servers_are_completed_as_far_as_they_are_known(small: Path) -> None:
    words = {"COMP_WORDS": "hiveloom tool test mcp", "COMP_CWORD": "3"}
    environ = {"_HIVELOOM_COMPLETE": "bash_complete", **words}
    assert run_hiveloom(env=environ).stdout.split() == ["plain,mcp:small"]
    offer(small, build_tool("look"))
    run_hiveloom("mcp", "test", "small")
    offered = run_hiveloom(env=environ).stdout.split()
    assert offered == ["plain,mcp:small", "plain,mcp:small/look"]


def test_without_the_sdk_one_line_says_what_to_install(small: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_SDK, "mcp", "test", "small"],
        env=build_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    message, hint = done.stderr.splitlines()
    assert message == "error: MCP servers need the package mcp, which is not installed"
    assert "pip install 'hiveloom-cli[mcp]'" in hint
    assert not (small / "pids").exists()


def test_ctrl_c_ends_a_test_and_the_server(small: Path) -> None:
    (small / "deaf").touch()
    with spawn_hiveloom("mcp", "test", "small") as terminal:
        deadline = time.monotonic() + 30
        while not (small / "heard").exists():
            assert time.monotonic() < deadline
            terminal.read_for(0.05)
        terminal.press_control("c")
        assert terminal.wait(20) == 130
    assert "Traceback" not in terminal.text
    (pid,) = map(int, (small / "pids").read_text().split())
    wait_for_end(pid)


def test_a_stored_key_is_sent_to_its_own_server_and_to_no_other() -> None:
    key = "made-up-key-of-the-server-0123456789"
    with run_http_server() as server, run_http_server() as other:
        server.key = key
        stored = run_hiveloom("credential", "set", "small", "--base-url", server.url, input=key)
        assert stored.exit_code == 0, stored
        for name, url in (("small", server.url), ("other", other.url)):
            run_hiveloom("mcp", "add", name, "--url", url, "--credential", "small")
        works = run_hiveloom("mcp", "test", "small")
        refused = run_hiveloom("mcp", "test", "other")
        assert works.stdout.startswith("The MCP server small works: it offers 1 tool.\n")
        assert refused.exit_code == 3
        assert f"the key small belongs to {server.origin}" in refused.stderr
        assert other.requests == []
    home = Path(os.environ["HIVELOOM_HOME"])
    plain = [
        path for path in home.rglob("*") if path.is_file() and key in path.read_text("latin-1")
    ]
    assert plain == []
