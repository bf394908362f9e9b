"""A turn, which waits for bytes in a thread of its own, read in an event loop.

The thread ends by itself soon after its reader has gone: the upstream's connection is cut off then,
and what tools run is stopped.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.serve.asked import Asked, Host, OpenTurn


class _Over:
    """What comes after the last event."""


class Turn:
    """A turn under way; close it, however its reading ends."""

    def __init__(self, host: Host, asked: Asked) -> None:
        self._host = host
        self._asked = asked
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[Event | BaseException | _Over] = asyncio.Queue()
        self._lock = threading.Lock()
        self._open: OpenTurn | None = None
        self._cut = threading.Event()
        threading.Thread(target=self._work, name="turn", daemon=True).start()

    async def read(self) -> AsyncIterator[Event]:
        """Yield the events as they come; raises what the turn does."""
        while (event := await self.wait()) is not None:
            yield event

    async def wait(self) -> Event | None:
        """Wait for the next event, None after the last one; raises what the turn does.

        When this is cancelled, nothing is lost.
        """
        item = await self._arrived.get()
        if isinstance(item, BaseException):
            raise item
        return None if isinstance(item, _Over) else item

    def close(self) -> None:
        """Have the thread end, if it has not: nobody reads any more."""
        with self._lock:
            self._cut.set()
            if self._open is not None:
                self._open.cut()

    async def wait_for_end(self) -> None:
        """Wait until the thread has ended what it started; what comes until then is dropped."""
        while not isinstance(await self._arrived.get(), _Over):
            pass

    def _work(self) -> None:
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 - raised by whoever reads
            self._put(error)
        self._put(_Over())

    def _run(self) -> None:
        turn = self._host.open_turn(self._asked)
        with closing(turn), closing(turn.events):
            try:
                with self._lock:
                    self._open = turn
                    if self._cut.is_set():
                        return
                for event in turn.events:
                    self._put(event)
                    if self._cut.is_set():
                        return
            finally:
                with self._lock:
                    self._open = None  # what is closed is not cut any more

    def _put(self, item: Event | BaseException | _Over) -> None:
        with suppress(RuntimeError):  # the loop is closed: the server has ended
            self._loop.call_soon_threadsafe(self._arrived.put_nowait, item)
