"""Every test starts in an empty home, without a key, and reaches no further than loopback."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from hiveloom_cli.demo.upstream import LoopbackUpstream
from tests.support.program import run_hiveloom
from tests.support.upstream import ScriptedUpstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.program import Finished

# How long an example takes depends on what else the machine does.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_CONNECT = socket.socket.connect
_CONNECT_EX = socket.socket.connect_ex
_GETADDRINFO = socket.getaddrinfo

_REMOVED_NAMES = frozenset(
    {
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLORTERM",
        "COLUMNS",
        "CURL_CA_BUNDLE",
        "DBUS_SESSION_BUS_ADDRESS",  # the keyring of the person who runs the tests
        "FORCE_COLOR",
        "LINES",
        "NETRC",
        "NO_COLOR",
        "PYTHON_KEYRING_BACKEND",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    }
)
_REMOVED_PREFIXES = ("ANTHROPIC_", "HIVELOOM_", "OPENAI_", "XDG_")
_REMOVED_ENDINGS = ("_API_KEY", "_PROXY")


def pytest_configure() -> None:
    """Have signals end programs, as at a terminal; behind `nohup` or `&` they may be ignored."""
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGQUIT, signal.SIG_DFL),
    ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(autouse=True)
def _isolation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if _is_removed(name.upper()):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    hiveloom_home = home / "hiveloom"
    home.mkdir()
    hiveloom_home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HIVELOOM_HOME", str(hiveloom_home))
    monkeypatch.setattr(socket.socket, "connect", _connect)
    monkeypatch.setattr(socket.socket, "connect_ex", _connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", _getaddrinfo)


@pytest.fixture
def home() -> Path:
    """Give the folder that `HIVELOOM_HOME` names: empty, and this test's own."""
    return Path(os.environ["HIVELOOM_HOME"])


@pytest.fixture
def hiveloom() -> Callable[..., Finished]:
    """Give the real program; see `run_hiveloom`."""
    return run_hiveloom


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """Give an upstream without replies yet: `add` them."""
    with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
def loopback() -> Iterator[LoopbackUpstream]:
    """Give the built-in upstream, which quotes what it is asked."""
    with LoopbackUpstream() as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for place, reason in _list_forbidden_skips(terminalreporter.config):
        terminalreporter.write_line(f"CI skips nothing, yet {place} was skipped: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.exitstatus == pytest.ExitCode.OK and _list_forbidden_skips(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _list_forbidden_skips(config: pytest.Config) -> list[tuple[str, str]]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None:
        return []
    skipped = reporter.stats.get("skipped", [])
    return [(report.nodeid, report.longrepr[-1]) for report in skipped]


def _is_removed(name: str) -> bool:
    return (
        name in _REMOVED_NAMES
        or name.startswith(_REMOVED_PREFIXES)
        or name.endswith(_REMOVED_ENDINGS)
    )


def _is_loopback(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host or "localhost"
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_address(connection: socket.socket, address: Any) -> None:
    if connection.family != socket.AF_UNIX and not _is_loopback(address[0]):
        pytest.fail(f"a test tried to reach {address}: only loopback is allowed")


def _connect(connection: socket.socket, address: Any) -> None:
    _check_address(connection, address)
    _CONNECT(connection, address)


def _connect_ex(connection: socket.socket, address: Any) -> int:
    _check_address(connection, address)
    return _CONNECT_EX(connection, address)


def _getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
    # Names beyond this machine do not exist here: no name server is asked, and the answer is fast.
    if not _is_loopback(host) and not _is_address(host):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _GETADDRINFO(host, *args, **options)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
