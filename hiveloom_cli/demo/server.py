"""An HTTP server on 127.0.0.1 that starts and stops at once and never writes to stderr."""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

HOST = "127.0.0.1"
_POLL_S = 0.02  # stopping waits this long at most
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it arrived. `path` holds the query; header names are in lower case.

    The headers hold the key that was sent, so they stay out of `repr`.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes

    @property
    def route(self) -> str:
        """The path without its query."""
        return urlsplit(self.path).path

    @property
    def json(self) -> Any:
        """The body, decoded; raises `ValueError` for one that is not JSON."""
        return json.loads(self.body)


class LoopbackServer(ThreadingHTTPServer):
    """Listens from its construction on, answers inside its `with` block, one thread a connection.

    Leaving the block closes every connection and waits for their threads. `requests` holds what
    arrived, oldest first.
    """

    daemon_threads = True  # a forgotten server does not keep the program alive

    def __init__(self, handler: type[LoopbackHandler], port: int = 0) -> None:
        super().__init__((HOST, port), handler)
        self.requests: list[RecordedRequest] = []
        self.closing = threading.Event()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._listener = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": _POLL_S}, daemon=True
        )

    @property
    def origin(self) -> str:
        """Scheme, address and port, without a slash at the end."""
        return f"http://{HOST}:{self.server_port}"

    @property
    def openai_base_url(self) -> str:
        """The base URL for a client of Chat Completions."""
        return f"{self.origin}/v1"

    @property
    def anthropic_base_url(self) -> str:
        """The base URL for a client of Messages, which adds `/v1` itself."""
        return self.origin

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self.shutdown()
        self._listener.join()
        self.server_close()

    def server_bind(self) -> None:
        """Bind without asking a name server who 127.0.0.1 is, as the inherited one would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    def server_close(self) -> None:
        """Close the listening socket and every connection."""
        super().server_close()
        for thread, connection in list(self._connections.items()):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(_GRACE_S)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread that `server_close` can find."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        self._connections[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """See `process_request`."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a client that hung up: that is its right. Anything else is a bug and shows."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class LoopbackHandler(BaseHTTPRequestHandler):
    """Records each request and leaves the reply to `answer`, which the subclass writes."""

    protocol_version = "HTTP/1.1"
    server_version = "hiveloom-loopback"
    sys_version = ""
    disable_nagle_algorithm = True  # pieces leave one by one, as they would from a model
    server: LoopbackServer

    def answer(self, request: RecordedRequest) -> None:
        """Write the whole reply to `request`."""
        raise NotImplementedError

    def serve_request(self) -> None:
        """Read the request to its end, so that the connection can be used again, and answer it."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = RecordedRequest(self.command, self.path, headers, self._read_body())
        self.server.requests.append(request)
        self.answer(request)

    do_DELETE = do_GET = do_PATCH = do_POST = do_PUT = serve_request  # noqa: N815 - http.server's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - likewise
        """Stay silent: stderr belongs to the program that runs this server."""

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if length.isdecimal() and "Transfer-Encoding" not in self.headers:
            return self.rfile.read(int(length))
        self.close_connection = (
            True  # where this body ends, and the next request begins, is unknown
        )
        return b""
