from __future__ import annotations

import os
import signal
import sys
import termios
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pexpect
import pytest

from hiveloom_cli.terminal.echo import hide_typing
from tests.support.patience import PATIENCE_S
from tests.support.program import build_environment, spawn_hiveloom
from tests.support.upstream import openai_chunk, openai_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.upstream import Piece, ScriptedUpstream

ROOT = Path(__file__).parents[2]
CTRL_Z = "\x1a"
WAIT_FOR_STOP = "while jobs -r | grep -q .; do :; done"
TYPED = termios.ECHO | termios.ICANON

# An answer that goes on until the script's file is gone, and says when its first word is drawn.
ANSWER = """
import sys, time
from pathlib import Path
from hiveloom_cli.terminal.display import open_display
from hiveloom_cli.terminal.streams import open_streams

gate = Path(sys.argv[1])
with open_display(open_streams()) as display:
    display.feed("begun")
    while gate.exists():
        time.sleep(0.02)
    display.feed(" ended")
"""
PROMPT = """
import sys
from pathlib import Path
from hiveloom_cli.terminal.echo import hide_typing
from hiveloom_cli.terminal.line_reader import LineReader
from hiveloom_cli.terminal.prompt import Prompt

with hide_typing(sys.stdin):
    said = LineReader(history_path=Path(sys.argv[1])).ask_message(Prompt("me>"))
print("READ<" + said + ">")
"""

KEY = """
import sys
from hiveloom_cli.terminal.secret_entry import load_secret
from hiveloom_cli.terminal.streams import open_streams

key = load_secret("x", from_env=None, from_file=None, environ={}, streams=open_streams())
print("LENGTH", len(key.reveal()))
"""


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    master, slave = os.openpty()
    with os.fdopen(slave, "r", encoding="utf-8") as stream:
        yield stream
    os.close(master)


def read_mode(stream: TextIO | int) -> int:
    return int(termios.tcgetattr(stream)[3]) & TYPED


def test_typing_is_hidden_meanwhile(terminal: TextIO) -> None:
    with hide_typing(terminal):
        assert read_mode(terminal) == 0

    assert read_mode(terminal) == TYPED


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, GeneratorExit, ValueError])
def test_the_echo_is_back_however_it_ends(terminal: TextIO, end: type[BaseException]) -> None:
    with pytest.raises(end), hide_typing(terminal):
        raise end

    assert read_mode(terminal) == TYPED
    assert signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL


def test_hiding_within_hiding_leaves_it_hidden(terminal: TextIO) -> None:
    with hide_typing(terminal):
        handler = signal.getsignal(signal.SIGTSTP)
        with hide_typing(terminal):
            assert signal.getsignal(signal.SIGTSTP) is handler
        assert read_mode(terminal) == 0

    assert read_mode(terminal) == TYPED


def test_a_terminal_that_hangs_up_is_no_error() -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "r", encoding="utf-8") as stream, hide_typing(stream):
        os.close(master)


@contextmanager
def open_shell(env: Mapping[str, str] | None = None) -> Iterator[Any]:
    shell = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile", "-i"],
        cwd=str(ROOT),
        env={
            **build_environment(env),
            "PS1": "shell> ",
            "TERM": "xterm",
            "PYTHON": sys.executable,
        },
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    try:
        shell.expect_exact("shell> ")
        yield shell
    finally:
        shell.close(force=True)


def start(shell: Any, script: str, path: Path, ending: str = "") -> None:
    (path.parent / "script.py").write_text(script)
    shell.sendline(f'PYTHONPATH=. "$PYTHON" {path.parent / "script.py"} {path} {ending}')


def ask_mode(shell: Any) -> set[str]:
    """Ask the shell for the terminal's mode as programs that it starts find it."""
    shell.sendline("stty -a | grep -owE -e '-?(icanon|echo|icrnl)'; echo 'as''ked'")
    shell.expect_exact("asked")
    return set(shell.before.split()) & {"icanon", "-icanon", "echo", "-echo", "icrnl", "-icrnl"}


