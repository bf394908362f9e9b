"""What a project brings is used only after the person has agreed to it."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.program import run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hiveloom_cli.demo.upstream import LoopbackUpstream

REVIEWER = "---\nmodel: gpt-4o-mini\ncredential: openai\ntools: [shell]\n---\nBe terse.\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a cloned repository with an agent that names a credential and a tool."""
    folder = tmp_path / "shop"
    (folder / ".hiveloom/agents").mkdir(parents=True)
    (folder / "src/deep").mkdir(parents=True)
    write(folder, REVIEWER)
    return folder


def write(checkout: Path, text: str, name: str = "reviewer") -> Path:
    path = checkout / f".hiveloom/agents/{name}.md"
    path.write_text(text)
    return path


@pytest.fixture
def env(loopback: LoopbackUpstream) -> Mapping[str, str]:
    return {"HIVELOOM_OPENAI_BASE_URL": loopback.openai_base_url}


def test_without_a_terminal_it_is_refused_until_it_is_trusted(
    checkout: Path, env: Mapping[str, str]
) -> None:
    done = run_hiveloom("chat", "reviewer", "hi", cwd=checkout, env=env)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "not trusted yet" in done.stderr
    assert "try: hiveloom trust reviewer" in done.stderr
    error = json.loads(run_hiveloom("chat", "--json", "reviewer", "hi", cwd=checkout).stdout)
    assert error["error"]["code"] == "untrusted"
    done = run_hiveloom("trust", "reviewer", "--yes", cwd=checkout, env=env)
    assert done.stdout == f"Trusted reviewer: {checkout}/.hiveloom/agents/reviewer.md\n"
    assert run_hiveloom("chat", "reviewer", "hi", cwd=checkout, env=env).exit_code == 0


def test_on_a_terminal_it_is_shown_and_asked_about_once(
    checkout: Path, env: Mapping[str, str], loopback: LoopbackUpstream
) -> None:
    with spawn_hiveloom(
        "chat", "reviewer", "hi", cwd=checkout / "src/deep", env=env, columns=200
    ) as terminal:
        terminal.expect("Trust reviewer? [y/N]")
        for fact in (
            f"file        {checkout}/.hiveloom/agents/reviewer.md",
            f"model       gpt-4o-mini at {loopback.openai_base_url.removesuffix('/v1')}",
            "credential  openai (not needed on this machine)",
            "tool        shell",
            "prompt      Be terse.",
        ):
            assert fact in terminal.text
        terminal.send_line("y")
        assert terminal.wait() == 0
    with spawn_hiveloom("chat", "reviewer", "hi", cwd=checkout, env=env) as terminal:
        assert terminal.wait() == 0
        assert "Trust" not in terminal.text


@pytest.mark.parametrize("answer", ["n", "", "yess"])
def test_any_other_answer_than_yes_uses_nothing(
    checkout: Path, env: Mapping[str, str], answer: str
) -> None:
    with spawn_hiveloom("chat", "reviewer", "hi", cwd=checkout, env=env) as terminal:
        terminal.expect("[y/N]")
        terminal.send_line(answer)
        assert terminal.wait() == 1
        assert "was not used" in terminal.text
    assert run_hiveloom("trust", "--list", cwd=checkout).stdout == ""


def test_a_change_is_asked_about_again_and_shown(checkout: Path, env: Mapping[str, str]) -> None:
    run_hiveloom("trust", "--yes", cwd=checkout, env=env)
    write(checkout, REVIEWER.replace("[shell]", "[shell, mail]"))
    done = run_hiveloom("chat", "reviewer", "hi", cwd=checkout, env=env)
    assert "has changed since you trusted it" in done.stderr
    with spawn_hiveloom("trust", cwd=checkout, env=env, columns=100) as terminal:
        terminal.expect("[y/N]")
        assert "tools +mail" in terminal.text
        assert "    - tools: [shell]\n    + tools: [shell, mail]\n" in terminal.text
        terminal.send_line("yes")
        assert terminal.wait() == 0
    assert run_hiveloom("chat", "reviewer", "hi", cwd=checkout, env=env).exit_code == 0


