"""A wrong command line is told in the program's own words, and help says the limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.commands.numbers import Limits
from tests.support.program import Finished, run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from pathlib import Path

Hiveloom = Callable[..., Finished]


@pytest.mark.parametrize(
    ("args", "said", "fix"),
    [
        (("agent", "rename", "a"), "NEW is missing", "hiveloom agent rename OLD NEW"),
        (
            ("agent", "rollback", "a"),
            "--to-version is missing",
            "hiveloom agent rollback [NAME] --to-version N",
        ),
        (("apply",), "--file is missing", "hiveloom apply -f MANIFEST"),
        (
            ("completion",),
            "SHELL is missing; there are: bash, zsh, fish",
            "hiveloom completion SHELL",
        ),
        (("agent", "show"), "a name is missing", "hiveloom agent show NAME"),
        (
            ("agent", "lsit"),
            "there is no command lsit; did you mean list?",
            "hiveloom agent --help",
        ),
        (
            ("credential", "sett"),
            "there is no command sett; did you mean set?",
            "hiveloom credential --help",
        ),
        (
            ("agent", "show", "--jsn", "a"),
            "there is no option --jsn; did you mean --json?",
            "hiveloom agent show --help",
        ),
        (("agent", "show", "--json=x"), "--json takes no value", "hiveloom COMMAND --help"),
        (("agent", "edit", "--model"), "--model needs a value", "hiveloom COMMAND --help"),
        (
            ("chat", "--timeout", "0", "a"),
            "--timeout: expected a number above 0, 86400 at most",
            "hiveloom chat --help",
        ),
        (
            ("chat", "--max-tries", "0", "a"),
            "--max-tries: expected a whole number from 1 to 100",
            "hiveloom chat --help",
        ),
    ],
)
def test_a_wrong_command_line_is_told_in_plain_words(
    hiveloom: Hiveloom, args: tuple[str, ...], said: str, fix: str
) -> None:
    done = hiveloom(*args)
    assert done.exit_code == 2
    assert done.stderr == f"error: {said}\n  try: {fix}\n"


def test_a_wrong_variable_is_called_by_its_name(hiveloom: Hiveloom) -> None:
    done = hiveloom("chat", "a", "hi", env={"HIVELOOM_TIMEOUT": "soon"})
    assert done.stderr.startswith("error: HIVELOOM_TIMEOUT: expected a number above 0")


def test_a_file_that_is_not_there_is_told_alike_everywhere(hiveloom: Hiveloom) -> None:
    for args in (("agent", "import", "x.md"), ("apply", "-f", "x.md")):
        done = hiveloom(*args)
        assert done.stderr == "error: x.md: no such file\n  try: check its name and place\n"


@pytest.mark.parametrize(
    "args", [("agent", "create"), ("agent", "edit"), ("agent", "versions"), ("agent", "rollback")]
)
def test_help_says_limits_in_words(hiveloom: Hiveloom, args: tuple[str, ...]) -> None:
    shown = hiveloom(*args, "--help").stdout
    assert "<=" not in shown
    assert "RANGE" not in shown


def test_help_fits_80_columns(hiveloom: Hiveloom) -> None:
    for args in (("completion",), ("chat",), ("agent", "export"), ("agent", "import"), ("apply",)):
        lines = hiveloom(*args, "--help", env={"COLUMNS": "80"}).stdout.splitlines()
        assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("limits", "taken", "refused", "words"),
    [
        (Limits(0, 2), (0, 2), (-0.1, 2.1, float("nan")), "a number from 0 to 2"),
        (Limits(1, is_whole=True), (1, 10**30), (0,), "a whole number of at least 1"),
        (Limits(0, 9, is_open=True), (0.1, 9), (0, float("inf")), "a number above 0, 9 at most"),
    ],
)
def test_limits_take_what_they_say(
    limits: Limits, taken: tuple[float, ...], refused: tuple[float, ...], words: str
) -> None:
    assert all(map(limits.has, taken))
    assert not any(map(limits.has, refused))
    assert limits.words == words


def test_an_agent_without_a_key_is_noted_when_it_is_made(hiveloom: Hiveloom) -> None:
    done = hiveloom("agent", "create", "a", "--model", "gpt-4o-mini", "--credential", "groq")
    assert done.stderr.splitlines() == [
        "note: the key groq is not stored: hiveloom credential set groq",
        "Talk to it: hiveloom chat a",
    ]
    done = hiveloom("agent", "edit", "a", "--credential", "work")
    assert done.stderr == "note: the key work is not stored: hiveloom credential set work\n"
    assert hiveloom("agent", "edit", "a", "--temperature", "1").stderr == ""


def test_forgetting_what_was_never_learned_says_so(hiveloom: Hiveloom) -> None:
    done = hiveloom("model", "forget", "m")
    assert (done.exit_code, done.stdout) == (
        0,
        "Nothing was learned of m: there is nothing to forget.\n",
    )


def test_a_project_agent_that_was_changed_has_to_be_trusted_again_and_says_so(
    hiveloom: Hiveloom, tmp_path: Path
) -> None:
    made = ("agent", "create", "a", "--project", "--model", "m", "--credential", "groq")
    assert "trust" not in hiveloom(*made, cwd=tmp_path).stderr
    done = hiveloom("agent", "edit", "a", "--temperature", "1", cwd=tmp_path)
    assert done.stderr == "note: before its next use, trust it: hiveloom trust a\n"
    hiveloom("trust", "a", "--yes", cwd=tmp_path)
    done = hiveloom("agent", "edit", "a", "--temperature", "1", cwd=tmp_path)
    assert done.stderr == ""


def complete(hiveloom: Hiveloom, shell: str, words: str) -> str:
    env = {
        "_HIVELOOM_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    return hiveloom(env=env).stdout


def test_a_shell_shows_the_line_that_help_shows(hiveloom: Hiveloom) -> None:
    shown = complete(hiveloom, "zsh", "hiveloom agent ")
    assert "plain\nedit\nChange an agent, by options or in an editor.\n" in shown
    assert "..." not in shown


def test_a_shell_offers_files_to_import(hiveloom: Hiveloom) -> None:
    assert complete(hiveloom, "bash", "hiveloom agent import ").startswith("file,")


@pytest.mark.parametrize(
    ("editor", "said"),
    [
        ("nowhere-at-all", "the editor nowhere-at-all cannot be started (No such file"),
        ("false", "the editor false ended with an error, and nothing was changed"),
        ("'", "VISUAL or EDITOR is no command that can be run"),
    ],
)
def test_an_editor_that_fails_is_told_by_its_name(
    hiveloom: Hiveloom, editor: str, said: str
) -> None:
    hiveloom("agent", "create", "a", "--model", "m")
    with spawn_hiveloom("agent", "edit", "a", env={"VISUAL": editor}, columns=200) as terminal:
        terminal.expect(f"error: {said}")
        terminal.expect("try: set VISUAL or EDITOR")
        assert terminal.wait() == 1


@pytest.mark.parametrize("group", ["tool", "mcp"])
def test_an_option_of_a_command_without_two_hyphens_before_it_says_where_it_goes(
    group: str,
) -> None:
    done = run_hiveloom(group, "add", "x", "date", "-z")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: there is no option -z\n"
        f"  try: put a command after -- (hiveloom {group} add --help)\n",
    )
