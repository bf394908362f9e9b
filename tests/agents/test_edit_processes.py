"""Edits that are killed, and edits that many processes make at once."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.contents import Contents
from hiveloom_cli.agents.editing import Changes, edit_settings
from hiveloom_cli.agents.store import AgentStore
from hiveloom_cli.agents.versions import Versions
from tests.support.clocks import ManualClock
from tests.support.program import build_environment, run_hiveloom

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 200
PROCESSES, EDITS_EACH = 8, 25
_VERSION = re.compile(r"\(version (\d+)\)")

# Runs the program again and again in processes forked off it, so that a run is nearly all work.
# A run is killed in one of two ways, in turn: by the clock, at a moment drawn evenly from the time
# that whole runs take, which is mostly spent in waiting for the disk; and by itself, at a line
# drawn evenly from those that a whole run executes, which reaches what takes no time.
DRIVER = """
import json, os, random, signal, sys, time
from pathlib import Path
from hiveloom_cli import cli
import hiveloom_cli.commands.agent_edit
import hiveloom_cli.front_matter.splicing, hiveloom_cli.agents.agent_library

path, draws, kills = Path(sys.argv[1]), random.Random(sys.argv[2]), int(sys.argv[3])
out, err = path.with_suffix(".out"), path.with_suffix(".err")

def start(number, kill_at):
    child = os.fork()
    if child:
        return child
    for descriptor, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
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
        cli.main(["agent", "edit", "helper", "--set", f"mood={number}"])
    except SystemExit as end:
        code = end.code
    finally:
        sys.settrace(None)
        if kill_at == 0:
            err.write_text(str(seen))
        sys.stdout.flush()
        os._exit(code)

def finish(number, kill_at=None, after_s=None):
    out.write_bytes(b"")  # one that is killed at once does not come to it
    began = time.monotonic()
    child = start(number, kill_at)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    taken_s = time.monotonic() - began
    print(json.dumps({
        "number": number, "killed": os.WIFSIGNALED(status), "code": status, "by": after_s is None,
        "content": path.read_bytes().decode(), "said": out.read_bytes().decode(),
    }), flush=True)
    return taken_s

whole_s = sorted(finish(number) for number in range(5))[2]
finish(5, kill_at=0)
lines = int(err.read_text())
for number in range(6, 6 + kills):
    if number % 2:
        finish(number, kill_at=draws.randint(1, lines))
    else:
        finish(number, after_s=draws.uniform(0, whole_s))
"""

WRITER = """
import sys
from hiveloom_cli import cli, files

files._LOCK_TIMEOUT_S = 100  # on a busy machine the unluckiest would be told to try again

for number in range(int(sys.argv[2])):
    try:
        cli.main(["agent", "edit", "helper", "--set", f"{sys.argv[1]}={number}"])
    except SystemExit as end:
        assert end.code == 0
"""


def open_store(home: Path) -> AgentStore:
    versions = Versions(
        home / "versions" / "own", Contents(home / "versions" / "contents"), ManualClock()
    )
    return AgentStore(home / "agents", versions)


def start_agent(home: Path) -> Path:
    path = home / "agents" / "helper.md"
    made = run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "Hi")
    assert made.exit_code == 0
    path.write_text("---\nmodel: m   # mine\nmood: none # c\ntools:\n- a\n---\n\nHi\n\n")
    return path


def run_driver(home: Path, path: Path, seed: int) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(path), str(seed), str(KILLS)],
        env=build_environment(),
        cwd=home,
        stdout=subprocess.PIPE,
        check=True,
        timeout=600,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_edit_that_is_killed_leaves_the_old_file_or_the_new_one(home: Path) -> None:
    path = start_agent(home)
    seed = random.randrange(1 << 32)
    content = path.read_text()
    reported: dict[int, str] = {}
    outcomes = []
    for run in run_driver(home, path, seed):
        new = edit_settings(content, path, Changes({"mood": run["number"]}))
        assert run["content"] in (content, new), f"seed {seed}: {run}"
        assert run["killed"] or run["code"] == 0, f"seed {seed}: {run}"
        if said := _VERSION.search(run["said"]):
            assert run["content"] == new, f"seed {seed}: {run}"
            reported[int(said[1])] = new
        else:
            assert run["killed"], f"seed {seed}: {run}"
        if run["killed"]:
            outcomes.append((run["by"], run["content"] == new))
        content = run["content"]
    assert {(True, False), (True, True), (False, False)} <= set(outcomes), "some in each phase"
    store = open_store(home)
    for number, text in reported.items():
        kept = store.versions.get("helper", number)
        assert store.versions.contents.load(kept.digest).decode() == text, f"seed {seed}: {number}"
    assert store.load("helper").content.decode() == content
    assert run_hiveloom("agent", "show", "helper").exit_code == 0


def test_edits_of_many_processes_are_all_made_and_all_kept(home: Path) -> None:
    path = start_agent(home)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, f"p{process}", str(EDITS_EACH)],
            env=build_environment(),
            cwd=os.environ["HOME"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for process in range(PROCESSES)
    ]
    said = [process.communicate(timeout=600)[0] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    store = open_store(home)
    numbers = []
    for process, told in enumerate(said):
        mine = [int(number) for number in _VERSION.findall(told)]
        assert len(mine) == EDITS_EACH
        for at, number in enumerate(mine):
            version = store.versions.get("helper", number)
            text = store.versions.contents.load(version.digest).decode()
            assert f"\np{process}: {at}\n" in text
        numbers += mine
    assert len(set(numbers)) == PROCESSES * EDITS_EACH, "no number was given twice"
    last = "".join(f"p{process}: {EDITS_EACH - 1}\n" for process in range(PROCESSES))
    lines = path.read_text().splitlines(keepends=True)
    assert sorted(line for line in lines if line[0] == "p") == last.splitlines(keepends=True)
    assert store.load("helper").agent.model == "m"
