"""Agents that leave as a manifest, and agents that come in from elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.program import run_hiveloom, spawn_hiveloom
from tests.support.upstream import Reply, ScriptedUpstream

if TYPE_CHECKING:
    from pathlib import Path

OWN = (
    "\ufeff---\r\n# mine\r\nmodel: gpt-4o-mini   # cheap\r\nmood: fine\r\n---\r\n\r\nBe terse.\r\n"
)
REVIEWER = """---
name: Code Reviewer
description: Reviews
tools: Read, Grep
model: sonnet
---
Review.
"""


@pytest.fixture
def folder(home: Path) -> Path:
    """Give the folder of the agents, in which there is one, `helper`."""
    done = run_hiveloom(
        *("agent", "create", "helper", "--model", "gpt-4o-mini"),
        *("--system-prompt", "Be terse.\nAlways.", "--temperature", "0.2"),
    )
    assert done.exit_code == 0
    return home / "agents"


def test_an_agent_is_printed_as_a_manifest(folder: Path) -> None:
    done = run_hiveloom("agent", "export", "helper")
    assert done.stdout.startswith(
        "name: helper\nmodel: gpt-4o-mini\nsystem_prompt: |-\n  Be terse."
    )
    as_json = run_hiveloom("agent", "export", "helper", "--json")
    assert yaml.safe_load(done.stdout) == json.loads(as_json.stdout)
    assert list(json.loads(as_json.stdout))[:6] == [
        *("name", "model", "system_prompt", "scope_mode", "capabilities", "bindings")
    ]
    assert (folder / "helper.md").exists()
    assert done.stderr == ""


def test_several_agents_are_printed_as_a_list_that_comes_back(folder: Path) -> None:
    (folder / "two.md").write_text("---\nmodel: m\nmood: [a, {b: c}]\n---\n", "utf-8")
    before = {path.name: path.read_bytes() for path in folder.glob("*.md")}
    manifest = run_hiveloom("agent", "export", "--all").stdout
    assert manifest == run_hiveloom("agent", "export", "helper", "two").stdout
    for path in folder.glob("*.md"):
        path.unlink()
    done = run_hiveloom("agent", "import", "-", input=manifest)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("Imported") == 2
    assert {path.name: path.read_bytes() for path in folder.glob("*.md")} == {
        "helper.md": before["helper.md"],
        "two.md": b"---\nmodel: m\nmood:\n- a\n- b: c\n---\n\n",
    }


def test_a_file_of_ours_goes_out_and_comes_in_byte_for_byte(home: Path, tmp_path: Path) -> None:
    source = tmp_path / "own.md"
    source.write_bytes(OWN.encode())
    done = run_hiveloom("agent", "import", str(source))
    assert done.exit_code == 0, done.stderr
    assert (home / "agents" / "own.md").read_bytes() == OWN.encode()
    assert "`mood` is not a setting of an agent" in done.stderr
    assert run_hiveloom("agent", "export", "own", "--markdown").stdout_bytes == OWN.encode()


def test_a_terminal_is_not_steered_by_a_file_that_is_printed(folder: Path) -> None:
    (folder / "bad.md").write_text("---\nmodel: m\n---\n\x1b]0;title\x07\n", "utf-8")
    for extra in ([], ["--markdown"], ["--json"]):
        with spawn_hiveloom("agent", "export", "bad", *extra) as terminal:
            assert terminal.wait() == 0
        assert b"\x1b]" not in terminal.output


@pytest.mark.parametrize(
    ("args", "code", "problem"),
    [
        ((), 2, "A name is missing"),
        (("helper", "--all"), 2, "A name is missing"),
        (("helper", "nobody"), 5, "no agent named nobody"),
        (("--all", "--markdown"), 2, "the file of one agent"),
        (("helper", "--json", "--markdown"), 2, "the file of one agent"),
    ],
)
def test_what_cannot_be_exported(
    folder: Path, args: tuple[str, ...], code: int, problem: str
) -> None:
    done = run_hiveloom("agent", "export", *args)
    assert (done.exit_code, problem in done.stderr) == (code, True)
    assert folder.exists()


def test_another_programs_agent_needs_a_model_and_says_what_is_left_out(
    home: Path, tmp_path: Path
) -> None:
    source = tmp_path / "reviewer.md"
    source.write_text(REVIEWER, "utf-8")
    refused = run_hiveloom("agent", "import", str(source))
    assert refused.exit_code == 2
    assert "Claude Code calls it sonnet" in refused.stderr
    assert "--model MODEL" in refused.stderr
    done = run_hiveloom("agent", "import", str(source), "--model", "claude-sonnet-5")
    path = home / "agents" / "code-reviewer.md"
    assert done.stdout == f"Imported code-reviewer (claude-sonnet-5): {path}\n"
    assert done.stderr.splitlines() == [
        "code-reviewer: the name “Code Reviewer” cannot name an agent; it is code-reviewer here",
        "code-reviewer: left out: tools: Read, Grep (tools of another program)",
        "code-reviewer uses the model claude-sonnet-5; the credential anthropic (not stored:"
        " hiveloom credential set anthropic); no tools; no skills",
    ]
    assert path.read_text("utf-8") == (
        "---\nmodel: claude-sonnet-5\ndescription: Reviews\n---\nReview.\n"
    )


def test_a_credential_that_a_file_names_is_only_a_name(tmp_path: Path) -> None:
    run_hiveloom("credential", "set", "work", "--base-url", "https://example.com", input="k" * 30)
    source = tmp_path / "a.yaml"
    source.write_text("name: a\nmodel: m\ncredential: work\ntools: [clock]\n", "utf-8")
    done = run_hiveloom("agent", "import", str(source))
    assert (
        "the credential work (only its name came, no key; stored in the file vault); tools clock;"
        in done.stderr
    )


def test_an_agent_is_replaced_only_on_demand_and_stays_a_version(
    folder: Path, tmp_path: Path, home: Path
) -> None:
    before = (folder / "helper.md").read_bytes()
    source = tmp_path / "new.yaml"
    source.write_text("name: helper\nmodel: m\n", "utf-8")
    refused = run_hiveloom("agent", "import", str(source))
    assert (refused.exit_code, "--force" in refused.stderr) == (1, True)
    assert (folder / "helper.md").read_bytes() == before
    assert run_hiveloom("agent", "import", str(source), "--force").exit_code == 0
    versions = json.loads((home / "versions" / "own" / "helper.json").read_text("utf-8"))
    assert [version["summary"] for version in versions["versions"]] == [
        "created",
        f"imported from {source}",
    ]
    named = run_hiveloom("agent", "import", str(source), "--name", "other", "--model", "gpt-5")
    assert (folder / "other.md").read_text("utf-8") == "---\nmodel: gpt-5\n---\n\n"
    assert named.exit_code == 0


def test_all_agents_of_a_manifest_come_in_or_none(folder: Path) -> None:
    manifest = "agents:\n- {name: new, model: m}\n- {name: helper, model: m}\n"
    before = (folder / "helper.md").read_bytes()
    done = run_hiveloom("agent", "import", "-", input=manifest)
    assert done.exit_code == 1
    assert not (folder / "new.md").exists()
    assert (folder / "helper.md").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "args", "code", "problem"),
    [
        ("", (), 2, "there is no agent in it"),
        ("just words", (), 1, "stdin:1: expected settings"),
        ("model: m", (), 2, "a name for the agent is missing"),
        ("---\nmodel: m\n---\nx", (), 2, "a name for the agent is missing"),
        ("name: a", (), 2, "stdin names no model"),
        ("name: a\nmodel: inherit", (), 2, "calls its model inherit"),
        ("name: a\nmodel: m\ntemperature: hot", (), 1, "stdin:3: `temperature`: expected"),
        ("[{name: a, model: m}, {name: A, model: m}]", (), 2, "a is there a second time"),
        ("[{name: a, model: m}, {name: b, model: m}]", ("--name", "c"), 2, "has 2 agents"),
        ("name: 日本\nmodel: m", (), 2, "a name for the agent is missing"),
        ("name: a\nmodel: m", ("--name", "A b"), 2, "“A b” cannot name an agent"),
        ("name: a\nmodel: m\ncredential: sk-made-up-0123456789", (), 1, "looks like a key"),
        (b"\xff\xfe", (), 1, "stdin:1: not UTF-8 text"),
    ],
)
def test_what_cannot_come_in_is_one_clear_line(
    home: Path, text: str | bytes, args: tuple[str, ...], code: int, problem: str
) -> None:
    done = run_hiveloom("agent", "import", "-", *args, input=text)
    assert (done.exit_code, problem in done.stderr) == (code, True), done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("error: ") == 1
    assert "sk-" not in done.stderr
    assert not list(home.glob("agents/*"))


def test_an_agent_comes_from_an_address(upstream: ScriptedUpstream, home: Path) -> None:
    upstream.add(Reply([OWN.encode()]))
    done = run_hiveloom("agent", "import", f"{upstream.origin}/files/own.md?token=secret#L1")
    assert done.exit_code == 0, done.stderr
    assert (home / "agents" / "own.md").read_bytes() == OWN.encode()
    versions = (home / "versions" / "own" / "own.json").read_text("utf-8")
    assert f"imported from {upstream.origin}/files/own.md" in versions
    assert "secret" not in versions


@pytest.mark.parametrize(
    ("reply", "code", "problem"),
    [
        (Reply([b"gone"], status=404), 1, "answered 404"),
        (Reply(status=301, headers=(("Location", "https://example.com/b"),)), 1, "example.com/b"),
        (Reply([b"<!doctype html>"]), 1, "is a web page"),
        (Reply([b"x" * (1024 * 1024 + 1)]), 1, "is larger than 1 MB"),
        (Reply([b"---\nmodel: m\n---\nGr\xfc\xdfe\n"]), 1, "a.md:4: not UTF-8 text"),
    ],
)
def test_what_does_not_come_from_an_address_is_told(
    upstream: ScriptedUpstream, home: Path, reply: Reply, code: int, problem: str
) -> None:
    upstream.add(reply)
    done = run_hiveloom("agent", "import", f"{upstream.origin}/a.md")
    assert (done.exit_code, problem in done.stderr) == (code, True), done.stderr
    assert not list(home.glob("agents/*"))


def test_a_name_is_read_out_of_an_address(upstream: ScriptedUpstream, home: Path) -> None:
    upstream.add(Reply([OWN.encode()]))
    done = run_hiveloom("agent", "import", f"{upstream.origin}/Code%20Reviewer.md")
    assert done.exit_code == 0, done.stderr
    assert (home / "agents" / "code-reviewer.md").exists()


def test_an_address_without_encryption_is_not_asked() -> None:
    done = run_hiveloom("agent", "import", "http://example.com/a.md")
    assert (done.exit_code, "plain http to another machine" in done.stderr) == (2, True)