def test_a_stopped_answer_gives_the_shell_its_terminal_and_takes_it_back(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with open_shell() as shell:
        start(shell, ANSWER, gate)
        shell.expect_exact("begun")
        assert read_mode(shell.child_fd) == 0
        shell.send(CTRL_Z)
        shell.expect_exact("Stopped")
        assert ask_mode(shell) == {"icanon", "echo", "icrnl"}

        shell.sendline("fg")
        shell.expect_exact("begun")  # drawn anew, below what the shell wrote
        assert read_mode(shell.child_fd) == 0
        gate.unlink()
        shell.expect_exact("ended")
        shell.expect_exact("shell> ")
        assert ask_mode(shell) == {"icanon", "echo", "icrnl"}


def test_an_answer_in_the_background_ends_without_being_stopped(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with open_shell() as shell:
        start(shell, ANSWER, gate, "&")
        shell.expect_exact("begun")
        gate.unlink()
        shell.expect_exact("ended")
        shell.sendline("wait $!; echo 'ended'' with' $?")
        shell.expect_exact("ended with 0")


def test_a_stopped_prompt_goes_on_as_it_was(tmp_path: Path) -> None:
    with open_shell() as shell:
        start(shell, PROMPT, tmp_path / "history")
        shell.expect_exact("me>")
        shell.send("half")
        shell.expect_exact("half")
        shell.send(CTRL_Z)
        shell.expect_exact("Stopped")
        assert ask_mode(shell) == {"icanon", "echo", "icrnl"}

        shell.sendline("fg")
        shell.expect_exact("me>")
        shell.send(" whole\r")
        shell.expect_exact("READ<half whole>")


def test_a_chat_goes_on_where_it_was_stopped_at_its_prompt_and_in_an_answer(
    upstream: ScriptedUpstream,
) -> None:
    gate = threading.Event()
    pieces: list[Piece] = [openai_chunk({"content": "Begun"}), gate, *openai_stream(" and ended.")]
    upstream.add(stream_reply(pieces), stream_reply(openai_stream("Done.")))
    with open_shell({"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}) as shell:
        shell.sendline('"$PYTHON" -m hiveloom_cli chat --model m')
        shell.expect_exact("m>")
        shell.send("half")
        shell.expect_exact("half")
        shell.send(CTRL_Z)
        shell.expect_exact("Stopped")
        assert ask_mode(shell) == {"icanon", "echo", "icrnl"}
        shell.sendline("fg")
        shell.expect_exact("m>")
        shell.send(" whole\r")
        shell.expect_exact("Begun")
        shell.send(CTRL_Z)
        shell.expect_exact("Stopped")
        assert ask_mode(shell) == {"icanon", "echo", "icrnl"}
        shell.sendline("fg")
        shell.expect_exact("Begun")
        gate.set()
        shell.expect_exact("and ended.")
        shell.expect_exact("m>")
        shell.send("two\r")
        shell.expect_exact("Done.")
    texts = [[one["content"] for one in request.json["messages"]] for request in upstream.requests]
    assert texts == [["half whole"], ["half whole", "Begun and ended.", "two"]]


def test_a_key_stays_hidden_after_a_stop(tmp_path: Path) -> None:
    with open_shell() as shell:
        start(shell, KEY, tmp_path / "unused")
        shell.expect_exact("(hidden): ")
        # In the background it asks, reads and is stopped for that. A shell that brings it back
        # before it knows of the stop believes it running, and wakes nobody.
        for resume, asked in (("fg", 1), (f"bg; {WAIT_FOR_STOP}; fg", 2)):
            shell.send(CTRL_Z)
            shell.expect_exact("Stopped")
            assert "echo" in ask_mode(shell)
            shell.sendline(resume)
            for _ in range(asked):
                shell.expect_exact("(hidden): ")
        shell.send("sk-made-up-0123456789\r")
        shell.expect_exact("LENGTH 21")
        assert "made-up" not in shell.before
        assert "echo" in ask_mode(shell)


def test_a_prompt_that_control_c_leaves_ends_its_line() -> None:
    for words, question in (
        (("credential", "set", "x"), "(hidden):"),
        (("agent", "create"), "Name [helper]:"),
    ):
        with spawn_hiveloom(*words) as terminal:
            terminal.expect(question)
            # As a person would: Python itself can miss a signal in the instant before it reads.
            terminal.read_for(0.3)
            terminal.press_control("c")
            assert terminal.wait() == 130
            assert "error: interrupted" in terminal.lines
