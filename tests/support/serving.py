"""An ASGI app on a free loopback port, in uvicorn as it is served, and a client that sends bytes.

with running(app) as port:
    answer = send(port, build_request("GET", "/healthz", port=port))
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

import uvicorn

from hiveloom_cli.serve.connection import TimedConnection
from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; the names of the headers are in small letters."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def get(self, name: str) -> str | None:
        found = [value for known, value in self.headers if known == name]
        assert len(found) <= 1, f"{name} was sent more than once: {found}"
        return found[0] if found else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        error = self.json["error"]
        assert error["message"]
        assert error["type"]
        return str(error["code"])


@contextmanager
def running(
    app: ASGIApp | Callable[[int], ASGIApp],
    *,
    by_port: bool = False,
    connection: type[TimedConnection] = TimedConnection,
) -> Iterator[int]:
    """Serve an app, or `by_port` the one that a function makes for the port; give the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    config = uvicorn.Config(
        app(port) if by_port else app,  # type: ignore[arg-type, call-arg]
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert server.began.wait(PATIENCE_S)
        yield port
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()
        assert not thread.is_alive()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.began = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.began.set()


def build_request(
    method: str,
    path: str,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    port: int = 0,
) -> bytes:
    """Build the bytes of a request; a `Host` of its own replaces that of the port."""
    lines = [f"{method} {path} HTTP/1.1"]
    if port and not any(name.lower() == "host" for name, _ in headers):
        lines.append(f"Host: 127.0.0.1:{port}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def send(port: int, request: bytes) -> Answer:
    """Send bytes on a connection of its own, and read one answer."""
    with connect(port) as connection:
        connection.sendall(request)
        return read_answer(connection, request.partition(b" ")[0].decode())


def connect(port: int) -> socket.socket:
    """Open a connection that waits for nothing for ever."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    """Read one answer to its end."""
    with HTTPResponse(connection, method=method) as response:
        response.begin()
        body = response.read()
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, headers, body)
