"""`hiveloom status` tells what is there and what is wrong, and fetches no key for it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli import __version__
from hiveloom_cli.commands.service_state import parse_state
from hiveloom_cli.commands.status import format_size
from tests.support.program import Finished, run_hiveloom
from tests.support.served import serve
from tests.support.serving import running
from tests.support.skills import build_text, write_skill

if TYPE_CHECKING:
    from hiveloom_cli.demo.upstream import LoopbackUpstream

KEY = "sk-Zq7vLw2pXk9mRt4nHs8cDf"
NOBODY = "http://127.0.0.1:1"  # where nothing listens


def status(*args: str, **env: str) -> Finished:
    return run_hiveloom("status", *args, env=env)


def read_facts(*args: str, **env: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(status("--json", *args, **env).stdout)
    return facts


def read_lines(done: Finished) -> dict[str, str]:
    pairs = (line.partition(":") for line in done.stdout.splitlines())
    return {name: text.strip() for name, _, text in pairs}


def test_an_empty_home_is_not_broken_and_told_how_to_begin(home: Path) -> None:
    done = status()
    assert done.exit_code == 0, done.stderr
    lines = read_lines(done)
    assert lines.pop("version").startswith(f"{__version__} (Python 3.")
    assert lines.pop("server").startswith("http://127.0.0.1:3000: ")
    assert lines == {
        "folder": f"{home} (config, data, state, cache)",
        "keys": "none",
        "OpenAI API": "https://api.openai.com/v1 (the default)",
        "Anthropic API": "https://api.anthropic.com (the default)",
        "agents": "0",
        "tools": "0; skills: 0; MCP servers: 0",
        "conversations": "none is kept yet",
        "service": "not installed (hiveloom serve install-service)",
    }
    assert "hiveloom credential set openai\n" in done.stderr
    assert "hiveloom agent create helper" in done.stderr
    assert list(home.iterdir()) == []


def test_a_full_home_is_counted(home: Path, loopback: LoopbackUpstream, tmp_path: Path) -> None:
    moved = {"HIVELOOM_OPENAI_COMPAT_BASE_URL": loopback.openai_base_url}
    run_hiveloom("credential", "set", "groq", input=KEY)
    run_hiveloom("agent", "create", "helper", "--model", "m")
    run_hiveloom("tool", "add", "changes", "--description", "Prints.", "--", "echo", "hi")
    run_hiveloom("mcp", "add", "time", "--", "uvx", "mcp-server-time")
    write_skill(home / "skills", build_text("notes"))
    assert run_hiveloom("chat", "helper", "hi", env=moved).exit_code == 0
    handed = tmp_path / "handed"
    handed.mkdir()
    for name in ("groq", "mistral", "serve-token"):
        (handed / f"hiveloom.{name}").write_text(KEY)
    more = {"GROQ_API_KEY": KEY, "CREDENTIALS_DIRECTORY": str(handed)}
    done = status(**moved, **more)
    assert done.exit_code == 0, done.stderr
    lines = read_lines(done)
    assert lines["keys"] == "groq (file vault), mistral (systemd unit), GROQ_API_KEY"
    assert lines["OpenAI API"] == f"{loopback.openai_base_url} (HIVELOOM_OPENAI_COMPAT_BASE_URL)"
    assert (lines["agents"], lines["tools"]) == ("1", "1; skills: 1; MCP servers: 1")
    assert lines["conversations"].endswith(" kB kept")
    facts = read_facts(**moved, **more)
    assert facts["conversations"]["bytes"] >= (home / "conversations.db").stat().st_size
    assert facts["credentials"] == [
        {"name": "groq", "kept_in": "vault", "base_url": "https://api.groq.com/openai/v1"}
    ]
    assert facts["handed_over"] == ["groq", "mistral"]
    assert facts["problems"] == []
    assert KEY[:8] not in done.stdout + done.stderr + json.dumps(facts)


def test_a_locked_vault_is_no_obstacle() -> None:
    passphrase = {"HIVELOOM_VAULT_PASSPHRASE": "correct horse"}
    run_hiveloom("credential", "set", "openai", input=KEY, env=passphrase)
    assert read_lines(status())["keys"] == "openai (file vault)"


def test_what_is_broken_is_told_with_its_line_and_ends_in_exit_code_1(home: Path) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    (home / "agents" / "bad.md").write_text("---\nmodel: [\n---\n")
    (home / "tools").mkdir()
    (home / "tools" / "odd.md").write_text("---\nkind: no\n---\n")
    (home / "credentials.json").write_text("{")
    done = status(HIVELOOM_ANTHROPIC_BASE_URL="ftp://x")
    assert done.exit_code == 1
    lines = read_lines(done)
    assert (lines["agents"], lines["OpenAI API"]) == ("1, and 1 broken", "not known")
    assert lines["tools"] == "0, and 1 broken; skills: 0; MCP servers: 0"
    for place in ("agents/bad.md:3", "tools/odd.md", "credentials.json:1"):
        assert done.stderr.count(f"error: {home}/{place}") == 1, done.stderr
    facts = read_facts(HIVELOOM_ANTHROPIC_BASE_URL="ftp://x")
    assert len(facts["problems"]) == 3
    (home / "credentials.json").unlink()
    moved = status(HIVELOOM_ANTHROPIC_BASE_URL="ftp://x")
    assert "error: the base URL in HIVELOOM_ANTHROPIC_BASE_URL does not begin" in moved.stderr
    assert read_lines(moved)["Anthropic API"].startswith("none that can be used (HIVELOOM_ANTH")


def test_an_address_is_shown_without_its_query_where_some_services_take_keys() -> None:
    moved = {"HIVELOOM_OPENAI_BASE_URL": "https://host.example/v1?api-key=made-up"}
    stored = ("--base-url", "https://gateway.example/v1?api-key=made-up", "--from-systemd")
    assert run_hiveloom("credential", "set", "gateway", *stored).exit_code == 0
    facts = read_facts(**moved)
    assert facts["base_urls"]["openai"]["base_url"] == "https://host.example/v1"
    assert facts["credentials"][0]["base_url"] == "https://gateway.example/v1"
    assert "made-up" not in status(**moved).stdout


def test_a_server_that_runs_answers() -> None:
    with serve() as server:
        done = status("--url", server.origin)
        assert done.exit_code == 0, done.stderr
        assert read_lines(done)["server"] == f"{server.origin}: answers"
        named = server.origin.replace("127.0.0.1", "localhost")
        assert read_facts("--url", f"{named}/")["server"]["answers"]


async def answer_something(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_a_server_that_was_asked_for_and_is_not_there_is_a_problem() -> None:
    done = status("--url", NOBODY)
    assert done.exit_code == 1
    assert read_lines(done)["server"] == f"{NOBODY}: nothing listens there"
    assert f"error: no server of hiveloom's at {NOBODY}" in done.stderr
    with running(answer_something) as port:
        facts = read_facts("--url", f"http://127.0.0.1:{port}")
    assert facts["server"]["detail"] == "something else answers there (HTTP 200)"
    refused = status("--url", "localhost:3000")
    assert (refused.exit_code, refused.stdout) == (2, "")


def write_systemctl(folder: Path, says: str) -> str:
    """Write a `systemctl` that says the same of every unit; return the PATH that has it."""
    program = folder / "systemctl"
    program.write_text(f"#!/bin/sh\necho \"$@\" >> '{folder}/asked'\ncat <<'.'\n{says}\n.\n")
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("says", "told", "exit_code"),
    [
        (
            "ActiveState=active\nSubState=running\nUnitFileState=enabled",
            "active (running), enabled",
            0,
        ),
        (
            "ActiveState=failed\nSubState=failed\nUnitFileState=enabled",
            "failed (failed), enabled",
            1,
        ),
        ("System has not been booted with systemd", "systemd does not say how it is", 0),
    ],
)
def test_a_service_that_is_installed_is_asked_after(
    tmp_path: Path, says: str, told: str, exit_code: int
) -> None:
    run_hiveloom("serve", "install-service", "--user", "--write")
    unit = Path(os.environ["HOME"]) / ".config/systemd/user/hiveloom.service"
    done = status(PATH=write_systemctl(tmp_path, says))
    assert done.exit_code == exit_code, done.stderr
    assert read_lines(done)["service"] == f"{unit}: {told}"
    assert ("journalctl --user -u hiveloom.service" in done.stderr) == bool(exit_code)
    assert (tmp_path / "asked").read_text().startswith("--user show hiveloom.service ")


def test_what_systemd_leaves_out_is_not_made_up() -> None:
    state = parse_state(Path("/x"), "ActiveState=inactive\nSubState=dead\n", is_user=False)
    assert (state.active, state.enabled, state.has_failed) == ("inactive (dead)", "", False)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (45_056, "45 kB"),
        (1_250_000, "1.2 MB"),
        (10**13, "10000 GB"),
    ],
)
def test_a_size_is_told_in_few_digits(size: int, text: str) -> None:
    assert format_size(size) == text
