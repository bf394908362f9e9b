"""A connection that does not wait for ever: what uvicorn leaves to whoever stands before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

# For the head of a request, and for a client to read on, in seconds.
HEAD_S = 20.0
READ_S = 120.0
# For a request that is just coming when the server is told to end, in seconds.
LAST_S = 1.0


class TimedConnection(H11Protocol):
    """HTTP/1.1 whose client has `head_s` to ask, and `read_s` to go on reading an answer."""

    head_s = HEAD_S
    read_s = READ_S
    _asking: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _is_ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        for timer in (self._asking, self._reading):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in a piece of a request; or of one that was answered before it was all there."""
        super().data_received(data)
        if self._is_ending and self._has_asked():
            self.cycle.keep_alive = False
        self._watch_head()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP; in the middle of an answer, or after it, nothing can be said."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
            if self._has_asked():  # in the body: whoever answers has nothing to say any more
                self.cycle.disconnected = True
                self.cycle.message_event.set()
        else:
            self.transport.abort()

    def shutdown(self) -> None:
        """End once what was asked is answered; who has connected may be about to ask."""
        if self._has_asked():
            super().shutdown()
        else:
            self._is_ending = True
            self.loop.call_later(LAST_S, self._end)

    def _end(self) -> None:
        if not self.transport.is_closing() and self._is_waiting():
            super().shutdown()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._reading = self.loop.call_later(self.read_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        if self._reading is not None:
            self._reading.cancel()
        super().resume_writing()

    def _watch_head(self) -> None:
        if not self._is_waiting():
            if self._asking is not None:
                self._asking.cancel()
            self._asking = None
        elif self._asking is None:
            self._asking = self.loop.call_later(self.head_s, self._give_up)

    def _has_asked(self) -> bool:
        return self.cycle is not None

    def _is_waiting(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _give_up(self) -> None:
        self._asking = None
        if self._is_waiting():
            self.transport.abort()
