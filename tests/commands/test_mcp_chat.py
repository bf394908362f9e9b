"""The tools of an MCP server in a chat, from the agent's file to the server's end."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.mcp import SCRIPT, wait_for_end
from tests.support.program import run_hiveloom, spawn_hiveloom
from tests.support.upstream import json_reply, openai_stream, stream_reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Finished
    from tests.support.upstream import ScriptedUpstream

KEY = "made-up-openai-key-0123456789"


@pytest.fixture
def small(tmp_path: Path, home: Path) -> Path:
    """Give the folder of the small server, of which an agent has all tools."""
    folder = tmp_path / "small"
    folder.mkdir()
    run_hiveloom("mcp", "add", "small", "--", sys.executable, str(SCRIPT), str(folder))
    (home / "agents").mkdir()
    (home / "agents/helper.md").write_text("---\nmodel: m\ntools: [mcp:small]\n---\nHelp.\n")
    assert run_hiveloom("mcp", "test", "small").exit_code == 0
    (folder / "pids").unlink()
    return folder


def test_a_person_is_told_what_a_chat_waits_for_before_it_begins(home: Path) -> None:
    run_hiveloom("mcp", "add", "deaf", "--", "sh", "-c", "cat > /dev/null; sleep 60")
    (home / "agents").mkdir()
    (home / "agents/a.md").write_text("---\nmodel: m\ntools: [mcp:deaf]\n---\nHelp.\n")
    environ = {"HIVELOOM_OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    with spawn_hiveloom("chat", "a", "hi", env=environ) as terminal:
        terminal.expect("waiting for the MCP server deaf ...")
        terminal.press_control("c")
        assert terminal.wait() == 130


def call(name: str, **arguments: Any) -> bytes:
    function = {"name": name, "arguments": json.dumps(arguments)}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
    }
    return json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()


def chat(upstream: ScriptedUpstream, *words: str) -> Finished:
    environ = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url, "OPENAI_API_KEY": KEY}
    return run_hiveloom("chat", "helper", *words, "Go", env=environ)


def get_result(upstream: ScriptedUpstream) -> str:
    """Return what the model was told of its call."""
    (told,) = [one for one in upstream.requests[-1].json["messages"] if one["role"] == "tool"]
    return str(told["content"])


def load_pids(small: Path) -> list[int]:
    path = small / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_a_chat_without_a_call_starts_no_server(small: Path, upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream("Nothing to do.")))
    done = chat(upstream)
    assert done.stdout == "Nothing to do."
    names = {tool["function"]["name"] for tool in upstream.requests[0].json["tools"]}
    assert {"small__echo", "small__die"} <= names
    assert load_pids(small) == []


def test_a_read_only_tool_runs_and_its_server_ends(small: Path, upstream: ScriptedUpstream) -> None:
    upstream.add(
        json_reply(call("small__echo", text="hi")), stream_reply(openai_stream("It said hi."))
    )
    done = chat(upstream)
    assert (done.exit_code, done.stdout) == (0, "It said hi.")
    assert get_result(upstream) == "echo: hi"
    (pid,) = load_pids(small)
    wait_for_end(pid)


def test_any_other_tool_needs_a_word_of_the_person(small: Path, upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(call("small__environment")), stream_reply(openai_stream("No.")))
    assert chat(upstream).exit_code == 0
    assert "approval" in get_result(upstream)
    heard = (small / "heard").read_text()
    assert '"tools/call"' not in heard


def test_a_tool_that_is_allowed_runs_and_sees_no_key(
    small: Path, upstream: ScriptedUpstream
) -> None:
    upstream.add(json_reply(call("small__environment")), stream_reply(openai_stream("Fine.")))
    assert chat(upstream, "--allow-tool", "mcp:small").exit_code == 0
    told = get_result(upstream)
    assert '"PATH"' in told
    assert KEY not in told
    assert "OPENAI_API_KEY" not in told


def test_a_server_that_dies_ends_no_chat(small: Path, upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(call("small__die")), stream_reply(openai_stream("It died.")))
    done = chat(upstream, "--allow-tool", "mcp:small/die")
    assert done.stdout == "It died."
    assert "the MCP server small ended" in get_result(upstream)


def test_a_server_that_is_gone_is_a_warning_and_the_chat_goes_on(
    small: Path, upstream: ScriptedUpstream
) -> None:
    assert run_hiveloom("mcp", "remove", "small", "--yes").exit_code == 0
    upstream.add(stream_reply(openai_stream("Hello.")))
    done = chat(upstream)
    assert done.stdout == "Hello."
    assert "warning: there is no MCP server named small" in done.stderr
