from __future__ import annotations

import os
import stat
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
UP, ALT_ENTER, CTRL_C, CTRL_D, CTRL_J, CTRL_R = "\x1b[A", "\x1b\r", "\x03", "\x04", "\n", "\x12"
PASTE = "\x1b[200~{}\x1b[201~"

# Says what it read as one line that typing cannot look like.
SCRIPT = """
import sys
from pathlib import Path
from hiveloom_cli.terminal.line_reader import LineReader
from hiveloom_cli.terminal.prompt import Prompt

reader = LineReader(
    history_path=Path(sys.argv[1]),
    complete=lambda typed: [("/help", "Show help", len(typed))],
)
while True:
    try:
        said = ascii(reader.ask_message(Prompt("me>")))
    except KeyboardInterrupt:
        said = "interrupted"
    except EOFError:
        sys.exit("left")
    if len(said) > 200:
        said = f"{len(said)} {said[:20]} {said[-20:]}"
    print("READ<" + said + ">", file=sys.stderr, flush=True)
"""


class Person:
    """Somebody at a real pseudo-terminal."""

    def __init__(self, child: Any) -> None:
        self.child = child
        self.wait_for_prompt()

    def type(self, *keys: str) -> None:
        for key in keys:
            self.child.send(key)

    def read(self) -> str:
        """Return what the script was given, once its next prompt stands."""
        self.child.expect("READ<(.*?)>\r\n")
        said: str = self.child.match[1]
        self.wait_for_prompt()
        return said

    def wait_for_prompt(self) -> None:
        """Wait until keys are read one by one: on a dumb terminal the prompt stands before that."""
        self.child.expect_exact("me>")
        deadline = time.monotonic() + PATIENCE_S
        while termios.tcgetattr(self.child.child_fd)[3] & termios.ICANON:
            assert time.monotonic() < deadline, "keys are still read by the line"
            time.sleep(0.001)

    def leave(self) -> str:
        self.type(CTRL_D)
        self.child.expect_exact("left")
        self.child.expect(pexpect.EOF)
        return str(self.child.before)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history"


@contextmanager
def open_person(history: Path, *, term: str = "xterm-256color") -> Iterator[Person]:
    child = pexpect.spawn(
        sys.executable,
        ["-c", SCRIPT, str(history)],
        cwd=str(ROOT),
        env={**os.environ, "TERM": term, "LC_ALL": "C.UTF-8"},
        encoding="utf-8",
        dimensions=(24, 80),
        timeout=PATIENCE_S,
        echo=False,
    )
    try:
        yield Person(child)
    finally:
        child.close(force=True)


def test_enter_sends(history: Path) -> None:
    with open_person(history) as person:
        person.type("hello ", "wörld", "\r")

        assert person.read() == ascii("hello wörld")


@pytest.mark.parametrize("key", [ALT_ENTER, CTRL_J], ids=["Alt-Enter", "Ctrl-J"])
def test_a_key_begins_a_new_line(history: Path, key: str) -> None:
    with open_person(history) as person:
        person.type("  one", key, "two", "\r")

        assert person.read() == ascii("  one\ntwo")


def test_a_paste_of_many_lines_is_one_message(history: Path) -> None:
    lines = [f"line {n} of text" for n in range(500)]
    expected = ascii("\n".join(lines))
    with open_person(history) as person:
        person.type(PASTE.format("\r\n".join(lines)), "\r")

        assert person.read() == f"{len(expected)} {expected[:20]} {expected[-20:]}"


def test_ctrl_c_clears_what_was_typed_and_leaves_an_empty_prompt(history: Path) -> None:
    with open_person(history) as person:
        person.type("never mind", ALT_ENTER, "this", CTRL_C, "other", "\r")
        assert person.read() == "'other'"

        person.type(CTRL_C)
        assert person.read() == "interrupted"


def test_ctrl_d_leaves_an_empty_prompt_only(history: Path) -> None:
    with open_person(history) as person:
        person.type("text", CTRL_D, "\r")
        assert person.read() == "'text'"

        person.leave()


def test_up_and_search_find_messages_of_an_earlier_run(history: Path) -> None:
    with open_person(history) as person:
        person.type("first one", ALT_ENTER, "of two lines", "\r")
        person.read()
        person.type("second", "\r")
        person.read()
        person.leave()

    with open_person(history) as person:
        person.type(UP, "\r")
        assert person.read() == "'second'"
        person.type(CTRL_R, "first", "\r", "\r")
        assert person.read() == ascii("first one\nof two lines")


def test_the_history_is_its_owners_alone(history: Path) -> None:
    with open_person(history) as person:
        person.type("secret plan", "\r")
        person.read()

    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert stat.S_IMODE(history.parent.stat().st_mode) == 0o700
    assert "+secret plan\n" in history.read_text()


@pytest.mark.parametrize("obstacle", ["folder is a file", "history is a folder"])
def test_a_history_that_cannot_be_kept_does_not_break_the_chat(
    history: Path, obstacle: str
) -> None:
    if obstacle == "folder is a file":
        history.parent.write_text("")
    else:
        history.mkdir(parents=True)
    with open_person(history) as person:
        person.type("one", "\r")
        assert person.read() == "'one'"
        person.type(UP, "\r")
        assert person.read() == "'one'"


def test_tab_completes_a_command(history: Path) -> None:
    with open_person(history) as person:
        person.type("/he")
        person.child.expect_exact("Show help")  # until then, Tab would only ask for the menu
        person.type("\t", "\r")

        assert person.read() == "'/help'"


def test_the_screen_stays_free_of_cursor_requests_and_warnings(history: Path) -> None:
    with open_person(history) as person:
        person.type("x", "\r")
        person.read()
        seen = person.leave()

    assert "\x1b[6n" not in seen
    assert "WARNING" not in seen


def test_a_dumb_terminal_will_do(history: Path) -> None:
    with open_person(history, term="dumb") as person:
        person.type("plain", "\r")
        assert person.read() == "'plain'"
        assert "\x1b" not in person.leave()


def test_bytes_that_are_no_utf8_are_replaced(history: Path) -> None:
    with open_person(history) as person:
        os.write(person.child.child_fd, b"caf\xe9!\r")

        assert person.read() == ascii("caf\ufffd!")


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_the_prompt_is_on_stderr_when_stdout_is_no_terminal(
    history: Path, tmp_path: Path, term: str
) -> None:
    stdout = tmp_path / "stdout"
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", 'exec "$0" -c "$1" "$2" > "$3"', sys.executable, SCRIPT, str(history), str(stdout)],
        cwd=str(ROOT),
        env={**os.environ, "TERM": term},
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    person = Person(child)
    person.type("hello", "\r")
    assert person.read() == "'hello'"
    person.leave()

    assert stdout.read_bytes() == b""


def test_making_text_visible_loads_no_terminal_library() -> None:
    code = (
        "import sys, hiveloom_cli.terminal.visible as v; v.format_one_line('x');"
        "sys.exit(bool({'rich', 'prompt_toolkit'} & set(sys.modules)))"
    )

    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
