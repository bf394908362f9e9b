"""Closed and full streams, signals, homes that are none, and keys where none belong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import termios
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
KEY = "sk-Zq7vLw2pXk9mRt4nHs8cDf"
TRACES = ("Traceback", "Exception ignored", "fault of its own")


def run_redirected(words: str, redirection: str, **env: str) -> tuple[int, str, str]:
    done = subprocess.run(
        ["bash", "-c", f'"$0" -m hiveloom_cli {words} {redirection}', PROGRAM[0]],
        env=build_environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not [trace for trace in TRACES if trace in done.stdout + done.stderr]
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("redirection", ["<&-", "2>&-", "<&- 2>&-"])
def test_a_closed_stdin_is_empty_and_a_closed_stderr_is_done_without(
    redirection: str, home: Path
) -> None:
    assert run_redirected("agent create a --model m", redirection)[0] == 0
    assert run_redirected("agent list --json", redirection)[0] == 0
    assert run_redirected("nonsense", redirection)[0] == 2
    content = (home / "agents/a.md").read_text()
    assert content == "---\nmodel: m\n---\n\n"  # and nothing that was printed


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["--help", "--version", "agent list --json", "completion bash"])
def test_a_stdout_that_takes_nothing_is_one_error(words: str, unbuffered: str) -> None:
    for redirection in ("> /dev/full", ">&-"):
        code, _, told = run_redirected(words, redirection, PYTHONUNBUFFERED=unbuffered)
        assert code == 1
        assert told.splitlines()[0].startswith("error: input or output failed: ")
        assert len(told.splitlines()) == 2


def test_a_stderr_that_takes_nothing_stops_nothing() -> None:
    code, out, _ = run_redirected("agent list --json", "2> /dev/full")
    assert (code, out) == (0, "[]\n")
    assert run_redirected("nonsense --json", "> /dev/full 2> /dev/full")[0] == 2


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_an_answer_quietly_and_closes_the_connection(
    name: str, code: int, upstream: ScriptedUpstream
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
        process.send_signal(getattr(signal, name))
        assert process.wait(PATIENCE_S) == code
        assert process.stderr.read() == b""
    assert upstream.hung_up.wait(PATIENCE_S)


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.parametrize("moment", ["prompt", "answer", "key"])
def test_a_signal_leaves_the_terminal_as_it_was(
    name: str, code: int, moment: str, upstream: ScriptedUpstream
) -> None:
    upstream.add(stream_reply([*openai_stream("half an answer")[:3], threading.Event()]))
    words = ["credential", "set", "openai"] if moment == "key" else ["chat", "--model", "m"]
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with spawn_hiveloom(*words, env=env) as terminal:
        terminal.expect("hidden" if moment == "key" else "m>")
        if moment == "answer":
            terminal.send_line("hello")
            terminal.expect("half")
        descriptor = terminal._process.fileno()
        assert not termios.tcgetattr(descriptor)[3] & termios.ECHO
        os.kill(terminal.pid, getattr(signal, name))
        assert terminal.wait() == code
        assert termios.tcgetattr(descriptor)[3] & termios.ECHO
        assert termios.tcgetattr(descriptor)[3] & termios.ICANON
        assert "rror" not in terminal.text
        assert b"\x1b[?25l" not in terminal.output or b"\x1b[?25h" in terminal.output


def test_a_signal_that_is_ignored_stays_ignored(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    stream = openai_stream("whole")
    upstream.add(stream_reply([*stream[:3], gate, *stream[3:]]))
    with subprocess.Popen(
        ["nohup", *PROGRAM, "chat", "--model", "m", "hi"],
        env=build_environment({"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        begun = os.read(process.stdout.fileno(), 1)
        process.send_signal(signal.SIGHUP)
        gate.set()
        assert begun + process.stdout.read() == b"whole"
        assert process.wait(PATIENCE_S) == 0


def test_bytes_that_are_not_utf8_are_refused_at_a_prompt_and_asked_for_again(home: Path) -> None:
    with spawn_hiveloom("agent", "create", "a") as terminal:
        terminal.expect("Model [gpt-4o-mini]:")
        terminal._process.send(b"gpt\xff\r")
        terminal.expect("not UTF-8")
        terminal.send_line("gpt")
        terminal.expect("System prompt")
        terminal.send_line()
        assert terminal.wait() == 0
    assert "model: gpt\n" in (home / "agents/a.md").read_text()
    with spawn_hiveloom("agent", "delete", "a") as terminal:
        terminal.expect("[y/N]")
        terminal._process.send(b"\xff\r")
        assert terminal.wait() == 1
        assert "nothing was changed" in terminal.text


def test_bytes_that_are_not_utf8_in_an_option_are_a_usage_mistake(home: Path) -> None:
    for option in ("--system-prompt", "--description", "--model"):
        code, _, told = run_redirected(f"agent create a --model m {option} $'\\xff'", "")
        assert code == 2
        assert "UTF-8" in told or "expected a text" in told
    assert not (home / "agents").exists()


def test_what_is_given_is_not_asked_for_and_not_lost(hiveloom: Hiveloom) -> None:
    given = ("--system-prompt", "PIRATE", "--temperature", "0.1", "--credential", "work")
    with spawn_hiveloom("agent", "create", *given) as terminal:
        terminal.expect("Name [helper]:")
        terminal.send_line()
        terminal.expect("Model [gpt-4o-mini]:")
        terminal.send_line("m")
        assert terminal.wait() == 0
        assert "System prompt" not in terminal.text
    agent = json.loads(hiveloom("agent", "show", "helper", "--json").stdout)
    assert (agent["model"], agent["system_prompt"]) == ("m", "PIRATE")
    assert (agent["temperature"], agent["credential"]) == (0.1, "work")


def test_a_name_that_is_taken_is_told_before_anything_is_asked(hiveloom: Hiveloom) -> None:
    hiveloom("agent", "create", "a", "--model", "m")
    with spawn_hiveloom("agent", "create", "a") as terminal:
        assert terminal.wait() == 1
        assert "already" in terminal.text
        assert "Model" not in terminal.text
    with spawn_hiveloom("agent", "create", "--model", "two", "--force") as terminal:
        terminal.expect("Name [helper]:")
        terminal.send_line("a")
        terminal.expect("System prompt")
        terminal.send_line()
        assert terminal.wait() == 0


def test_a_bad_file_stops_no_list(hiveloom: Hiveloom, home: Path) -> None:
    hiveloom("agent", "create", "good", "--model", "m")
    hiveloom("credential", "set", "openai", input=KEY)
    (home / "agents/folder.md").mkdir()
    (home / "agents/number.md").write_text(f"---\nmodel: m\nmax_tokens: {'9' * 4400}\n---\n")
    (home / "agents/tag.md").write_text("---\nmodel: !!int abc\n---\n")
    done = hiveloom("agent", "list")
    assert done.exit_code == 1
    assert "good" in done.stdout
    for name in ("folder.md: a folder", "number.md:3: `max_tokens`", "tag.md:2: a value"):
        assert name in done.stderr
    done = hiveloom("credential", "list", "--json")
    assert (done.exit_code, json.loads(done.stdout)[0]["used_by"]) == (0, ["good"])


@pytest.mark.parametrize(
    "words",
    [
        ("credential", KEY),
        ("credential", "list", KEY),
        ("chat", "a", "hi", KEY),
        ("chat", "a", "hi", KEY, "--json"),
        ("chat", "a", "hi", f"my key is {KEY}"),
        ("chat", f"--temperature={KEY}"),
        ("chat", f"--{KEY}"),
        ("chat", KEY, "hi"),
        ("agent", "show", KEY),
        ("agent", "create", "a", "--model", "m", "--credential", KEY),
        ("agent", "create", "a", "--model", "m", "--credential", KEY.lower()),
        ("agent", "create", KEY, "--model", "m"),
        ("agent", "create", KEY.lower(), "--model", "m"),
        ("agent", "create", "a", "--model", "m", "--system-prompt-file", KEY),
        (KEY,),
    ],
)
def test_a_key_in_the_wrong_place_is_neither_repeated_nor_stored(
    hiveloom: Hiveloom, home: Path, words: tuple[str, ...]
) -> None:
    for debug in ("", "1"):
        done = hiveloom(*words, env={"HIVELOOM_DEBUG": debug})
        assert done.exit_code in (2, 5)
        assert KEY[3:].lower() not in (done.stdout + done.stderr).lower()
    assert not list(home.rglob("*.md"))


@pytest.mark.parametrize("value", ["~nosuch/x", "{file}", "{file}/below"])
def test_a_home_that_can_hold_nothing_is_one_error(
    hiveloom: Hiveloom, tmp_path: Path, value: str
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    env = {"HIVELOOM_HOME": value.format(file=file)}
    for words in (("agent", "list"), ("credential", "list"), ("agent", "create", "a", "--model=m")):
        done = hiveloom(*words, env=env)
        problem, hint = done.stderr.splitlines()
        assert done.exit_code == 2
        assert problem.startswith("error: HIVELOOM_HOME is ")
        assert "HIVELOOM_HOME" in hint


def test_json_is_an_option_only_before_the_end_of_options(hiveloom: Hiveloom) -> None:
    done = hiveloom("chat", "--", "--json", "hi", "there")
    assert (done.exit_code, done.stdout) == (2, "")
    done = hiveloom("chat", "--json", "--", "a", "hi", "there")
    assert json.loads(done.stdout)["error"]["code"] == "usage"


def test_errors_and_tracebacks_cannot_steer_a_terminal() -> None:
    steering = "x\x1b[2J\x9b2J\u202ey"
    env = {"HIVELOOM_DEBUG": "1"}
    for words in (("chat", "a", "b", steering, "--json"), ("chat", f"--{steering}", "--json")):
        with spawn_hiveloom(*words, env=env, columns=200) as terminal:
            assert terminal.wait() == 2
            assert b"Traceback" in terminal.output
            assert b'{"error"' in terminal.output
            for character in ("\x1b[2J", "\x9b", "\u202e"):
                assert character.encode() not in terminal.output


@pytest.mark.parametrize("broken", ["credentials.json", "agents", "home"])
def test_a_completion_that_fails_is_silent_and_offers_nothing(
    hiveloom: Hiveloom, home: Path, broken: str
) -> None:
    env = {"_HIVELOOM_COMPLETE": "bash_complete"}
    if broken == "home":
        env["HIVELOOM_HOME"] = "~nosuch/x"
    else:
        (home / broken).write_text("no JSON, and no folder")
    for words in ("hiveloom chat ", "hiveloom credential rotate ", "hiveloom chat --credential "):
        count = str(len(words.split(" ")) - 1)
        done = hiveloom(env={**env, "COMP_WORDS": words, "COMP_CWORD": count})
        assert (done.stdout.strip(), done.stderr) == ("", "")
