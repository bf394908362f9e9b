from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.agents.foreign import parse_foreign
from hiveloom_cli.agents.incoming import Wishes, is_markdown, parse_incoming
from hiveloom_cli.errors import SettingsInvalid, UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.agents.sketch import Sketch

CLAUDE_CODE = """---
name: code-reviewer
description: Use this after code was written. Context: the user: "done" <example>x</example>
tools: Read, Grep, Glob
model: sonnet
color: purple
permissionMode: acceptEdits
skills:
  - pr-style
mcpServers:
  tracker:
    env: {TOKEN: sk-a-made-up-key-0123456789}
---

You review code.
"""
OPENCODE = """---
description: Looks for what is missing in the docs
mode: subagent
model: anthropic/claude-sonnet-5
temperature: 0.1
top_p: 0.9
tools:
  write: false
  bash: false
permission:
  edit: deny
---
You write documentation.
"""
COPILOT = """---
name: 'API Architect'
description: 'Helps with the design of an API'
tools: ['search', 'edit', 'github/*']
model: Claude Sonnet 4.5 (copilot)
target: vscode
mcp-servers:
  docs:
    type: local
    command: docs-server
---
# API Architect

Design it.
"""


def read(text: str, file_name: str = "x.md") -> Sketch:
    sketch = parse_foreign(text, Path(file_name))
    assert sketch is not None
    return sketch


def test_a_subagent_of_claude_code_keeps_name_description_and_text() -> None:
    sketch = read(CLAUDE_CODE)
    assert sketch.name == "code-reviewer"
    assert sketch.prompt == "You review code."
    # Its own program takes the line after the colon as it stands, YAML or not.
    assert sketch.fields["description"].value.startswith(
        "Use this after code was written. Context:"
    )
    assert not sketch.has_model
    assert sketch.asked_model == "Claude Code calls it sonnet"
    assert sketch.left_out == (
        "tools: Read, Grep, Glob (tools of another program)",
        "color: purple (how another program shows it)",
        "permissionMode: acceptEdits (what another program allows)",
        "skills: pr-style (skills of another program)",
        "mcpServers: tracker (servers that another program starts)",
    )


def test_an_agent_of_opencode_keeps_its_model_and_how_to_ask_it() -> None:
    sketch = read(OPENCODE, "docs-writer.md")
    assert sketch.name == "docs-writer"
    assert {key: field.value for key, field in sketch.fields.items()} == {
        "description": "Looks for what is missing in the docs",
        "temperature": 0.1,
        "top_p": 0.9,
        "model": "claude-sonnet-5",
    }
    assert sketch.left_out == (
        "mode: subagent (no setting of an agent here)",
        "tools: write, bash (tools of another program)",
        "permission: edit (what another program allows)",
    )


def test_a_custom_agent_of_copilot_needs_a_model_of_ours() -> None:
    sketch = read(COPILOT, "api.agent.md")
    assert sketch.name == "API Architect"
    assert sketch.asked_model == "GitHub Copilot calls it Claude Sonnet 4.5 (copilot)"
    assert sketch.left_out == (
        "tools: search, edit, github/* (tools of another program)",
        "target: vscode (no setting of an agent here)",
        "mcp-servers: docs (servers that another program starts)",
    )


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("openai/gpt-5", {"model": "gpt-5"}),
        ("anthropic/claude-sonnet-5", {"model": "claude-sonnet-5"}),
        ("groq/openai/gpt-oss-120b", {"model": "openai/gpt-oss-120b", "credential": "groq"}),
        ("github-copilot/gpt-5", {}),
        ("gpt-5", {}),
        ("inherit", {}),
        ("[a, b]", {}),
        ("7", {}),
    ],
)
def test_a_provider_becomes_the_credential_of_that_name(model: str, fields: dict[str, str]) -> None:
    sketch = read(f"---\nmode: all\nmodel: {model}\n---\nx\n")
    assert {key: field.value for key, field in sketch.fields.items()} == fields


@pytest.mark.parametrize(
    "front",
    [
        "model: gpt-4o\ntemperature: 1",
        "model: gpt-4o\nmood: fine",
        "model: gpt-4o\ntools: [weather]",
        "model: gpt-4o\nname: x\nmax_tokens: 9",
        "model: [",
        "description: x",
    ],
)
def test_a_file_of_ours_is_not_taken_for_another_programs(front: str) -> None:
    assert parse_foreign(f"---\n{front}\n---\nx\n", Path("x.md")) is None


def test_a_prompt_is_taken_where_there_is_no_text() -> None:
    assert read("---\nmode: all\nprompt: Be terse.\n---\n").prompt == "Be terse."
    assert read("---\nmode: all\nprompt: Be terse.\n---\nLong.\n").prompt == "Long."


def test_no_value_that_may_be_a_key_is_shown() -> None:
    sketch = read(CLAUDE_CODE.replace("purple", "sk-a-made-up-key-0123456789"))
    assert "sk-" not in " ".join(sketch.left_out)


@given(st.text(max_size=200))
def test_any_front_matter_is_read_or_refused(text: str) -> None:
    for candidate in (text, f"---\n{text}\n---\n", f"---\nmode: all\n{text}\n---\n"):
        with suppress(SettingsInvalid, UsageMistake):
            parse_incoming(candidate, Path("x.md"), Wishes("x", "m"))


@pytest.mark.parametrize(
    ("text", "file_name", "expected"),
    [
        ("---\nmodel: m\n---\nx\n", "stdin", True),
        ("---\nmodel: m\n---\nx\n", "a.yaml", False),
        ("---\nname: a\nsystem_prompt: x\n---\nname: b\n", "stdin", False),
        ("---\nname: a\n", "stdin", False),
        ("name: a\n", "stdin", False),
        ("# Words", "a.md", True),
        ("{}", "a", False),
    ],
)
def test_what_a_file_is_depends_on_its_name_and_else_on_how_it_begins(
    text: str,
    file_name: str,
    expected: bool,  # noqa: FBT001
) -> None:
    assert is_markdown(text, file_name) is expected
