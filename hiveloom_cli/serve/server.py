"""Running the application: uvicorn, told to say nothing that the access log does not."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import uvicorn

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.serve.connection import TimedConnection
from hiveloom_cli.signals import endings_handled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BACKLOG = 2048
_OF_PORTS = (errno.EADDRINUSE, errno.EACCES)  # what is wrong with a port, and not with an address
_IDLE_S = 75  # a connection without a request
_HEADERS = 64 * 1024
_FILES = 16 * 1024  # an answer has a connection on either side, and clients may just wait


def open_socket(host: str, port: int) -> socket.socket:
    """Listen on an address. Raises `UsageMistake` where that cannot be."""
    try:
        return _listen(host, port)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no name of a host"
        is_port = isinstance(error, OSError) and error.errno in _OF_PORTS
        raise UsageMistake(
            f"cannot listen on {host}, port {port}: {reason}",
            hint=f"choose another: {'--port N' if is_port else '--host ADDRESS'}",
        ) from None


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def run_server(
    application: Any,
    listener: socket.socket,
    note_ready: Callable[[], None],
    note_ending: Callable[[], None],
    grace_s: int,
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; answers on their way may end, within `grace_s`.

    A second SIGINT breaks them off. Raises in the end what the signal raises elsewhere:
    `KeyboardInterrupt` or `Terminated`.
    """
    _silence_warnings()
    _allow_many_files()
    _Server(_build_config(application, grace_s), note_ready, note_ending).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        note_ready: Callable[[], None],
        note_ending: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._note_ready = note_ready
        self._note_ending = note_ending

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Its own are without SIGHUP, which would come up in whatever runs just then.
        with super().capture_signals(), endings_handled(self.handle_exit):
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._note_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; who has connected by now is answered, who comes later is turned away."""
        logging.getLogger("uvicorn.error").disabled = True  # what is cut off now is no fault
        self._note_ending()
        waiting = [one for listening in sockets or () for one in _take_waiting(listening)]
        for listening in self.servers:
            listening.close()
        for one in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._open, one)
        await super().shutdown(sockets)

    def _open(self) -> TimedConnection:
        return TimedConnection(self.config, self.server_state, self.lifespan.state)


def _build_config(application: Any, grace_s: int) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        log_config=None,
        log_level="error",  # what is warned of is written by whoever asks
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whoever asks could write them
        lifespan="off",
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=grace_s,
        h11_max_incomplete_event_size=_HEADERS,
        http=TimedConnection,
        ws="none",
    )


def _silence_warnings() -> None:
    """Have nothing said of each piece that was for a client which left; the access log tells it."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)


def _take_waiting(listener: socket.socket) -> list[socket.socket]:
    """Take the connections that wait to be taken: closing the listener would break them off."""
    taken = []
    with suppress(OSError):  # there is none any more
        while True:
            taken.append(listener.accept()[0])
    return taken


def _allow_many_files() -> None:
    """Have as many files open as the system allows, up to what is of use."""
    if sys.platform == "win32":
        return  # knows no such limit
    import resource

    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        with suppress(OSError, ValueError):  # a system that gives less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
