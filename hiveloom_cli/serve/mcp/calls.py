"""The calls of MCP clients that are under way, so that a client can cancel one.

Until its revision 2025-11-25 the protocol has a client say that in a request of its own. It counts
nothing that the connection of the call is left. The requests of a client are told from another's
by a session id, which is made up for each: nothing is kept under it but these calls.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.serve.turn_bridge import Turn


class Caller(NamedTuple):
    """Who calls: the id of a token, an agent, and the session id that the client shows."""

    token: str | None
    agent: str
    session: str


class Calls:
    """The calls under way in this process."""

    def __init__(self) -> None:
        self._running: dict[tuple[Caller, str], Turn] = {}

    @contextmanager
    def running(self, caller: Caller | None, id_: object, turn: Turn) -> Iterator[None]:
        """Have a call be known as long as it runs; one without a session cannot be told apart."""
        if caller is None or not caller.session:
            yield
            return
        key = (caller, f"{id_}")
        self._running[key] = turn
        try:
            yield
        finally:
            if self._running.get(key) is turn:
                del self._running[key]

    def cancel(self, caller: Caller, id_: object) -> None:
        """Have a call end, if it is one of that client's and still runs."""
        turn = self._running.get((caller, f"{id_}"))
        if turn is not None:
            turn.close()
