"""An upstream that says what a test tells it to, over real sockets, and breaks off as told.

with ScriptedUpstream(stream_reply(openai_stream("hi"))) as upstream:
    ...  # talk to upstream.openai_base_url
upstream.requests[0].json["model"]
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from hiveloom_cli.demo.server import LoopbackHandler, LoopbackServer, RecordedRequest
from tests.support.patience import PATIENCE_S
from tests.support.wire import (
    anthropic_error,
    anthropic_event,
    anthropic_reply,
    anthropic_stream,
    openai_chunk,
    openai_error,
    openai_reply,
    openai_stream,
    sse,
)

if TYPE_CHECKING:
    from types import TracebackType

__all__ = [
    "Ending",
    "RecordedRequest",
    "Reply",
    "ScriptedUpstream",
    "anthropic_error",
    "anthropic_event",
    "anthropic_reply",
    "anthropic_stream",
    "json_reply",
    "openai_chunk",
    "openai_error",
    "openai_reply",
    "openai_stream",
    "sse",
    "stream_reply",
]

Piece = bytes | float | threading.Event
_POLL_S = 0.01


class Ending(Enum):
    """How the client learns that a body is over."""

    LENGTH = auto()  # Content-Length
    CHUNKED = auto()  # the last chunk
    CLOSE = auto()  # the connection closes, as HTTP/1.0 has it
    CUT = auto()  # chunked, and the connection closes without a last chunk
    SHORT = auto()  # Content-Length promises one byte more than comes
    RESET = auto()  # chunked, and the connection is reset
    HALF = auto()  # chunked, and only our side closes: the client could go on sending


_CHUNKED = frozenset({Ending.CHUNKED, Ending.CUT, Ending.RESET, Ending.HALF})


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. Among its pieces, a number pauses for seconds and an event waits until it is set.

    One without a head has no status line and no headers but what its pieces say, unframed: bytes
    that are not HTTP, or nothing before the ending.
    """

    pieces: Iterable[Piece] = ()
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    ending: Ending = Ending.LENGTH
    has_head: bool = True


Script = Callable[[RecordedRequest], Reply]


def json_reply(body: bytes, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    """Build a reply of one JSON body: an answer that is not streamed, or an error."""
    return Reply([body], status, (("Content-Type", "application/json"), *headers))


def stream_reply(
    pieces: Iterable[Piece],
    *,
    ending: Ending = Ending.CHUNKED,
    headers: Iterable[tuple[str, str]] = (),
) -> Reply:
    """Build a reply of server-sent events."""
    kind = ("Content-Type", "text/event-stream; charset=utf-8")
    return Reply(list(pieces), 200, (kind, *headers), ending)


class ScriptedUpstream(LoopbackServer):
    """Answers each request with the next of its replies, or with what its function returns.

    A request that no reply is left for gets a 500, and fails the test at the end of the block, as
    does what the function raised.
    `hung_up` is set once a client has left before its reply was complete.
    """

    def __init__(self, *replies: Reply, script: Script | None = None, port: int = 0) -> None:
        super().__init__(_Handler, port)
        self.hung_up = threading.Event()
        self.unscripted: list[RecordedRequest] = []
        self.failures: list[BaseException] = []
        self._replies = deque(replies)
        self._script = script

    def add(self, *replies: Reply) -> None:
        """Put replies at the end of the queue."""
        self._replies.extend(replies)

    def decide_reply(self, request: RecordedRequest) -> Reply:
        """Take the next reply, or the function's."""
        if self._replies:
            return self._replies.popleft()
        if self._script:
            return self._script(request)
        self.unscripted.append(request)
        return Reply([b"no reply is left in the script"], status=500)

    def wait_for_requests(self, count: int = 1, timeout_s: float = PATIENCE_S) -> None:
        """Wait until so many requests have arrived in all."""
        deadline = time.monotonic() + timeout_s
        while len(self.requests) < count:
            assert time.monotonic() < deadline, f"{len(self.requests)} of {count} requests came"
            time.sleep(_POLL_S)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        if kind is None:
            for failure in self.failures:
                raise failure
            assert not self.unscripted, f"requests without a reply: {self.unscripted}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what the script's function raised, for the end of the block."""
        failure = sys.exception()
        if failure and not isinstance(failure, OSError):
            self.failures.append(failure)


@dataclass(frozen=True, slots=True)
class _Body:
    """The framing of one body on one connection."""

    reply: Reply
    connection: socket.socket
    closing: threading.Event

    def send(self, piece: bytes) -> None:
        if not piece:
            return  # an empty chunk would be the last one
        if self.reply.ending in _CHUNKED and self.reply.has_head:
            piece = b"%x\r\n%b\r\n" % (len(piece), piece)
        self.connection.sendall(piece)

    def pause(self, piece: float | threading.Event) -> None:
        """Wait as told, but no longer than the client and the server are there."""
        gate = piece if isinstance(piece, threading.Event) else threading.Event()
        # Whoever is to open a gate may have something to wait for before.
        limit_s = 2 * PATIENCE_S if isinstance(piece, threading.Event) else piece
        deadline = time.monotonic() + limit_s
        while not gate.is_set() and time.monotonic() < deadline:
            if self.closing.is_set() or self._client_left():
                raise ConnectionAbortedError
            gate.wait(min(_POLL_S, limit_s))

    def finish(self) -> None:
        if self.reply.ending is Ending.CHUNKED:
            self.connection.sendall(b"0\r\n\r\n")
        if self.reply.ending is Ending.HALF:
            self.connection.shutdown(socket.SHUT_WR)
            self.pause(PATIENCE_S)
        if self.reply.ending is Ending.RESET:
            # A linger time of nothing makes closing send RST in place of FIN; the server's own way
            # of closing would send FIN before it.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            os.close(self.connection.detach())

    def _client_left(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        # Past TLS, which lets nobody peek: it is the end that matters, and no byte.
        return bool(readable) and not socket.socket.recv(self.connection, 1, socket.MSG_PEEK)


class _Handler(LoopbackHandler):
    server: ScriptedUpstream
    do_HEAD = LoopbackHandler.serve_request  # noqa: N815 - http.server's

    def answer(self, request: RecordedRequest) -> None:
        reply = self.server.decide_reply(request)
        try:
            self._send(reply)
        except OSError:
            self.close_connection = True
            if not self.server.closing.is_set():
                self.server.hung_up.set()

    def _send(self, reply: Reply) -> None:
        pieces = list(reply.pieces)
        self.close_connection = reply.ending not in {Ending.LENGTH, Ending.CHUNKED}
        if reply.has_head:
            self._send_head(reply, sum(len(piece) for piece in pieces if isinstance(piece, bytes)))
        body = _Body(reply, self.connection, self.server.closing)
        for piece in pieces:
            if isinstance(piece, bytes):
                body.send(piece)
            else:
                body.pause(piece)
        body.finish()

    def _send_head(self, reply: Reply, length: int) -> None:
        self.send_response(reply.status, _phrase(reply.status))
        for name, value in reply.headers:
            self.send_header(name, value)
        match reply.ending:
            case Ending.LENGTH | Ending.SHORT:
                promised = length + (reply.ending is Ending.SHORT)
                self.send_header("Content-Length", str(promised))
            case Ending.CHUNKED | Ending.CUT | Ending.RESET | Ending.HALF:
                self.send_header("Transfer-Encoding", "chunked")
            case Ending.CLOSE:
                self.send_header("Connection", "close")
        self.end_headers()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"  # 529 is real, and in no registry
