"""A program that runs within limits, and leaves nothing of its own behind.

It has a session and a process group of its own, so that it reaches no terminal, Ctrl-C is not its,
and it can be ended with its children. Threads read what it prints: a child that goes on holding a
pipe, or a program that prints for ever, keeps nobody waiting. A child that begins a session of its
own is out of reach.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from threading import Event, Thread
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hiveloom_cli.stop import Stop

_PIECE = 65536
_GRACE_S = 1.0  # between being asked to end and being ended
_LINGER_S = 0.5  # for what a program's children still print after its own end
_DRAIN_S = 2.0  # for what still stands in the pipes when all of them have ended


class Cause(Enum):
    """Why a program came to its end."""

    ITSELF = 1
    TOO_LONG = 2
    TOO_MUCH = 3
    STOPPED = 4


@dataclass(frozen=True, slots=True)
class Job:
    """What to run: `words` begin with the program's path. `stdin` is None for nothing to read.

    `most_stdout` and `most_stderr` are the bytes that are kept of each; one more on stdout ends it.
    """

    words: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    stdin: bytes | None
    timeout_s: float
    most_stdout: int
    most_stderr: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went: `stdout` is the beginning of what it printed there, `stderr` the end.

    `exit_code` is minus the signal that ended it.
    """

    cause: Cause
    exit_code: int
    stdout: bytes
    stderr: bytes


class _Reader(Thread):
    """Reads a pipe to its end, and keeps so many bytes: the first ones or the last ones."""

    def __init__(self, pipe: IO[bytes], most: int, *, keeps_end: bool, on_more: Event) -> None:
        super().__init__(daemon=True)
        self.content = bytearray()
        self.has_more = False
        self.is_over = False  # nobody wants any more of it
        self._pipe = pipe
        self._most = most
        self._keeps_end = keeps_end
        self._on_more = on_more

    def run(self) -> None:
        """Close the pipe at the end: whoever else did it would wait for a read that hangs."""
        with self._pipe as pipe:
            while (piece := pipe.read(_PIECE)) and not self.is_over:
                self._take(piece)

    def _take(self, piece: bytes) -> None:
        if self._keeps_end:
            self.content += piece
            del self.content[: -self._most]
            return
        room = self._most - len(self.content)
        self.content += piece[:room]
        if len(piece) > room:
            self.has_more = True
            self._on_more.set()


def run_process(job: Job, stop: Stop) -> Ended:
    """Run a program to its end, or to the end of what it is allowed.

    Raises `OSError` where it cannot be started. Whatever else is raised, it does not go on.
    """
    process = _start(job)
    news, exited = Event(), Event()
    out = _Reader(cast("IO[bytes]", process.stdout), job.most_stdout, keeps_end=False, on_more=news)
    err = _Reader(cast("IO[bytes]", process.stderr), job.most_stderr, keeps_end=True, on_more=news)
    try:
        out.start()
        err.start()
        Thread(target=_write, args=(process, job.stdin), daemon=True).start()
        Thread(target=_wait, args=(process, exited, news), daemon=True).start()
        with stop.on_stop(news.set):
            news.wait(job.timeout_s)
        cause = _decide_cause(is_exited=exited.is_set(), is_stopped=stop.is_set)
        if cause is Cause.ITSELF:
            out.join(_LINGER_S)
            err.join(_LINGER_S)
    finally:
        _end(process, exited)
        out.join(_DRAIN_S)
        err.join(_LINGER_S)
        out.is_over = err.is_over = True
    cause = Cause.TOO_MUCH if out.has_more else cause
    return Ended(cause, process.returncode, bytes(out.content), bytes(err.content))


def _start(job: Job) -> subprocess.Popen[bytes]:
    new_group = 0x08000200 if sys.platform == "win32" else 0  # and no window, on Windows
    return subprocess.Popen(  # noqa: S603 -- the person's own words, which no shell reads
        job.words,
        bufsize=0,
        cwd=job.folder,
        env=job.environ,
        stdin=subprocess.DEVNULL if job.stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        creationflags=new_group,
    )


def _write(process: subprocess.Popen[bytes], content: bytes | None) -> None:
    if process.stdin is None or content is None:
        return
    left = memoryview(content)
    with suppress(OSError), process.stdin as pipe:  # a program need not read all of it, or any
        while left:
            left = left[pipe.write(left) :]


def _wait(process: subprocess.Popen[bytes], exited: Event, news: Event) -> None:
    process.wait()
    exited.set()
    news.set()


def _decide_cause(*, is_exited: bool, is_stopped: bool) -> Cause:
    if is_exited:
        return Cause.ITSELF
    return Cause.STOPPED if is_stopped else Cause.TOO_LONG


def _end(process: subprocess.Popen[bytes], exited: Event) -> None:
    """End a program and its children, politely at first; of one that has ended, the children."""
    if sys.platform == "win32":
        command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    else:
        if not exited.is_set():
            _signal(process.pid, signal.SIGTERM)
            exited.wait(_GRACE_S)
        _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
