"""Requests side by side: what one of them costs, the others do not pay."""

from __future__ import annotations

import json
import socket
import struct
import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.protocols.event import TextDelta
from hiveloom_cli.protocols.message import TextPart
from hiveloom_cli.serve.application import build_application
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.door.guard import Guard
from hiveloom_cli.serve.door.guard_rules import Rules
from hiveloom_cli.serve.door.hosts import build_hosts
from hiveloom_cli.serve.formats import anthropic_request, native, openai_chat
from tests.support.patience import PATIENCE_S
from tests.support.serving import build_request, connect, read_answer, running, send
from tests.support.slow import Slow
from tests.support.turns import build_end

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import ModuleType

    from starlette.types import ASGIApp

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.serve.asked import Asked
    from hiveloom_cli.serve.door.access_log import AccessEntry

_PATH = "/api/tenants/default/agents/helper/chat"
_JSON = [("Content-Type", "application/json")]
_RESET = struct.pack("ii", 1, 0)  # a linger time of nothing: closing sends RST


class Flood(Slow):
    """A host whose turn says much more at once than lies between a server and a client."""

    def __init__(self) -> None:
        super().__init__()
        self.has_said_all = threading.Event()

    def _run(self) -> Generator[Event]:
        for _ in range(2000):
            yield TextDelta("x" * 20_000)
        self.has_said_all.set()
        yield build_end(TextPart("x"))


class Stuck(Slow):
    """A host whose turn cannot put away what came of it when its client has left."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = threading.Event()

    def _run(self) -> Generator[Event]:
        try:
            yield from super()._run()
        except GeneratorExit:
            raise OSError("no space left") from None

    def close(self) -> None:
        self.is_closed.set()


class Noted(SimpleQueue["AccessEntry"]):
    """An access log that is waited for."""

    def write(self, entry: AccessEntry) -> None:
        self.put(entry)


@pytest.mark.parametrize(
    ("path", "module", "name"),
    [
        ("/v1/chat/completions", openai_chat, "parse_asked"),
        ("/v1/messages/count_tokens", anthropic_request, "parse_counted"),
        (_PATH, native, "parse_asked"),
    ],
)
def test_a_request_that_takes_long_to_read_holds_nobody_else_up(
    monkeypatch: pytest.MonkeyPatch, path: str, module: ModuleType, name: str
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def parse(_body: bytes, _agent: str = "") -> Asked:
        reading.set()
        seen = go_on.wait(PATIENCE_S)
        raise Rejection(400, "the others were answered" if seen else "nobody else was answered")

    monkeypatch.setattr(module, name, parse)
    with running(build_application(Slow(), SystemClock())) as port, connect(port) as connection:
        connection.sendall(build_request("POST", path, _JSON, b"{}", port=port))
        assert reading.wait(PATIENCE_S)
        assert send(port, build_request("GET", "/healthz", port=port)).status == 200
        go_on.set()
        answer = read_answer(connection, "POST")
    assert json.loads(answer.body)["error"]["message"] == "the others were answered"


@contextmanager
def connecting(host: Slow, log: Noted) -> Iterator[tuple[int, socket.socket]]:
    """Serve a host's agents, and connect to them; give the port, and the connection."""
    clock = SystemClock()

    def build(port: int) -> ASGIApp:
        rules = Rules(build_hosts("127.0.0.1", port))
        return Guard(build_application(host, clock), rules, None, log, clock)

    with running(build, by_port=True) as port, connect(port) as connection:
        yield port, connection


def test_who_leaves_before_there_is_an_answer_got_none() -> None:
    host, log = Slow(), Noted()
    with connecting(host, log) as (port, connection):
        connection.sendall(build_request("POST", _PATH, _JSON, b'{"message": "hi"}', port=port))
        assert host.has_begun.wait(PATIENCE_S)
        connection.close()
        entry = log.get(timeout=PATIENCE_S)
    assert (entry.status, entry.is_complete, entry.agent) == (None, False, "helper")


def test_who_leaves_before_all_was_sent_is_noticed_at_once() -> None:
    host, log = Flood(), Noted()
    body = b'{"message": "hi", "stream": true}'
    with connecting(host, log) as (port, connection):
        connection.sendall(build_request("POST", _PATH, _JSON, body, port=port))
        assert host.has_said_all.wait(PATIENCE_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.close()
        entry = log.get(timeout=PATIENCE_S)
    assert (entry.status, entry.is_complete) == (200, False)
    assert entry.bytes < 20_000_000


def test_a_turn_that_cannot_end_well_is_closed_all_the_same() -> None:
    host, log = Stuck(), Noted()
    with connecting(host, log) as (port, connection):
        connection.sendall(build_request("POST", _PATH, _JSON, b'{"message": "hi"}', port=port))
        assert host.has_begun.wait(PATIENCE_S)
        connection.close()
        assert host.is_closed.wait(PATIENCE_S)
