"""Tests start clean, reach loopback only, and run programs in an environment of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import program
from tests.support.program import build_environment, run_hiveloom, spawn_hiveloom

if TYPE_CHECKING:
    from tests.support.upstream import ScriptedUpstream

SHOW_INPUT = "import sys; data = sys.stdin.buffer.read(); print(len(data), *sys.argv[1:])"
ASK = "print('size', *__import__('os').get_terminal_size()); print('got', input('name? '))"
SLEEP = "print('ready'); __import__('time').sleep(60)"


def use(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(program, "PROGRAM", (sys.executable, "-c", code))


def test_the_home_is_empty_and_private(home: Path) -> None:
    assert list(home.iterdir()) == []
    assert home.stat().st_mode & 0o777 == 0o700
    assert home.is_relative_to(Path.home())


def test_no_key_and_no_setting_of_the_machine_gets_in() -> None:
    names = {name for name in os.environ if name.startswith("HIVELOOM_")}
    assert names == {"HIVELOOM_HOME"}
    assert not any(name.upper().endswith(("_API_KEY", "_PROXY")) for name in os.environ)


@given(st.text())
def test_properties_can_be_tested_beside_the_isolation(text: str) -> None:
    assert text + "" == text


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80), ("example.com", 80)])
def test_nothing_beyond_loopback_is_reached(address: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as connection:
        with pytest.raises(pytest.fail.Exception, match="only loopback"):
            connection.connect(address)
        with pytest.raises(pytest.fail.Exception, match="only loopback"):
            connection.connect_ex(address)


def test_names_beyond_this_machine_do_not_exist() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("example.com", 80), timeout=5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_reached(upstream: ScriptedUpstream, host: str) -> None:
    socket.create_connection((host, upstream.server_port), timeout=5).close()


def test_the_program_gets_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "vi")
    environment = build_environment({"NO_COLOR": "1"})
    measured = {name for name in environment if name.startswith("COVERAGE_")}
    expected = {"HIVELOOM_HOME", "HIVELOOM_KEYRING", "HOME", "LANG", "NO_COLOR", "PATH"}
    assert set(environment) - measured == expected


def test_a_program_is_run_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, SHOW_INPUT)
    finished = run_hiveloom("chat", "--x", input="é\n")
    assert (finished.exit_code, finished.stdout, finished.stderr) == (0, "3 chat --x\n", "")
    assert run_hiveloom().stdout_bytes == b"0\n"


def test_a_program_is_stopped_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, SLEEP)
    with pytest.raises(subprocess.TimeoutExpired):
        run_hiveloom(timeout=0.3)


def test_a_terminal_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, ASK)
    with spawn_hiveloom(columns=50, rows=10) as terminal:
        terminal.expect("name? ".rstrip())
        terminal.send_line("Zoë")
        terminal.expect("got Zoë")
        assert terminal.wait() == 0
    assert terminal.lines[:3] == ["size 50 10", "name? Zoë", "got Zoë"]
    assert b"got Zo\xc3\xab\r\n" in terminal.output


def test_a_terminal_tells_what_never_came(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "print('bye')")
    with (
        spawn_hiveloom() as terminal,
        pytest.raises(AssertionError, match="'hello' never came:\nbye"),
    ):
        terminal.expect("hello")


def test_a_terminal_sends_control_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, SLEEP)
    with spawn_hiveloom() as terminal:
        terminal.expect("ready")
        terminal.press_control("c")
        assert terminal.wait() == -signal.SIGINT
