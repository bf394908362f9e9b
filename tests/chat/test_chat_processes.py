"""Chats that are killed at any moment lose no word that was shown."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.chat.record import Filter
from hiveloom_cli.demo.upstream import LoopbackUpstream
from tests.support.conversations import list_drafts, open_conversations
from tests.support.program import build_environment, run_hiveloom

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.chat.record import KeptConversation

KILLS = 500
_PAUSE_S = 0.0005  # of the upstream, before each piece

# Runs one chat after another in processes forked off it, so that a run is nearly all work. A run is
# killed in one of three ways, in turn: by the clock, at a moment drawn evenly from the time that
# whole runs take; by itself, at a line drawn evenly from those that a whole run executes; and at
# once after so many bytes were shown. In every other run the database is written all the time.
DRIVER = """
import importlib, json, os, random, signal, sys, time
from hiveloom_cli import cli
from hiveloom_cli.chat import draft

draws, kills = random.Random(sys.argv[1]), int(sys.argv[2])

def start(number, kill_at, last):
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.dup2(writing, 1)
    draft._PAUSE_S = 0 if number % 2 else 0.5
    seen = 0
    def trace(frame, event, argument):
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    if kill_at is not None:
        sys.settrace(trace)
    code = 1
    try:
        cli.main(["chat", "--model", "m", f"question {number}"])
    except SystemExit as end:
        code = end.code
    finally:
        sys.settrace(None)
        if last is not None:
            os.write(last, json.dumps([seen, [*sys.modules]]).encode())
        os._exit(code)

def finish(number, kill_at=None, after_s=None, after_bytes=None, last=None):
    began = time.monotonic()
    child, reading = start(number, kill_at, last)
    shown = b""
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    while piece := os.read(reading, 1 << 16):
        shown += piece
        if after_bytes is not None and len(shown) >= after_bytes:
            os.kill(child, signal.SIGKILL)
            after_bytes = None
    os.close(reading)
    status = os.waitpid(child, 0)[1]
    taken_s = time.monotonic() - began
    killed = os.WIFSIGNALED(status)
    way = "line" if kill_at else "clock" if after_s is not None else "shown"
    print(json.dumps({
        "number": number, "way": way, "killed": killed, "code": status, "shown": shown.decode(),
    }), flush=True)
    return taken_s, len(shown), killed

def count_lines():
    reading, writing = os.pipe()
    os.set_blocking(writing, True)
    finish(0, kill_at=0, last=writing)
    os.close(writing)
    with os.fdopen(reading) as file:
        return json.loads(file.read())

lines, modules = count_lines()
for name in modules:
    if name != "__main__":
        try:
            importlib.import_module(name)
        except ImportError:
            pass
lines, _ = count_lines()
whole = [finish(number) for number in range(1, 6)]
whole_s, size = sorted(taken_s for taken_s, *_ in whole)[2], whole[0][1]
number = 5
while kills:
    number += 1
    if number % 3 == 0:
        kills -= finish(number, kill_at=draws.randint(1, lines))[2]
    elif number % 3 == 1:
        kills -= finish(number, after_s=draws.uniform(0, whole_s))[2]
    else:
        kills -= finish(number, after_bytes=draws.randint(1, size - 1))[2]
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One chat of the driver: how it was to be killed, whether it was, and what it showed."""

    number: int
    way: str
    killed: bool
    code: int
    shown: str


def run_driver(home: Path, seed: int) -> list[Run]:
    with LoopbackUpstream(pause_s=_PAUSE_S) as upstream:
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, str(seed), str(KILLS)],
            env=build_environment({"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}),
            cwd=home,
            stdout=subprocess.PIPE,
            check=True,
            timeout=600,
        )
    return [Run(**json.loads(line)) for line in done.stdout.splitlines()]


def check_run(run: Run, kept: KeptConversation | None, whole: str) -> str:
    """Check that a conversation has what was shown of it; return how its answer is marked."""
    if kept is None:
        assert run.killed
        assert run.shown == ""
        return "none"
    question, *answers = kept.messages
    assert question.message.text == f"question {run.number}"
    if not answers:
        assert run.killed
        assert run.shown == ""
        return str(question.state)
    (answer,) = answers
    text = answer.message.text
    assert text.startswith(run.shown), (run, text)
    assert whole.replace("question 0", f"question {run.number}").startswith(text)
    if not run.killed:
        assert (run.code, text, answer.state) == (0, run.shown, "complete")
    return str(answer.state)


def test_no_kill_takes_a_word_that_was_shown(home: Path) -> None:
    seed = random.randrange(1 << 32)
    runs = run_driver(home, seed)
    whole = runs[0].shown
    assert sum(run.killed for run in runs) == KILLS
    with open_conversations() as conversations:
        ids = {row.title: row.id for row in conversations.load_list(Filter(), -1)}
        marks: set[tuple[str, str]] = set()
        for load in (conversations.load, conversations.load_to_go_on, conversations.load):
            for run in runs:
                id_ = ids.get(f"question {run.number}")
                mark = check_run(run, load(id_) if id_ else None, whole)
                if run.killed:
                    marks.add((run.way, mark))
    partly = [run for run in runs if run.killed and 0 < len(run.shown) < len(whole)]
    assert len(partly) >= KILLS // 5, "many were in the middle of their answers"
    assert {(way, "incomplete") for way in ("line", "shown")} <= marks, f"seed {seed}: {marks}"
    assert list_drafts() == []
    done = run_hiveloom("conversation", "search", "loopback", "--limit", "9999", "--json")
    found = {row["title"] for row in json.loads(done.stdout)}
    assert {f"question {run.number}" for run in runs if "loopback" in run.shown} <= found
