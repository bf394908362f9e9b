"""Signals that come at one certain moment, which the program sends to itself there."""

from __future__ import annotations

import os
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.program import run_hiveloom, spawn_hiveloom
from tests.support.upstream import openai_stream, stream_reply

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.support.program import Terminal
    from tests.support.upstream import ScriptedUpstream

# Has a function send a signal in its first call, or a later one: before its work, or after it.
PROGRAM = """
import importlib, os, signal, sys
place, moment, number, count, *words = sys.argv[1:]
module, _, path = place.partition(":")
*owners, name = path.split(".")
owner = importlib.import_module(module)
for one in owners:
    owner = getattr(owner, one)
work, calls = getattr(owner, name), 0

def wrapped(*args, **kwargs):
    global calls
    calls += 1
    if moment == "before" and calls == int(count):
        os.kill(os.getpid(), int(number))
    result = work(*args, **kwargs)
    if moment == "after" and calls == int(count):
        os.kill(os.getpid(), int(number))
    return result

setattr(owner, name, wrapped)
from hiveloom_cli.cli import main
main(words)
"""
APPLICATION = "prompt_toolkit.application.application:Application"


def spawn(
    place: str, moment: str, number: int, *words: str, count: int = 1, **env: str
) -> AbstractContextManager[Terminal]:
    program = (sys.executable, "-c", PROGRAM, place, moment, str(number), str(count))
    return spawn_hiveloom(*words, program=program, env=env, columns=120)


@pytest.mark.parametrize(("number", "code"), [(15, 143), (1, 129)])
@pytest.mark.parametrize(
    ("place", "moment"),
    [
        ("asyncio:run", "before"),
        (f"{APPLICATION}._pre_run", "before"),
        (f"{APPLICATION}._redraw", "after"),
        # In a task of its own, where whatever is raised is told of.
        (f"{APPLICATION}.create_background_task", "after"),
        ("prompt_toolkit.input.vt100:Vt100Input.flush_keys", "before"),
        ("prompt_toolkit.input.vt100:raw_mode.__exit__", "before"),
    ],
)
def test_an_end_at_the_prompt_is_quiet(
    place: str, moment: str, number: int, code: int, upstream: ScriptedUpstream
) -> None:
    url = upstream.openai_base_url
    with spawn(
        place, moment, number, "chat", "--model", "m", HIVELOOM_OPENAI_BASE_URL=url
    ) as terminal:
        if "flush_keys" in place:
            terminal.expect("m>")
            terminal.send("x")
        elif "raw_mode" in place:
            terminal.expect("m>")
            terminal.press_control("d")
        assert terminal.wait() == code
        for word in ("Unhandled", "Traceback", "Warning", "rror"):
            assert word not in "\n".join(terminal.all_lines)
        flags = termios.tcgetattr(terminal._process.fileno())[3]
        assert flags & termios.ECHO
        assert flags & termios.ICANON


@pytest.mark.parametrize("name", ["_build_prompt", "_take", "_ask"])
def test_ctrl_c_between_two_prompts_ends_no_chat(name: str, upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream("One.")))
    place = f"hiveloom_cli.terminal.repl:Repl.{name}"
    words = ("chat", "--model", "m")
    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    with spawn(place, "before", 2, *words, count=1 if name == "_take" else 2, **env) as terminal:
        terminal.expect("m>")
        terminal.send_line("hello")
        terminal.expect("(Ctrl-C again leaves")
        terminal.send_line("/exit")
        assert terminal.wait() == 0


@pytest.mark.parametrize(
    ("place", "moment", "count"),
    [
        ("subprocess:Popen.__init__", "after", 1),
        ("hiveloom_cli.tools.process:_start", "after", 1),
        ("hiveloom_cli.tools.process:_Reader.start", "before", 2),
    ],
)
def test_ctrl_c_while_a_tool_is_started_leaves_nothing_running(
    place: str, moment: str, count: int
) -> None:
    wait = f"600.{os.getpid()}{time.monotonic_ns()}"  # which nobody else waits for
    options = ("--description", "Waits.", "--approval", "auto", "--set", "timeout=600")
    assert run_hiveloom("tool", "add", "wait", *options, "--", "sleep", wait).exit_code == 0
    with spawn(place, moment, 2, "tool", "test", "wait", count=count) as terminal:
        assert terminal.wait() == 130
        assert "error: interrupted" in terminal.text
        assert "fault" not in terminal.text
        assert not list_running(f"sleep {wait}")


def list_running(words: str) -> list[str]:
    """List the processes that were started with these words."""
    wanted = words.replace(" ", "\0").encode()
    return [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if wanted in read_bytes(path)
    ]


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has ended
