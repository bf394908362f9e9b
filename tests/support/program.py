"""The real program in a process of its own: with pipes, or on a real pseudo-terminal.

It starts with an environment of its own too, in the home that the autouse fixture made, so that
nothing of the machine that tests run on gets in.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pexpect
import pyte
from rich.cells import chop_cells

from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

PROGRAM = (sys.executable, "-m", "hiveloom_cli")
_INHERITED = ("PATH", "HOME", "HIVELOOM_HOME")
_MEASURING = "COVERAGE_"  # how coverage.py reaches a process that it did not start
_TIMEOUT_S = 3 * PATIENCE_S  # it may wait in turn for what has such a limit of its own
_STEP_S = 0.05
_SCROLLBACK = 20_000


@dataclass(frozen=True, slots=True)
class Finished:
    """What a finished program left. The texts are decoded strictly: it has to write UTF-8."""

    exit_code: int
    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        return self.stdout_bytes.decode()

    @property
    def stderr(self) -> str:
        return self.stderr_bytes.decode()


def build_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Build the program's whole environment: the test's home, the file vault, and `extra`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or name.startswith(_MEASURING)
    }
    return {"HIVELOOM_KEYRING": "vault", "LANG": "C.UTF-8"} | kept | dict(extra or {})


def run_hiveloom(
    *args: str,
    input: bytes | str | None = None,  # noqa: A002 -- as subprocess.run calls it
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    timeout: float = _TIMEOUT_S,
) -> Finished:
    """Run `hiveloom` to its end; without `input` its stdin is empty.

    It starts in the home folder, so that no project's agents are found above it. Raises
    `subprocess.TimeoutExpired`.
    """
    done = subprocess.run(
        [*PROGRAM, *args],
        input=input.encode() if isinstance(input, str) else input or b"",
        capture_output=True,
        env=build_environment(env),
        cwd=cwd or os.environ["HOME"],
        timeout=timeout,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


class Terminal:
    """The program on a pseudo-terminal, and the screen that a person would look at.

    `output` holds every byte that it wrote.
    """

    def __init__(self, process: Any, columns: int, rows: int) -> None:
        self.output = bytearray()
        self._process = process
        self._open_screen(columns, rows)

    def _open_screen(self, columns: int, rows: int) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=_SCROLLBACK)
        # The program asks where the cursor is; the terminal answers.
        self.screen.write_process_input = self._process.send  # type: ignore[method-assign]
        self._stream = pyte.ByteStream(self.screen)

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def lines(self) -> list[str]:
        """The rows of the screen, without the blanks at their ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def cursor_line(self) -> str:
        """The row that the cursor stands in."""
        return self.lines[self.screen.cursor.y]

    @property
    def text(self) -> str:
        """The screen as one text, without the blank rows at its end."""
        return "\n".join(self.lines).rstrip("\n")

    @property
    def all_lines(self) -> list[str]:
        """What scrolled off the screen, and the screen, without the blank rows at its end."""
        columns = range(self.screen.columns)
        past = ["".join(row[x].data for x in columns) for row in self.screen.history.top]
        return "\n".join([*(row.rstrip() for row in past), self.text]).split("\n")

    def send(self, text: str) -> None:
        """Type `text`; Enter is `\\r`."""
        self._process.send(text)

    def send_line(self, text: str = "") -> None:
        """Type `text` and press Enter."""
        self.send(f"{text}\r")

    def press_control(self, letter: str) -> None:
        """Press Ctrl and a letter."""
        self._process.sendcontrol(letter)

    def expect(self, text: str, timeout: float = PATIENCE_S, *, times: int = 1) -> None:
        """Wait until the screen shows `text`, in so many places."""
        self.wait_until(lambda: self.text.count(text) >= times, repr(text), timeout)

    def wait_until(self, holds: Callable[[], bool], what: str, timeout: float = PATIENCE_S) -> None:
        """Take in what comes until something holds; `what` says so where it never does."""
        deadline = time.monotonic() + timeout
        while not holds():
            more = self._read()
            assert more or holds(), f"{what} never came:\n{self.text}"
            assert time.monotonic() < deadline, f"{what} not within {timeout} s:\n{self.text}"

    def read_for(self, seconds: float) -> None:
        """Take in what comes within a time; for showing that something does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._read():
            pass

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window, of which the program gets word."""
        self.screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def reflow(self, columns: int, rows: int) -> None:
        """Change the size as most terminals do: what is too long for a row goes on in the next."""
        lines = self.all_lines
        self._open_screen(columns, rows)
        wrapped = [row for line in lines for row in (chop_cells(line, columns) or [""])]
        self._stream.feed("\r\n".join(wrapped).encode())
        self._process.setwinsize(rows, columns)

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Wait for the program's end; return its exit code, or minus the signal that ended it."""
        deadline = time.monotonic() + timeout
        while self._read():
            assert time.monotonic() < deadline, f"still running after {timeout} s:\n{self.text}"
        self._process.wait()
        if self._process.exitstatus is None:
            return -int(self._process.signalstatus)
        return int(self._process.exitstatus)

    def _read(self) -> bool:
        """Show what has come within one step; False once nothing can come any more."""
        try:
            data = self._process.read_nonblocking(65536, timeout=_STEP_S)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.output += data
        self._stream.feed(data)
        return True


@contextmanager
def spawn_hiveloom(
    *args: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    columns: int = 80,
    rows: int = 24,
    program: Sequence[str] | None = None,
) -> Iterator[Terminal]:
    """Start `hiveloom` on a pseudo-terminal; it is killed at the end of the block, if need be.

    Another `program`, such as a shell, starts it with what a terminal cannot give it.
    """
    environment = build_environment({"TERM": "xterm-256color", **(env or {})})
    begun, *rest = program or PROGRAM
    with warnings.catch_warnings():
        # From Python 3.12 on, forking beside a server's thread warns; the child only calls exec.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        process = pexpect.spawn(
            begun,
            [*rest, *args],
            env=environment,
            cwd=str(cwd or os.environ["HOME"]),
            dimensions=(rows, columns),
            echo=True,
        )
    process.delaybeforesend = None
    try:
        yield Terminal(process, columns, rows)
    finally:
        _end(process)


def _end(process: Any) -> None:
    """End a program that may still run: with less force first, as a terminal that is closed."""
    try:
        process.close(force=True)
    except pexpect.ExceptionPexpect:
        process.wait()  # it was killed, and a busy machine had not got to it yet
