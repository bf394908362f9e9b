"""`hiveloom capability`: a tool or a skill and the agent that uses it, in one step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.program import run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Finished

URL = "https://shop.example.com/orders"
AGENT = "---\nmodel: m # mine\n---\nHi.\n"


@pytest.fixture(autouse=True)
def agent(home: Path) -> Path:
    path = home / "agents" / "helper.md"
    path.parent.mkdir()
    path.write_text(AGENT)
    (path.parent / "other.md").write_text(AGENT)
    return path


def run(command: str, agent: str, *words: str, **options: Any) -> Finished:
    return run_hiveloom("capability", command, agent, *words, **options)


def add_tool(*words: str, agent: str = "helper") -> Finished:
    given = ("--description", "Finds orders.", "--cap-endpoint", URL)
    return run("add", agent, "--name", "orders", *given, *words)


def add_skill(*words: str, text: str = "Be brief.\n") -> Finished:
    given = ("--auth-type", "markdown", "--from-file", "-")
    return run("add", "helper", "--name", "notes", *given, *words, input=text)


def load_json(command: str, *words: str) -> Any:
    done = run(command, "helper", *words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def list_files(home: Path) -> list[str]:
    folders = [home / "tools", home / "skills"]
    found = [path.name for folder in folders if folder.exists() for path in folder.iterdir()]
    return [name for name in found if not name.startswith(".")]


def test_an_endpoint_becomes_a_tool_that_the_agent_uses(home: Path, agent: Path) -> None:
    done = add_tool()
    assert done.exit_code == 0, done.stderr
    assert done.stdout == (
        f"Added orders: {home}/tools/orders.md\n"
        f"Changed helper: tools [orders] (version 2): {agent}\n"
    )
    assert (home / "tools" / "orders.md").read_text() == (
        f"---\nurl: {URL}\nmethod: POST\ninput:\n"
        "  type: object\n  properties: {}\n  additionalProperties: true\n"
        "---\nFinds orders.\n"
    )
    assert agent.read_text() == AGENT.replace("mine\n", "mine\ntools: [orders]\n")


def test_a_key_is_named_and_how_to_store_it_is_said(home: Path) -> None:
    done = add_tool("--auth-type", "api_key", "--credential-ref", "shop")
    assert done.exit_code == 0
    assert f"url: {URL}\ncredential: shop\n" in (home / "tools" / "orders.md").read_text()
    assert "hiveloom credential set shop --base-url https://shop.example.com\n" in done.stderr


def test_a_file_can_say_more_of_a_tool(home: Path) -> None:
    text = "---\n# mine\nmethod: PUT\ninput: {properties: {id: {type: string}}}\n---\nFinds.\n"
    done = run("add", "helper", "orders", "--cap-endpoint", URL, "--from-file", "-", input=text)
    assert done.exit_code == 0, done.stderr
    assert (home / "tools" / "orders.md").read_text() == text.replace(
        "---\nFinds", f"url: {URL}\n---\nFinds"
    )


def test_a_text_becomes_a_skill_that_the_agent_uses(home: Path, agent: Path) -> None:
    done = add_skill("--description", "How notes are written.")
    assert done.exit_code == 0, done.stderr
    path = home / "skills" / "notes" / "SKILL.md"
    assert done.stdout.startswith(f"Added notes: {path}\nChanged helper: skills [notes]")
    assert path.read_text() == (
        "---\nname: notes\ndescription: How notes are written.\n---\nBe brief.\n"
    )
    assert "skills: [notes]\n" in agent.read_text()


def test_a_skill_that_is_whole_gets_the_name_and_stays_as_it_is(home: Path) -> None:
    text = "---\nname: old # n\ndescription: Whole.\nlicense: MIT\n---\n\nBe brief.\n"
    assert add_skill(text=text).exit_code == 0
    written = (home / "skills" / "notes" / "SKILL.md").read_text()
    assert written == text.replace("name: old", "name: notes")


def test_what_is_to_be_typed_names_the_agent() -> None:
    done = run("add", "helper", "x", "--description", "d")
    assert done.stderr.endswith("try: hiveloom capability add helper x --cap-endpoint URL\n")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("x", "--description", "d"), "--cap-endpoint is missing"),
        (("x", "--cap-endpoint", URL), "a description is missing"),
        (("X", "--cap-endpoint", URL, "--description", "d"), "“X” cannot name a tool"),
        (
            ("x", "--cap-endpoint", URL, "--description", "d", "--auth-type", "api_key"),
            "--auth-type api_key needs a credential",
        ),
        (
            ("x", "--cap-endpoint", URL, "--auth-type", "none", "--credential-ref", "k"),
            "a call that needs no key has no credential",
        ),
        (("x", "--cap-endpoint", URL, "--auth-type", "markdown"), "a skill calls nothing"),
        (("x", "--credential-ref", "k", "--auth-type", "markdown"), "a skill calls nothing"),
        (("x", "--auth-type", "markdown"), "a skill's text is missing"),
        (("x", "--from-file", "-"), "`description` is missing"),
        (("x", "--from-file", "-", "--description", "d"), "the skill has no text"),
        (("x-", "--from-file", "-", "--description", "d"), "“x-” cannot name a skill"),
        (("x", "--from-file", "-", "--description", "d" * 1025), "longer than 1,024"),
        ((), "a name is missing"),
    ],
)
def test_what_does_not_fit_together_changes_nothing(
    home: Path, agent: Path, words: tuple[str, ...], problem: str
) -> None:
    done = run("add", "helper", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert problem in done.stderr
    assert list_files(home) == []
    assert agent.read_text() == AGENT


def test_without_the_agent_nothing_is_left_behind(home: Path) -> None:
    assert add_tool(agent="nobody").exit_code == 5
    assert list_files(home) == []


def test_an_agent_that_cannot_be_changed_leaves_nothing_behind(home: Path, agent: Path) -> None:
    text = AGENT.replace("mine\n", "mine\nboth: &both [one]\ntools: *both\nskills: *both\n")
    agent.write_text(text)
    for done in (add_tool(), add_skill("--description", "d")):
        assert (done.exit_code, done.stdout) == (2, "")
        assert "the way its settings are laid out" in done.stderr
    assert list_files(home) == []
    assert agent.read_text() == text


def test_what_is_there_already_is_not_replaced(home: Path, agent: Path) -> None:
    add_tool()
    add_skill("--description", "d")
    former = agent.read_text()
    done = add_tool()
    assert done.exit_code == 1
    assert "helper has a capability named orders already" in done.stderr
    done = add_tool(agent="other")
    assert done.exit_code == 1
    assert "--add-tool orders" in done.stderr
    run("remove", "helper", "notes")
    done = add_skill("--description", "e")
    assert done.exit_code == 1
    assert "--add-skill notes" in done.stderr
    assert "description: d\n" in (home / "skills" / "notes" / "SKILL.md").read_text()
    assert agent.read_text() == former.replace("skills: [notes]\n", "skills: []\n")


def test_a_list_shows_tools_skills_and_what_is_wrong(home: Path, agent: Path) -> None:
    add_tool()
    add_skill("--description", "How.")
    options = ("--add-tool", "mcp:github", "--add-tool", "gone", "--add-skill", "lost")
    run_hiveloom("agent", "edit", "helper", *options)
    done = run("list", "helper")
    assert done.exit_code == 0
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "NAME KIND APPROVAL DESCRIPTION",
        "orders http ask Finds orders.",
        "mcp:github mcp -",
        "gone broken - there is no tool named gone",
        "notes skill - How.",
        "lost skill - there is no skill named lost",
    ]
    rows = {row["name"]: row for row in load_json("list")}
    assert rows["orders"]["problem"] is None
    assert rows["mcp:github"]["problem"] is None
    assert rows["gone"]["problem"] == "there is no tool named gone"
    assert rows["notes"]["description"] == "How."


def test_an_agent_without_any_is_told_how_to_get_one() -> None:
    done = run("list", "helper")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == (
        "helper has no tool and no skill yet: hiveloom capability add helper --help\n"
    )
    assert load_json("list") == []


def test_one_is_shown_with_its_file(home: Path) -> None:
    add_tool()
    add_skill("--description", "How.")
    assert run("show", "helper", "orders").stdout.endswith("---\nFinds orders.\n")
    assert load_json("show", "orders")["used_by"] == ["helper"]
    assert run("show", "helper", "notes").stdout.endswith("\n\nBe brief.\n")
    assert load_json("show", "notes")["body"] == "Be brief."
    run_hiveloom("agent", "edit", "helper", "--add-tool", "mcp:github")
    assert run("show", "helper", "mcp:github").stdout == "mcp:github\n"
    assert load_json("show", "mcp:github")["kind"] == "mcp"


@pytest.mark.parametrize("command", ["show", "edit", "remove"])
def test_what_the_agent_does_not_name_is_not_its_capability(command: str) -> None:
    add_tool(agent="other")
    done = run(command, "helper", "orders")
    assert done.exit_code == 5
    assert "helper has no capability named orders" in done.stderr


def test_a_tool_is_changed_for_all_who_name_it(home: Path) -> None:
    add_tool("--credential-ref", "shop")
    run_hiveloom("agent", "edit", "other", "--add-tool", "orders")
    other = "https://shop.example.com/v2"
    done = run("edit", "helper", "orders", "--cap-endpoint", other, "--description", "New.")
    assert done.exit_code == 0, done.stderr
    assert "note: it is the same for other\n" in done.stderr
    text = (home / "tools" / "orders.md").read_text()
    assert text.startswith(f"---\nurl: {other}\ncredential: shop\n")
    assert text.endswith("---\nNew.\n")
    run("edit", "helper", "orders", "--auth-type", "none")
    assert "credential" not in (home / "tools" / "orders.md").read_text()
    run("edit", "helper", "orders", "--auth-type", "api_key", "--credential-ref", "k")
    assert "credential: k\n" in (home / "tools" / "orders.md").read_text()


def test_a_skill_is_changed(home: Path) -> None:
    add_skill("--description", "How.")
    path = home / "skills" / "notes" / "SKILL.md"
    (path.parent / "more.md").write_text("More.\n")
    run("edit", "helper", "notes", "--description", "Why.")
    assert path.read_text() == "---\nname: notes\ndescription: Why.\n---\nBe brief.\n"
    run("edit", "helper", "notes", "--from-file", "-", input="Be long.\n")
    assert path.read_text() == "---\nname: notes\ndescription: Why.\n---\nBe long.\n"
    assert (path.parent / "more.md").read_text() == "More.\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("orders",), "no option says what to change"),
        (("orders", "--auth-type", "markdown"), "--auth-type markdown has no place here"),
        (("notes", "--cap-endpoint", URL), "a skill calls nothing"),
        (("notes", "--from-file", "-"), "the skill has no text"),
    ],
)
def test_a_change_that_does_not_fit_is_not_made(
    home: Path, words: tuple[str, ...], problem: str
) -> None:
    add_tool()
    add_skill("--description", "How.")
    done = run("edit", "helper", *words)
    assert done.exit_code == 2
    assert problem in done.stderr
    assert (home / "skills" / "notes" / "SKILL.md").read_text().endswith("Be brief.\n")


def test_what_is_taken_from_an_agent_stays_for_others(home: Path, agent: Path) -> None:
    add_tool()
    run_hiveloom("agent", "edit", "other", "--add-tool", "orders")
    done = run("remove", "helper", "orders")
    assert done.exit_code == 0, done.stderr
    assert "tools: []\n" in agent.read_text()
    assert list_files(home) == ["orders.md"]
    assert "No agent names it" not in done.stderr
    done = run("remove", "other", "orders")
    assert "To remove it: hiveloom tool remove orders\n" in done.stderr
    assert list_files(home) == ["orders.md"]
    assert "tools [orders]" in run_hiveloom("agent", "versions", "helper").stdout


def test_a_purge_removes_what_nobody_else_names(home: Path, agent: Path) -> None:
    add_tool()
    add_skill("--description", "How.")
    run_hiveloom("agent", "edit", "other", "--add-tool", "orders")
    former = agent.read_text()
    done = run("remove", "helper", "orders", "--purge", "--yes")
    assert done.exit_code == 2
    assert "other needs orders too" in done.stderr
    assert run("remove", "helper", "notes", "--purge").exit_code == 2  # nobody can be asked
    assert agent.read_text() == former
    run("remove", "other", "orders")
    assert run("remove", "helper", "orders", "--purge", "--yes").exit_code == 0
    with spawn_hiveloom("capability", "remove", "helper", "notes", "--purge") as terminal:
        terminal.expect("Remove notes itself as well?")
        terminal.send_line("y")
        assert terminal.wait() == 0
    assert list_files(home) == []


def test_a_skill_can_be_tried(home: Path) -> None:
    add_skill("--description", "How.")
    done = run_hiveloom("tool", "test", "skill:notes", '{"name": "notes"}')
    assert (done.exit_code, done.stdout) == (0, "Be brief.")
    assert done.stderr == "  skill:notes runs:\n  load the skill notes\n"


def test_names_are_completed(home: Path) -> None:
    add_tool()
    words = "hiveloom capability show helper o"
    env = {"_HIVELOOM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "4"}
    assert run_hiveloom(env=env).stdout.split() == ["plain,orders"]
