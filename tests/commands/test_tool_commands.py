"""`hiveloom tool`: files that are checked before they are written, and tools that run alone."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.program import run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.program import Finished

SCHEMA = '{"properties": {"city": {"type": "string"}}, "required": ["city"]}'
ECHO = "import sys; sys.stdout.write(sys.stdin.read())"


def add(name: str, *words: str) -> Finished:
    return run_hiveloom("tool", "add", name, "--description", "Probes.", *words)


def add_python(name: str, script: str, *options: str) -> None:
    done = add(name, *options, "--", sys.executable, "-c", script)
    assert done.exit_code == 0, done.stderr


def read(home: Path, name: str) -> str:
    return (home / "tools" / f"{name}.md").read_text()


def load_json(*words: str) -> Any:
    done = run_hiveloom(*words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_what_stands_behind_two_dashes_is_the_command(home: Path) -> None:
    done = add("changes", "--", "git", "log", "--oneline", "a b")
    assert done.stdout == f"Added changes: {home}/tools/changes.md\n"
    assert "hiveloom agent edit AGENT --add-tool changes\n" in done.stderr
    assert read(home, "changes") == ("---\ncommand: [git, log, --oneline, a b]\n---\nProbes.\n")


def test_a_name_can_be_an_option_before_a_command(home: Path) -> None:
    done = run_hiveloom("tool", "add", "--name", "x", "--description", "d", "--", "git", "log")
    assert done.exit_code == 0, done.stderr
    assert "command: [git, log]\n" in read(home, "x")


def test_a_url_is_written_with_its_settings(home: Path) -> None:
    done = add(
        "weather",
        *("--url", "https://api.example.com/{city}", "--method", "post"),
        *("--header", "Accept: text/csv", "--header", "X-A:b: c", "--credential", "weather"),
        *("--allow-private", "--input", SCHEMA, "--approval", "auto", "--set", "timeout=5"),
    )
    assert done.exit_code == 0, done.stderr
    assert read(home, "weather") == (
        "---\n"
        "url: https://api.example.com/{city}\n"
        "method: POST\n"
        "headers:\n"
        "  Accept: text/csv\n"
        "  X-A: 'b: c'\n"
        "credential: weather\n"
        "allow_private: true\n"
        "approval: auto\n"
        "input:\n"
        "  properties:\n"
        "    city:\n"
        "      type: string\n"
        "  required: [city]\n"
        "timeout: 5\n"
        "---\n"
        "Probes.\n"
    )
    assert "hiveloom credential set weather --base-url https://api.example.com\n" in done.stderr


def test_schema_and_description_can_be_files(home: Path, tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(SCHEMA)
    done = run_hiveloom(
        *("tool", "add", "x", "--from-file", "-", "--input", str(tmp_path / "schema.json")),
        *("--", "git"),
        input="Two\nlines.\n",
    )
    assert done.exit_code == 0, done.stderr
    assert load_json("tool", "show", "x")["input"]["required"] == ["city"]
    assert read(home, "x").endswith("---\nTwo\nlines.\n")


def test_a_whole_file_is_taken_in_as_it_is(home: Path) -> None:
    text = "---\n# mine\ncommand: [git, log]   # of here\n---\n\nLists.\n"
    done = run_hiveloom("tool", "add", "x", "--from-file", "-", "--approval", "deny", input=text)
    assert done.exit_code == 0, done.stderr
    assert read(home, "x") == text.replace("here\n", "here\napproval: deny\n")


def test_a_program_that_is_not_there_yet_is_noted(home: Path) -> None:
    done = add("x", "--", "no-such-program")
    assert done.exit_code == 0
    assert "note: there is no program no-such-program\n" in done.stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("x",), "neither a URL nor a command was given"),
        (("x", "--url", "https://a.example", "--", "git"), "expected either `url` or `command`"),
        (("x", "--", "./git"), "`command`: ./git would depend on the working folder"),
        (("X", "--", "git"), "“X” cannot name a tool"),
        (("../x", "--", "git"), "“../x” cannot name a tool"),
        (("x", "--set", "timeut=5", "--", "git"), "`timeut` is not a setting of a command"),
        (("x", "--set", "timeout=a", "--", "git"), "`timeout`: expected seconds"),
        (("x", "--set", "timeout", "--", "git"), "--set: expected a key and a value"),
        (("x", "--set", "timeout=[", "--", "git"), "timeout: the value is not valid YAML"),
        (("x", "--set", "url=a", "--url", "b"), "url is given in two ways"),
        (("x", "--approval", "no", "--", "git"), "--approval: "),
        (("x", "--input", "{", "--", "git"), "--input: not JSON"),
        (("x", "--input", '{"type": "array"}', "--", "git"), "expected a JSON Schema of type obj"),
        (("x", "--header", "a", "--url", "https://a.example"), "--header: expected a name and"),
        (
            ("x", "--header", "X-K: sk-aaaaaaaaaaaaaaaaaaaaaaaa", "--url", "https://a.example"),
            "--header: X-K looks like a key",
        ),
        (("x", "--description", "", "--", "git"), "a description is missing"),
        (("x", "--from-file", "-", "--", "git"), "the description was given twice"),
    ],
)
def test_what_is_no_tool_is_not_written(home: Path, words: tuple[str, ...], problem: str) -> None:
    done = add(*words)
    assert (done.exit_code, done.stdout) == (2, ""), done.stderr
    assert problem in done.stderr
    assert "aaaaaaaa" not in done.stderr
    assert not (home / "tools").exists()


def test_a_tool_is_replaced_only_when_that_is_said(home: Path) -> None:
    add("x", "--", "git")
    done = add("x", "--", "ls")
    assert done.exit_code == 1
    assert "there is a tool named x already" in done.stderr
    assert "command: [git]" in read(home, "x")
    assert add("x", "--force", "--", "ls").exit_code == 0
    assert "command: [ls]" in read(home, "x")


def test_a_list_shows_broken_files_with_their_fault(home: Path) -> None:
    add("good", "--", "git")
    (home / "tools" / "bad.md").write_text("---\ncommand: git log\n---\nBad.\n")
    (home / "tools" / "worse.md").write_bytes(b"\xff")
    done = run_hiveloom("tool", "list")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines == [
        "NAME KIND APPROVAL DESCRIPTION",
        "bad broken - line 2: `command`: expected a list of words, which no shell reads",
        "good command ask Probes.",
        "worse broken - line 1: not UTF-8 text",
    ]
    rows = {row["name"]: row for row in load_json("tool", "list")}
    assert rows["good"]["problem"] is None
    assert rows["good"]["approval"] == "ask"
    assert rows["bad"]["problem"].startswith(f"{home}/tools/bad.md:2: `command`")
    assert rows["bad"]["kind"] is None


def test_an_empty_list_says_how_to_begin(home: Path) -> None:
    done = run_hiveloom("tool", "list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "hiveloom tool add --help" in done.stderr
    assert load_json("tool", "list") == []


def test_a_tool_is_shown_with_the_agents_that_name_it(home: Path) -> None:
    add("changes", "--", "git", "log")
    assert (
        "used by:   no agent: hiveloom agent edit AGENT --add-tool changes"
        in run_hiveloom("tool", "show", "changes").stdout
    )
    run_hiveloom("agent", "create", "helper", "--model", "m")
    run_hiveloom("agent", "edit", "helper", "--add-tool", "changes")
    done = run_hiveloom("tool", "show", "--name", "changes")
    assert "used by:   helper\n" in done.stdout
    assert done.stdout.endswith("\n\n---\ncommand: [git, log]\n---\nProbes.\n")
    document = load_json("tool", "show", "changes")
    assert document["used_by"] == ["helper"]
    assert document["text"] == read(home, "changes")


def test_a_file_steers_no_terminal(home: Path) -> None:
    (home / "tools").mkdir()
    (home / "tools" / "x.md").write_text("---\ncommand: [git]\n---\n\x1b]0;owned\x07 text\n")
    for words in (("show", "x"), ("list",)):
        with spawn_hiveloom("tool", *words) as terminal:
            assert terminal.wait() == 0
            assert b"\x1b]0;" not in terminal.output
            assert "␛]0;owned" in terminal.text


def test_a_broken_tool_is_shown_with_its_fault(home: Path) -> None:
    (home / "tools").mkdir()
    (home / "tools" / "x.md").write_text("---\ncommand: git\n---\nText\n")
    done = run_hiveloom("tool", "show", "x")
    assert done.exit_code == 0
    assert "kind:      broken\n" in done.stdout
    assert f"error: {home}/tools/x.md:2: `command`: expected a list" in done.stderr


@pytest.mark.parametrize("command", ["show", "edit", "remove", "test"])
def test_a_tool_that_is_not_there_is_told_with_one_that_is(home: Path, command: str) -> None:
    add("changes", "--", "git")
    done = run_hiveloom("tool", command, "chagnes")
    assert done.exit_code == 5
    assert "there is no tool named chagnes" in done.stderr
    assert "did you mean changes?" in done.stderr


def test_an_option_changes_its_own_line_alone(home: Path) -> None:
    path = home / "tools" / "x.md"
    path.parent.mkdir()
    path.write_bytes(b"---\r\n# mine\r\ncommand: [git] # c\r\ntimeout: 5\r\n---\r\n\r\nOld.\r\n")
    done = run_hiveloom("tool", "edit", "x", "--approval", "auto", "--unset", "timeout")
    assert done.stdout == f"Changed x: {path}\n"
    assert path.read_bytes() == (
        b"---\r\n# mine\r\ncommand: [git] # c\r\napproval: auto\r\n---\r\n\r\nOld.\r\n"
    )
    done = run_hiveloom("tool", "edit", "x", "--description", "New\ntext.")
    assert path.read_bytes().endswith(b"approval: auto\r\n---\r\nNew\r\ntext.\r\n")
    done = run_hiveloom("tool", "edit", "x", "--approval", "auto")
    assert done.stdout == f"Nothing changed in x: {path}\n"


def test_a_header_is_added_to_those_that_there_are(home: Path) -> None:
    add("x", "--url", "https://a.example", "--header", "A: b", "--header", "C: d")
    done = run_hiveloom("tool", "edit", "x", "--header", "C: e", "--header", "F: g")
    assert done.exit_code == 0, done.stderr
    assert "headers:\n  A: b\n  C: e\n  F: g\n" in read(home, "x")
    run_hiveloom("tool", "edit", "x", "--unset", "headers")
    assert "headers" not in read(home, "x")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--set", "timeout=a"), "`timeout`: expected seconds"),
        (("--set", "command=git log"), "`command`: expected a list of words"),
        (("--unset", "command"), "expected either `url` or `command`"),
        (("--unset", "timeout"), "timeout is not set"),
        (("--description", " "), "expected a description"),
        ((), "there is no terminal to open an editor on"),
    ],
)
def test_an_edit_that_leaves_no_tool_is_not_saved(
    home: Path, options: tuple[str, ...], problem: str
) -> None:
    add("x", "--", "git")
    former = read(home, "x")
    done = run_hiveloom("tool", "edit", "x", *options)
    assert done.exit_code == 2
    assert problem in done.stderr
    assert read(home, "x") == former


def test_a_removal_has_to_be_agreed_to_and_names_the_agents(home: Path) -> None:
    add("x", "--", "git")
    run_hiveloom("agent", "create", "helper", "--model", "m")
    run_hiveloom("agent", "edit", "helper", "--add-tool", "x")
    done = run_hiveloom("tool", "remove", "x")
    assert done.exit_code == 2
    assert "Named by: helper." in done.stderr
    assert (home / "tools" / "x.md").exists()
    done = run_hiveloom("tool", "remove", "x", "--yes")
    assert done.stdout == f"Removed x: {home}/tools/x.md\n"
    assert "hiveloom agent edit helper --remove-tool x\n" in done.stderr
    assert not (home / "tools" / "x.md").exists()


def test_a_removal_is_asked_about_on_a_terminal(home: Path) -> None:
    add("x", "--", "git")
    for answer, exists in (("n", True), ("y", False)):
        with spawn_hiveloom("tool", "remove", "x", columns=200) as terminal:
            terminal.expect("Remove the tool x")
            terminal.send_line(answer)
            assert terminal.wait() == int(exists)
        assert (home / "tools" / "x.md").exists() is exists


def test_a_trial_prints_what_the_tool_gives_byte_for_byte(home: Path) -> None:
    add_python("echo", ECHO)
    text = '{"city": "Zürich\\u001b[2J"}'
    done = run_hiveloom("tool", "test", "echo", text, "--yes")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == json.loads(text)
    assert done.stderr.startswith(f"  echo runs:\n  {sys.executable} -c ")
    done = run_hiveloom("tool", "test", "--name", "echo", "-", "--yes", input=text)
    assert json.loads(done.stdout) == json.loads(text)


def test_a_trial_that_fails_says_so(home: Path) -> None:
    add_python("fail", "import sys; sys.exit(3)", "--approval", "auto")
    done = run_hiveloom("tool", "test", "fail")
    assert (done.exit_code, done.stdout) == (1, "exit code 3")


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("echo", "{"), 2, "not JSON"),
        (("echo", "[]"), 2, "object"),
        (("echo", "{}", "more"), 2, "put the JSON in quotes"),
        (("echo", "{}"), 2, "city"),
        ((), 2, "a name is missing"),
    ],
)
def test_a_trial_with_other_arguments_runs_nothing(
    home: Path, words: tuple[str, ...], code: int, problem: str
) -> None:
    add_python("echo", f"open({str(home / 'ran')!r}, 'w')", "--input", SCHEMA)
    done = run_hiveloom("tool", "test", *words, "--yes")
    assert (done.exit_code, done.stdout) == (code, "")
    assert problem in done.stderr
    assert not (home / "ran").exists()


def test_a_trial_asks_if_the_tool_does(home: Path) -> None:
    add_python("mark", f"open({str(home / 'ran')!r}, 'w')")
    done = run_hiveloom("tool", "test", "mark")
    assert done.exit_code == 2
    assert "this tool asks before it runs" in done.stderr
    for answer, has_run in (("n", False), ("", False), ("y", True)):
        with spawn_hiveloom("tool", "test", "mark", columns=200) as terminal:
            terminal.expect("Run it? [y/N]")
            assert f"{sys.executable} -c" in terminal.text
            terminal.send_line(answer)
            assert terminal.wait() == int(not has_run)
        assert (home / "ran").exists() is has_run


def test_a_tool_that_is_denied_is_not_tried(home: Path) -> None:
    add_python("mark", f"open({str(home / 'ran')!r}, 'w')", "--approval", "deny")
    done = run_hiveloom("tool", "test", "mark", "--yes")
    assert done.exit_code == 1
    assert "its approval is “deny”" in done.stderr
    assert not (home / "ran").exists()


def test_an_interrupted_trial_ends_its_program(home: Path) -> None:
    script = (
        f"import os, time; open({str(home / 'new')!r}, 'w').write(str(os.getpid()))\n"
        f"os.rename({str(home / 'new')!r}, {str(home / 'pid')!r})\ntime.sleep(600)"
    )
    add_python("sleep", script, "--approval", "auto", "--set", "timeout=600")
    with spawn_hiveloom("tool", "test", "sleep") as terminal:
        deadline = time.monotonic() + 30
        while not (home / "pid").exists():
            assert time.monotonic() < deadline
            terminal.read_for(0.05)
        terminal.press_control("c")
        assert terminal.wait() == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int((home / "pid").read_text()), 0)


def test_names_are_completed(home: Path) -> None:
    add("changes", "--", "git")
    for words in ("hiveloom tool show ch", "hiveloom tool test ch", "hiveloom tool edit ch"):
        env = {"_HIVELOOM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "3"}
        assert run_hiveloom(env=env).stdout.split() == ["plain,changes"]