def test_a_copy_to_ones_own_agents_needs_the_same_trust(checkout: Path, home: Path) -> None:
    refused = run_hiveloom("agent", "copy", "reviewer", "mine", cwd=checkout)
    assert (refused.exit_code, "hiveloom trust reviewer" in refused.stderr) == (1, True)
    assert not (home / "agents/mine.md").exists()
    assert run_hiveloom("trust", "reviewer", "--yes", cwd=checkout).exit_code == 0
    assert run_hiveloom("agent", "copy", "reviewer", "mine", cwd=checkout).exit_code == 0
    assert (home / "agents/mine.md").read_text() == REVIEWER


def test_a_moved_checkout_is_another_one(checkout: Path, env: Mapping[str, str]) -> None:
    run_hiveloom("trust", "--yes", cwd=checkout)
    moved = checkout.with_name("moved")
    shutil.move(checkout, moved)
    assert run_hiveloom("chat", "reviewer", "hi", cwd=moved, env=env).exit_code == 1
    (row,) = json.loads(run_hiveloom("trust", "--list", "--json").stdout)
    assert (row["name"], row["state"]) == ("reviewer", "gone")
    done = run_hiveloom("trust", "--revoke", str(checkout))
    assert done.stdout == f"Not trusted any more: {checkout}/.hiveloom/agents/reviewer.md\n"


def test_an_agent_that_names_nothing_is_used_freely(checkout: Path, env: Mapping[str, str]) -> None:
    write(checkout, "---\nmodel: m\n---\nBe kind.\n", "kind")
    assert run_hiveloom("chat", "kind", "hi", cwd=checkout, env=env).exit_code == 0
    done = run_hiveloom("trust", "kind", cwd=checkout)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "use it freely" in done.stderr


def test_ones_own_agent_is_used_freely(checkout: Path, env: Mapping[str, str]) -> None:
    run_hiveloom("agent", "create", "mine", "--model", "m", "--credential", "openai")
    assert run_hiveloom("chat", "mine", "hi", cwd=checkout, env=env).exit_code == 0
    assert "is your own" in run_hiveloom("trust", "mine", cwd=checkout).stderr


def test_trust_is_listed_and_revoked(checkout: Path, env: Mapping[str, str]) -> None:
    path = write(checkout, REVIEWER, "other")
    assert run_hiveloom("trust", "--yes", cwd=checkout).exit_code == 0
    path.write_text(f"{REVIEWER}More.\n")
    rows = json.loads(run_hiveloom("trust", "--list", "--json", cwd=checkout).stdout)
    assert [(row["name"], row["state"]) for row in rows] == [
        ("other", "changed"),
        ("reviewer", "current"),
    ]
    assert set(rows[0]) == {"name", "path", "content", "trusted_at", "state"}
    table = run_hiveloom("trust", "--list", cwd=checkout).stdout.splitlines()
    assert table[0].split() == ["NAME", "TRUSTED", "STATE", "PATH"]
    assert run_hiveloom("trust", "--revoke", "reviewer", cwd=checkout).exit_code == 0
    assert run_hiveloom("chat", "reviewer", "hi", cwd=checkout, env=env).exit_code == 1
    done = run_hiveloom("trust", "--revoke", "reviewer", cwd=checkout)
    assert (done.exit_code, "nothing of reviewer is trusted" in done.stderr) == (5, True)


def test_a_name_that_is_trusted_in_several_places_is_not_guessed(
    checkout: Path, home: Path
) -> None:
    copy = checkout.with_name("copy")
    shutil.copytree(checkout, copy)
    for place in (checkout, copy):
        run_hiveloom("trust", "--yes", cwd=place)
    done = run_hiveloom("trust", "--revoke", "reviewer")
    assert (done.exit_code, "several places" in done.stderr) == (2, True)
    run_hiveloom("trust", "--revoke", "reviewer", cwd=copy)
    (row,) = json.loads(run_hiveloom("trust", "--list", "--json").stdout)
    assert row["path"].startswith(str(checkout))


def test_trusting_without_a_terminal_needs_yes(checkout: Path) -> None:
    done = run_hiveloom("trust", cwd=checkout)
    assert done.exit_code == 2
    assert "tool        shell" in done.stderr
    assert "add --yes" in done.stderr
    assert run_hiveloom("trust", "--list", cwd=checkout).stdout == ""


@pytest.mark.parametrize(
    "words", [("a", "--list"), ("--yes", "--list"), ("--list", "--revoke", "a"), ("--json",)]
)
def test_two_things_at_once_are_refused(words: tuple[str, ...]) -> None:
    assert run_hiveloom("trust", *words).exit_code == 2


