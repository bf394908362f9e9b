"""A server, as one chat or one request uses it: had when it is first needed, and once more."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import McpServerFailed
from hiveloom_cli.stop import Stop
from hiveloom_cli.tools.mcp_launch import load_launch
from hiveloom_cli.tools.mcp_listing import load_listing, parse_listing, save_listing
from hiveloom_cli.tools.mcp_pool import ServerPool, build_missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.tools.mcp_file import McpFile
    from hiveloom_cli.tools.mcp_listing import ListedTool
    from hiveloom_cli.tools.mcp_server import McpServer
    from hiveloom_cli.tools.mcp_session import McpSession
    from hiveloom_cli.tools.outside import Outside

_MOST_STARTS = 2


class RunningServer:
    """A server that may run. `problems` says which of its tools cannot be used, once listed.

    It comes from the pool outside, and goes back there; without one it is ended with this.
    """

    def __init__(self, server: McpServer, file: McpFile, outside: Outside) -> None:
        self.server = server
        self.problems: list[str] = []
        self._file = file
        self._outside = outside
        self._pool = outside.servers or ServerPool(outside.clock)
        self._lock = threading.Lock()
        self._session: McpSession | None = None
        self._starts = 0
        self._is_closed = False

    def load_known(self) -> list[ListedTool] | None:
        """Return what the server offered last, without starting it; None if that is not known."""
        return load_listing(self.server, self._outside.cache)

    def list_tools(self, stop: Stop | None = None) -> list[ListedTool]:
        """Ask the server what it offers, and keep that. Raises `HiveloomError`."""
        tools, self.problems = parse_listing(self._load_items(stop or Stop()))
        save_listing(self.server, self._outside.cache, tools)
        return tools

    def call(self, tool: str, arguments: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
        """Have a tool run: a `CallToolResult` as its JSON. Raises `HiveloomError`."""
        return self._open(stop).call(tool, arguments, self.server.timeout_s, stop)

    def begin_close(self) -> None:
        """Let go of the server; one of our own is told to end, and not waited for."""
        with self._lock:
            self._is_closed = True
            self._let_go()
        if self._pool is not self._outside.servers:
            self._pool.begin_close()

    def close(self) -> None:
        """Let go of the server; one of our own is ended, with all that it started."""
        self.begin_close()
        if self._pool is not self._outside.servers:
            self._pool.close()

    def _load_items(self, stop: Stop) -> list[dict[str, Any]]:
        session = self._open(stop)
        try:
            return session.list_tools(stop)
        except McpServerFailed:
            if session.is_alive or stop.is_set:
                raise
        return self._open(stop).list_tools(stop)  # it had ended while nobody asked it anything

    def _open(self, stop: Stop) -> McpSession:
        with self._lock:
            session = self._session
            if session is None or not session.is_alive:
                session = self._borrow()
        try:
            session.wait_until_ready(stop)
        except McpServerFailed:
            with self._lock:
                if self._session is session and not session.is_alive:
                    self._let_go()
            raise
        return session

    def _borrow(self) -> McpSession:
        name = self.server.name
        if self._is_closed:
            raise McpServerFailed(f"the MCP server {name} was ended with the chat")
        if self._starts >= _MOST_STARTS:
            raise McpServerFailed(
                f"the MCP server {name} failed twice, and is not started again in this chat",
                hint=f"see what it says: hiveloom mcp test {name}",
            )
        check_installed()
        server = self._file.expand(self.server, self._outside.environ)
        launch = load_launch(server, self._outside)
        self._let_go()
        self._session = self._pool.borrow(launch)
        self._starts += 1
        return self._session

    def _let_go(self) -> None:
        if self._session is not None:
            self._pool.give_back(self._session)
            self._session = None


def check_installed() -> None:
    """Return if the MCP SDK is there. Raises `McpServerFailed`."""
    if find_spec("mcp") is None:
        raise build_missing("MCP servers need the package mcp, which is not installed")
