"""Quick commands stay quick: they load none of the heavy libraries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import build_environment, run_hiveloom
from tests.support.skills import build_text, write_skill
from tests.support.upstream import ScriptedUpstream, openai_stream, stream_reply

HEAVY = {
    *("requests", "keyring", "rich", "prompt_toolkit", "sqlite3", "cryptography", "urllib3"),
    *("mcp", "anyio", "httpx2", "pydantic", "asyncio"),
    *("starlette", "uvicorn", "h11", "prometheus_client"),
}

_PROBE = """
import json, sys
from hiveloom_cli.cli import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def load_modules(*args: str, **env: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *args],
        env=build_environment(env),
        capture_output=True,
        check=True,
        input=b"",
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "args",
    [
        ("--version",),
        ("--help",),
        ("chat", "--help"),
        ("agent", "list"),
        ("agent", "show", "helper"),
        ("agent", "show", "helper", "--json"),
        ("agent", "export", "helper"),
        ("agent", "create", "other", "--model", "m"),
        ("agent", "edit", "helper", "--model", "n", "--set", "mood=fine"),
        ("agent", "path", "helper"),
        ("agent", "versions", "helper"),
        ("agent", "versions", "helper", "--diff", "1"),
        ("agent", "copy", "helper", "other"),
        ("credential", "list"),
        ("trust", "--list"),
        ("skill", "list"),
        ("skill", "show", "notes"),
        ("skill", "--help"),
        ("mcp", "--help"),
        ("mcp", "list"),
        ("mcp", "add", "time", "--", "uvx", "mcp-server-time"),
        ("serve", "--help"),
        ("status",),
        ("status", "--json"),
        ("serve", "token", "create"),
        ("serve", "token", "list"),
        ("serve", "install-service"),
        ("provider", "list"),
        ("provider", "show", "groq"),
        ("model", "--help"),
        ("tool", "list"),
        ("tool", "show", "changes"),
        ("tool", "edit", "changes", "--approval", "auto"),
        ("tool", "test", "changes", "--yes"),
        ("capability", "list", "helper"),
        ("conversation", "--help"),
        ("conversation", "list", "--help"),
    ],
)
def test_a_quick_command_loads_no_heavy_library(args: tuple[str, ...]) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    run_hiveloom("tool", "add", "changes", "--description", "Prints.", "--", "echo", "hi")
    write_skill(Path(os.environ["HIVELOOM_HOME"]) / "skills", build_text("notes"))
    assert load_modules(*args) & HEAVY == set()


@pytest.mark.parametrize("words", ["hiveloom chat ", "hiveloom chat --model "])
def test_completion_loads_no_heavy_library(words: str) -> None:
    modules = load_modules(
        _HIVELOOM_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(words.count(" "))
    )
    assert modules & HEAVY == set()


def test_the_version_alone_loads_no_command() -> None:
    modules = load_modules("--version")
    assert not [name for name in modules if name.startswith("hiveloom_cli.commands.chat")]
    assert "yaml" not in modules


def test_listing_usual_agents_loads_no_yaml() -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m", "--description", "Terse")
    assert load_modules("agent", "list") & {"yaml", "json.tool", "difflib", "unicodedata"} == set()


def test_a_chat_without_tools_loads_nothing_of_them(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream("ho")))
    run_hiveloom("agent", "create", "helper", "--model", "m")
    modules = load_modules(
        "chat", "helper", "hi", HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url
    )
    assert "hiveloom_cli.chat.runner" in modules
    begin = ("hiveloom_cli.tools", "hiveloom_cli.chat.tool_", "jsonschema", "referencing", "mcp")
    assert not [name for name in modules if name.startswith(begin)]
