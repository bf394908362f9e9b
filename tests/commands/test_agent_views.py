"""`agent list` and `agent show`: whose an agent is, and which upstream would answer it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.program import run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-a-made-up-key-0123456789"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project with an agent `a` that names a credential, which hides one's own `a`."""
    folder = tmp_path / "shop"
    (folder / ".hiveloom/agents").mkdir(parents=True)
    (folder / ".hiveloom/agents/a.md").write_text("---\nmodel: m\ncredential: work\n---\nHi.\n")
    for name in ("a", "b"):
        run_hiveloom("agent", "create", name, "--model", "own-model", "--description", "Mine")
    return folder


def show_json(name: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> Any:
    done = run_hiveloom("agent", "show", name, "--json", cwd=cwd, env=env)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def create(name: str = "a", *options: str, model: str = "gpt-4o-mini") -> None:
    assert run_hiveloom("agent", "create", name, "--model", model, *options).exit_code == 0


def test_a_list_says_where_agents_are_only_in_a_project(project: Path) -> None:
    done = run_hiveloom("agent", "list", cwd=project)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["NAME", "WHERE", "MODEL", "DESCRIPTION"],
        ["a", "project", "m", "Hi."],
        ["b", "own", "own-model", "Mine"],
    ]
    assert done.stderr == "note: the project's agent a hides your own of that name\n"
    done = run_hiveloom("agent", "list")
    assert done.stdout.splitlines()[0].split() == ["NAME", "MODEL", "DESCRIPTION"]
    assert done.stderr == ""


def test_a_list_as_json_has_scope_and_path(project: Path, home: Path) -> None:
    rows = json.loads(run_hiveloom("agent", "list", "--json", cwd=project).stdout)
    assert [(row["name"], row["scope"], row["path"]) for row in rows] == [
        ("a", "project", f"{project}/.hiveloom/agents/a.md"),
        ("b", "own", f"{home}/agents/b.md"),
    ]


def test_a_broken_agent_of_a_project_hides_no_other(project: Path) -> None:
    (project / ".hiveloom/agents/bad.md").write_text("---\n")
    done = run_hiveloom("agent", "list", cwd=project)
    assert done.exit_code == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["NAME", "a", "b"]
    assert "bad.md:1: expected a second" in done.stderr


def test_a_project_in_the_home_folder_of_hiveloom_is_ones_own(tmp_path: Path) -> None:
    env = {"HIVELOOM_HOME": str(tmp_path / "w/.hiveloom")}
    (tmp_path / "w/sub").mkdir(parents=True)
    run_hiveloom("agent", "create", "a", "--model", "m", env=env)
    done = run_hiveloom("agent", "list", cwd=tmp_path / "w/sub", env=env)
    assert done.stdout.splitlines()[0].split() == ["NAME", "MODEL", "DESCRIPTION"]


def test_an_agent_is_shown_with_all_keys(project: Path) -> None:
    document = show_json("a", cwd=project)
    assert list(document) == [
        "name", "model", "description", "credential", "temperature", "top_p", "max_tokens",
        "stop", "tools", "skills", "save", "max_cost", "max_total_tokens", "max_cost_per_day",
        "max_total_tokens_per_day", "context_window", "compaction",
        "system_prompt", "upstream", "scope", "trust", "hides_own",
        "path", "version", "warnings",
    ]  # fmt: skip
    assert document["scope"] == "project"
    assert (document["trust"], document["hides_own"], document["version"]) == ("needed", True, 1)
    assert list(document["upstream"]) == [
        "protocol", "base_url", "moved_by", "credential", "key", "problem",
    ]  # fmt: skip
    run_hiveloom("trust", "a", "--yes", cwd=project)
    assert show_json("a", cwd=project)["trust"] == "trusted"
    assert show_json("a")["trust"] == "not_needed"


def test_no_value_passes_for_another_field(project: Path) -> None:
    text = '---\nmodel: "m\\nkept:  your own\\u2028file:  /elsewhere"\ntools: ["a\\r\\nb"]\n---\n'
    (project / ".hiveloom/agents/a.md").write_text(text)
    lines = run_hiveloom("agent", "show", "a", cwd=project).stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "name", "model", "tools", "protocol", "base URL", "credential", "file", "kept",
    ]  # fmt: skip


