"""What a person reads when something does not work, and the exit codes that programs read."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.program import PROGRAM, Finished, build_environment, spawn_hiveloom
from tests.support.upstream import ScriptedUpstream, openai_stream, stream_reply

if TYPE_CHECKING:
    from pathlib import Path

Hiveloom = Callable[..., Finished]
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:[39][0-7]|[34]8;[\d;]+|4[0-7])m")
NOWHERE = {"HIVELOOM_OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


INTERRUPTED = """
from hiveloom_cli import cli

class Field:
    def __set_name__(self, owner, name):
        raise KeyboardInterrupt

cli._invoke = lambda app, words: type("Made", (), {"field": Field()})
cli.main([])
"""


def test_control_c_while_a_class_is_made_is_no_fault() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        check=False,
        env=build_environment({}),
    )
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


@pytest.mark.parametrize(
    ("args", "code", "said", "fix"),
    [
        (("chat",), 2, "which agent? There is none yet", "hiveloom agent create"),
        (("chat", "nobody", "hi"), 5, "no agent named nobody", "hiveloom agent create"),
        (("chat", "Not/A/Name", "hi"), 2, "cannot name an agent", "small letters"),
        (("chat", "--model", "m", "hi"), 3, "no key is stored", "credential set --name openai"),
        (("chat", "--model", "claude-x", "hi"), 3, "no key", "credential set --name anthropic"),
        (("chat", "--model", "m", ""), 2, "nothing to send", "hiveloom chat AGENT"),
        (("chat", "--model", "m"), 2, "nothing to send", "hiveloom chat AGENT"),
        (("chat", "--model", "m", "a", "b", "c"), 2, "words than expected: c", "quotes"),
        (("chat", "--temperature", "3", "--model", "m", "x"), 2, "--temperature", "--help"),
        (("agent", "create"), 2, "a name is missing", "hiveloom agent create NAME"),
        (("agent", "create", "a"), 2, "a model is missing", "--model"),
        (("agent", "create", "../a", "--model", "m"), 2, "cannot name an agent", "letter"),
        (("agent", "show", "a"), 5, "no agent named a", "hiveloom agent create"),
        (("agent", "delete", "a"), 5, "no agent named a", "hiveloom agent create"),
        (("agent", "create", "a", "b", "--model", "m"), 2, "one name is expected", "alone"),
        (("agent", "nonsense"), 2, "there is no command nonsense", "hiveloom agent --help"),
        (("nonsense",), 2, "there is no command nonsense", "hiveloom --help"),
        (
            ("completion", "tcsh"),
            2,
            "expected one of: bash, zsh, fish",
            "hiveloom completion --help",
        ),
        (("credential", "remove", "x"), 5, "no credential named x; none is stored yet", "set"),
    ],
)
def test_a_mistake_is_two_lines_and_a_code(
    hiveloom: Hiveloom, args: tuple[str, ...], code: int, said: str, fix: str
) -> None:
    done = hiveloom(*args)
    assert done.exit_code == code
    assert done.stdout == ""
    problem, hint = done.stderr.splitlines()
    assert problem.startswith("error: ")
    assert said in problem
    assert hint.startswith("  try: ")
    assert fix in hint


def test_with_json_an_error_is_one_object_too(hiveloom: Hiveloom) -> None:
    done = hiveloom("chat", "--model", "m", "hi", "--json")
    assert done.exit_code == 3
    assert json.loads(done.stdout) == {
        "error": {
            "code": "secret_missing",
            "message": "no key is stored under the name openai, which https://api.openai.com needs",
            "hint": "hiveloom credential set --name openai",
        }
    }


def test_a_dead_upstream_is_named(hiveloom: Hiveloom) -> None:
    done = hiveloom("chat", "--model", "m", "hi", env=NOWHERE)
    assert done.exit_code == 4
    assert "cannot reach http://127.0.0.1:9: Connection refused" in done.stderr


def test_a_bad_base_url_is_named_by_its_variable(hiveloom: Hiveloom) -> None:
    env = {"HIVELOOM_OPENAI_BASE_URL": "https://user:geheim@host/v1"}
    done = hiveloom("chat", "--model", "m", "hi", env=env)
    assert done.exit_code == 4
    assert "HIVELOOM_OPENAI_BASE_URL" in done.stderr
    assert "geheim" not in done.stderr


def test_a_broken_agent_is_an_error_with_its_line_and_hides_no_other(
    hiveloom: Hiveloom, home: Path
) -> None:
    hiveloom("agent", "create", "good", "--model", "m")
    (home / "agents/bad.md").write_text("---\nmodel: m\ntemperature: hot\n---\n")
    done = hiveloom("agent", "list")
    assert done.exit_code == 1
    assert "good" in done.stdout
    assert f"{home}/agents/bad.md:3: `temperature`: expected a number" in done.stderr
    done = hiveloom("chat", "bad", "hi")
    assert done.exit_code == 1
    assert "bad.md:3" in done.stderr


def test_an_agents_own_text_cannot_steer_a_terminal(hiveloom: Hiveloom, home: Path) -> None:
    hiveloom("agent", "create", "a", "--model", "m", "--description", "x\x1b[2Jy\u202e")
    with spawn_hiveloom("agent", "list") as terminal:
        assert terminal.wait() == 0
        assert b"\x1b[2J" not in terminal.output
        assert "x␛[2Jy<U+202E>" in terminal.text
    assert "x\x1b[2Jy" in hiveloom("agent", "show", "a").stdout


def test_an_unknown_setting_warns_and_the_chat_goes_on(
    hiveloom: Hiveloom, home: Path, upstream: ScriptedUpstream
) -> None:
    (home / "agents").mkdir()
    (home / "agents/a.md").write_text("---\nmodel: m\nmood: fine\ntools: [weather]\n---\n")
    upstream.add(stream_reply(openai_stream("ok")))
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    done = hiveloom("chat", "a", "hi", env=env)
    assert (done.exit_code, done.stdout) == (0, "ok")
    assert "a.md:3: `mood` is not a setting" in done.stderr
    assert "there is no tool named weather" in done.stderr


def test_deleting_an_agent_asks_or_needs_yes(hiveloom: Hiveloom, home: Path) -> None:
    hiveloom("agent", "create", "a", "--model", "m")
    assert hiveloom("agent", "delete", "a").exit_code == 2
    with spawn_hiveloom("agent", "delete", "a") as terminal:
        terminal.expect("[y/N]")
        terminal.send_line("n")
        assert terminal.wait() == 1
    assert (home / "agents/a.md").exists()
    assert hiveloom("agent", "delete", "a", "--yes").exit_code == 0
    assert not (home / "agents/a.md").exists()


def test_an_existing_agent_is_not_overwritten_without_force(hiveloom: Hiveloom) -> None:
    hiveloom("agent", "create", "a", "--model", "one")
    done = hiveloom("agent", "create", "a", "--model", "two")
    assert done.exit_code == 1
    assert "--force" in done.stderr
    assert hiveloom("agent", "create", "a", "--model", "two", "--force").exit_code == 0
    assert json.loads(hiveloom("agent", "show", "a", "--json").stdout)["model"] == "two"


def test_a_closed_pipe_ends_quietly(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream(["line\n"] * 20_000)))
    script = f"{PROGRAM[0]} -m hiveloom_cli chat --model m hi | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script],
        env=build_environment({"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("line\n141\n", "")


def test_control_c_in_a_pipe_closes_the_connection_and_keeps_what_came(
    upstream: ScriptedUpstream,
) -> None:
    upstream.add(stream_reply([*openai_stream("half an answer")[:3], threading.Event()]))
    with subprocess.Popen(
        [*PROGRAM, "chat", "--model", "m", "hi"],
        env=build_environment({"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert os.read(process.stdout.fileno(), 4) == b"half"
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
        assert process.stderr.read() == b"error: interrupted\n"
    assert upstream.hung_up.wait(PATIENCE_S)


def test_a_bug_is_no_traceback_unless_it_is_asked_for(hiveloom: Hiveloom, home: Path) -> None:
    (home / "agents").write_text("a file where a folder belongs")
    done = hiveloom("agent", "create", "a", "--model", "m")
    assert done.exit_code == 1
    assert "Traceback" not in done.stderr
    done = hiveloom("agent", "create", "a", "--model", "m", env={"HIVELOOM_DEBUG": "1"})
    assert "Traceback" in done.stderr


def test_colour_is_left_out_when_asked(upstream: ScriptedUpstream) -> None:
    for env, args, coloured in [
        ({}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({}, ("--no-color",), False),
        ({"TERM": "dumb"}, (), False),
    ]:
        upstream.add(stream_reply(openai_stream("# Title\n\n`code`")))
        settings = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url, **env}
        with spawn_hiveloom(*args, "chat", "--model", "m", "hi", env=settings) as terminal:
            assert terminal.wait() == 0
            assert "Title" in terminal.text
            assert bool(COLOUR.search(terminal.output)) is coloured


def test_a_path_in_an_error_keeps_its_spaces(hiveloom: Hiveloom, tmp_path: Path) -> None:
    home = tmp_path / "two  spaces"
    (home / "agents").mkdir(parents=True)
    (home / "agents/bad.md").write_text("no settings")
    done = hiveloom("agent", "show", "bad", env={"HIVELOOM_HOME": str(home)})
    assert f"error: {home}/agents/bad.md" in done.stderr


def test_the_list_of_the_credential_commands_is_not_cut(hiveloom: Hiveloom) -> None:
    assert "..." not in hiveloom("credential", "--help").stdout.partition("Commands:")[2]