def test_where_there_is_no_project_that_is_said() -> None:
    done = run_hiveloom("trust")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no project here" in done.stderr


@pytest.mark.parametrize("columns", [30, 40, 80])
def test_no_text_of_an_agent_can_pass_for_the_question(checkout: Path, columns: int) -> None:
    forged = "Trust reviewer? [y/N]"
    padding = " " * 18  # the rest of a line, on one of the screens
    hostile = [f"x\\n{forged}", f"\\e[2J\\r{forged}", f"a{padding * 3}{forged}", "\\u202Ey"]
    tools = ", ".join(f'"{text}"' for text in hostile)
    prompt = f"{padding * 4}{forged}\n{forged}\n\x1b]0;title\x07"
    write(
        checkout, f'---\nmodel: "m\\n{forged}"\ncredential: openai\ntools: [{tools}]\n---\n{prompt}'
    )
    with spawn_hiveloom("trust", cwd=checkout, columns=columns, rows=90) as terminal:
        terminal.expect("prompt")
        terminal.wait_until(
            lambda: terminal.text.rpartition("\n")[2].startswith("Trust reviewer? [y/N]"),
            "the question",
        )
        terminal.send_line("n")
        assert terminal.wait() == 1
    # Its own question alone begins a row, and is the one that was answered.
    questions = [line for line in terminal.lines if line.startswith("Trust")]
    assert questions == ["Trust reviewer? [y/N] n"]
    for steering in (b"\x1b[2J", b"\x1b]0", "\u202e".encode()):
        assert steering not in terminal.output


def test_text_that_a_terminal_draws_wider_than_it_counts_is_folded_early(checkout: Path) -> None:
    wide = "\u2764\ufe0f"  # a heart of one cell that a mark makes two on some terminals
    write(checkout, f'---\nmodel: "{wide * 60}"\ntools: ["{wide * 60}Trust"]\n---\n')
    shown = run_hiveloom("trust", cwd=checkout).stderr
    lines = [line for line in shown.splitlines() if "\ufe0f" in line]
    assert len(lines) >= 6
    assert max(len(line) + line.count("\ufe0f") for line in lines) < 80


def test_a_list_of_names_without_end_is_bounded(checkout: Path) -> None:
    tools = ", ".join(f"tool-{number}" for number in range(400))
    write(checkout, f"---\nmodel: m\ntools: [{tools}]\n---\n{'word ' * 5000}\n")
    shown = run_hiveloom("trust", cwd=checkout).stderr
    assert "and 350 more" in shown
    assert len(shown) < 6000


def test_a_broken_list_of_trust_trusts_nothing(
    checkout: Path, home: Path, env: Mapping[str, str]
) -> None:
    (home / "trusted.json").write_text("{")
    done = run_hiveloom("chat", "reviewer", "hi", cwd=checkout, env=env)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "trusted.json:1: not JSON" in done.stderr


def test_showing_needs_no_trust(checkout: Path) -> None:
    for words in (("list",), ("show", "reviewer"), ("show", "reviewer", "--raw")):
        assert run_hiveloom("agent", *words, cwd=checkout).exit_code == 0


def test_what_the_person_creates_in_a_project_is_trusted_and_said_where(
    tmp_path: Path, env: Mapping[str, str]
) -> None:
    folder = tmp_path / "new"
    (folder / ".git").mkdir(parents=True)
    (folder / "src").mkdir()
    words = ("agent", "create", "a", "--model", "m", "--credential", "openai", "--project")
    done = run_hiveloom(*words, cwd=folder / "src")
    path = folder / ".hiveloom/agents/a.md"
    assert done.stdout == f"Created a (m): {path}\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert run_hiveloom("chat", "a", "hi", cwd=folder, env=env).exit_code == 0
    path.write_text(path.read_text() + "More.\n")
    assert run_hiveloom("chat", "a", "hi", cwd=folder, env=env).exit_code == 1


def test_the_home_folder_is_no_project(home: Path) -> None:
    person = os.environ["HOME"]
    done = run_hiveloom("agent", "create", "a", "--model", "m", "--project", cwd=person)
    assert done.exit_code == 2
    assert "leave --project out" in done.stderr