def test_a_hidden_agent_is_named_when_the_other_is_shown(project: Path) -> None:
    done = run_hiveloom("agent", "show", "a", cwd=project)
    assert (
        "kept:        in the project, version 1, not trusted yet: hiveloom trust a" in done.stdout
    )
    assert "note: the project's agent a hides your own" in done.stderr
    assert "kept:         your own, version 1" in run_hiveloom("agent", "show", "a").stdout


def test_whether_the_key_is_there_is_said_without_asking_for_it() -> None:
    create()
    assert show_json("a")["upstream"]["key"] == "missing"
    text = run_hiveloom("agent", "show", "a").stdout
    assert "openai (not stored: hiveloom credential set openai)" in text
    env = {"OPENAI_API_KEY": KEY}
    assert show_json("a", env)["upstream"]["key"] == "environment"
    assert "(from OPENAI_API_KEY)" in run_hiveloom("agent", "show", "a", env=env).stdout
    run_hiveloom("credential", "set", "openai", input=KEY)
    # There is no such keyring, and nothing asks for it.
    assert show_json("a", {"HIVELOOM_KEYRING": "os"})["upstream"]["key"] == "stored"
    done = run_hiveloom("agent", "show", "a")
    assert "openai (stored in the file vault)" in done.stdout
    assert KEY not in done.stdout + done.stderr


def test_the_variable_that_moves_the_base_url_is_named() -> None:
    create(model="claude-sonnet-5")
    env = {"HIVELOOM_ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    assert show_json("a", env)["upstream"] == {
        "protocol": "anthropic",
        "base_url": "http://127.0.0.1:9",
        "moved_by": "HIVELOOM_ANTHROPIC_BASE_URL",
        "credential": "anthropic",
        "key": "not_needed",
        "problem": None,
    }
    text = run_hiveloom("agent", "show", "a", env=env).stdout
    assert "http://127.0.0.1:9 (from HIVELOOM_ANTHROPIC_BASE_URL)" in text
    assert "anthropic (not needed on this machine)" in text


def test_a_broken_base_url_is_told_and_the_rest_shown() -> None:
    create()
    env = {"HIVELOOM_OPENAI_BASE_URL": f"https://user:{KEY}@example.org"}
    done = run_hiveloom("agent", "show", "a", env=env)
    assert done.exit_code == 0
    assert "gpt-4o-mini" in done.stdout
    assert "HIVELOOM_OPENAI_BASE_URL holds a user name or a password" in done.stderr
    assert KEY not in done.stdout + done.stderr
    upstream = show_json("a", env)["upstream"]
    assert (upstream["base_url"], upstream["protocol"]) == (None, "openai")
    assert "holds a user name" in upstream["problem"]


def test_a_broken_list_of_credentials_is_told_and_the_rest_shown(home: Path) -> None:
    create()
    (home / "credentials.json").write_text("{")
    done = run_hiveloom("agent", "show", "a")
    assert (done.exit_code, "gpt-4o-mini" in done.stdout) == (0, True)
    assert "credentials.json:1: not JSON" in done.stderr


def test_raw_is_the_files_bytes(home: Path) -> None:
    content = b"\xef\xbb\xbf---\r\nmodel: m # \xc3\xa9\r\n---\r\n\x1b[2J no newline"
    create()
    (home / "agents/a.md").write_bytes(content)
    done = run_hiveloom("agent", "show", "a", "--raw")
    assert (done.stdout_bytes, done.stderr) == (content, "")
    (home / "agents/a.md").write_bytes(b"\xff not an agent")
    assert run_hiveloom("agent", "show", "a", "--raw").stdout_bytes == b"\xff not an agent"
    (home / "agents/a.md").write_bytes(content)
    with spawn_hiveloom("agent", "show", "a", "--raw") as terminal:
        assert terminal.wait() == 0
        assert b"\x1b[2J" not in terminal.output
    assert run_hiveloom("agent", "show", "a", "--raw", "--json").exit_code == 2


@pytest.mark.parametrize("columns", [40, 80])
def test_the_prompt_is_rendered_on_a_terminal_and_plain_in_a_pipe(columns: int) -> None:
    prompt = "# Rules\n\n- Be **terse**.\n- Name the line."
    create("a", "--system-prompt", prompt)
    assert run_hiveloom("agent", "show", "a").stdout.endswith(f"\n\n{prompt}\n")
    with spawn_hiveloom("agent", "show", "a", columns=columns) as terminal:
        assert terminal.wait() == 0
        assert "Be terse." in terminal.text
        assert "**" not in terminal.text
        assert max(map(len, terminal.lines)) <= columns
