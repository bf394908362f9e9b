"""Connections, each to an address that was resolved once, and that another thread can cut."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import AddressRefused
from hiveloom_cli.upstream.addresses import is_public

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Address = tuple[socket.AddressFamily, Any]
"""A family, and what a socket of it connects to."""


class Line:
    """The socket of one exchange, which another thread can cut at any stage, TLS or not.

    An exchange may take one connection after the other, such as for each round of a turn.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._twin: socket.socket | None = None
        self._closers: list[Callable[[], None]] = []
        self._cut = threading.Event()

    def on_close(self, close: Callable[[], None]) -> None:
        """Have `close` called at the end: for connections that wait to be used again."""
        self._closers.append(close)

    def hold(self, connection: socket.socket) -> None:
        """Have `cut` end this connection, and let go of the one before it.

        Raises `ConnectionAbortedError` if the line is cut.
        """
        with self._lock:
            if self._cut.is_set():
                raise ConnectionAbortedError
            self._let_go()
            # TLS takes the socket's own number away from it; a second one lasts.
            self._twin = connection.dup()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it is cut."""
        self._cut.wait(seconds)

    def cut(self) -> None:
        """End the connection now, whoever waits for it, and every later one."""
        with self._lock:
            self._cut.set()
            if self._twin is not None:
                with suppress(OSError):
                    self._twin.shutdown(socket.SHUT_RDWR)
            self._let_go()

    def close(self) -> None:
        """Cut it, and close what was kept; in the thread that asked."""
        self.cut()
        while self._closers:
            self._closers.pop()()

    def _let_go(self) -> None:
        # A connection stays open, on this side and at its server, as long as its twin does.
        if self._twin is not None:
            self._twin.close()
            self._twin = None


def load_addresses(host: str, port: int) -> list[Address]:
    """Ask what a name leads to. Raises `socket.gaierror`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except ValueError as error:  # no name can be written like that
        raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from error
    return [(family, address) for family, _, _, _, address in found]


def check_public(host: str, addresses: Sequence[Address]) -> None:
    """Return if all that a name leads to is public; raise `AddressRefused` if not."""
    for _, (address, *_) in addresses:
        if not is_public(address):
            subject = host if host == address else f"{host} leads to {address}, which"
            raise AddressRefused(
                f"{subject} is not a public address",
                hint="if the tool is meant to reach it, its file has to say: allow_private: true",
            )


def open_socket(addresses: Sequence[Address], timeout_s: float, line: Line) -> socket.socket:
    """Connect to the first of the addresses that answers. Raises `OSError`."""
    problem = OSError("the name leads nowhere")
    share_s = timeout_s / max(len(addresses), 1)  # one that is dead leaves time for the others
    for family, address in addresses:
        try:
            connection = _connect(family, address, share_s, line)
        except OSError as error:  # also where this machine does not speak the family
            problem = error
        else:
            connection.settimeout(timeout_s)
            return connection
    raise problem


def _connect(
    family: socket.AddressFamily, address: Any, timeout_s: float, line: Line
) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.hold(connection)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection
