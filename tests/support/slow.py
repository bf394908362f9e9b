"""A host that says nothing for as long as its client was not told to wait."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.protocols.event import TextDelta
from hiveloom_cli.protocols.message import TextPart
from hiveloom_cli.serve.application import build_application
from hiveloom_cli.upstream.event import Notice
from tests.support.patience import PATIENCE_S
from tests.support.turns import build_end

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.types import Message, Receive, Scope, Send

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.serve.asked import Asked

BEGINNING = "Well,"


class Slow:
    """A host whose turn says nothing, before its first word and after it, until it is let go on.

    It is both the host and the turn that it opens.
    """

    keeps = False

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.has_begun = threading.Event()
        self.gates = [threading.Event(), threading.Event()]
        self.events = self._run()

    def open_turn(self, _asked: Asked) -> Slow:
        return self

    def _run(self) -> Generator[Event]:
        self.has_begun.set()
        yield Notice("nobody sees this")
        assert self.gates[0].wait(PATIENCE_S)
        if self.failure is not None:
            raise self.failure
        yield TextDelta(BEGINNING)
        yield Notice("nor this")
        assert self.gates[1].wait(PATIENCE_S)
        yield TextDelta(" hello.")
        yield build_end(TextPart("Well, hello."))

    def let_go_on(self) -> None:
        """Let the turn go on to where it waits next, or to its end."""
        next(gate for gate in self.gates if not gate.is_set()).set()

    def estimate_tokens(self, _asked: Asked) -> int:
        return 0

    def load_agents(self) -> list[Any]:
        return []

    def load_conversations(self, _agent: str, _limit: int) -> list[Any]:
        return []

    def cut(self) -> None:
        for gate in self.gates:
            gate.set()

    def close(self) -> None:
        pass


class Watched:
    """The application of a slow host, which goes on whenever its client was told two times to wait.

    What it is told until the host has gone on does not count. What is never told ends the test,
    after the patience of a gate.
    """

    def __init__(self, host: Slow, sign: bytes) -> None:
        self._host = host
        self._app = build_application(host, SystemClock(), silence_s=0.01)
        self._sign = sign
        self._told = 0
        self._goes_on = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            await send(message)
            body = message.get("body", b"")
            if self._goes_on:
                self._goes_on = BEGINNING.encode() not in body
                return
            self._told += body.count(self._sign)
            if self._told >= 2 and not self._host.gates[-1].is_set():
                self._told, self._goes_on = 0, True
                self._host.let_go_on()

        await self._app(scope, receive, watch)
