"""A server of one chat: started when it is first needed, and once more if it dies."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import McpServerFailed
from hiveloom_cli.stop import Stop
from hiveloom_cli.tools.mcp_launch import load_launch
from hiveloom_cli.tools.mcp_listing import load_listing, parse_listing, save_listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.tools.mcp_file import McpFile
    from hiveloom_cli.tools.mcp_listing import ListedTool
    from hiveloom_cli.tools.mcp_server import McpServer
    from hiveloom_cli.tools.mcp_session import McpSession
    from hiveloom_cli.tools.outside import Outside

_MOST_STARTS = 2


class RunningServer:
    """A server that may run. `problems` says which of its tools cannot be used, once listed."""

    def __init__(self, server: McpServer, file: McpFile, outside: Outside) -> None:
        self.server = server
        self.problems: list[str] = []
        self._file = file
        self._outside = outside
        self._lock = threading.Lock()
        self._session: McpSession | None = None
        self._starts = 0
        self._is_closed = False

    def load_known(self) -> list[ListedTool] | None:
        """Return what the server offered last, without starting it; None if that is not known."""
        return load_listing(self.server, self._outside.cache)

    def list_tools(self, stop: Stop | None = None) -> list[ListedTool]:
        """Ask the server what it offers, and keep that. Raises `HiveloomError`."""
        stop = stop or Stop()
        items = self._open(stop).list_tools(stop)
        tools, self.problems = parse_listing(items)
        save_listing(self.server, self._outside.cache, tools)
        return tools

    def call(self, tool: str, arguments: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
        """Have a tool run: a `CallToolResult` as its JSON. Raises `HiveloomError`."""
        return self._open(stop).call(tool, arguments, self.server.timeout_s, stop)

    def begin_close(self) -> None:
        """Tell the server to end, and do not wait for it; it is not started again."""
        self._is_closed = True
        if self._session is not None:
            self._session.begin_close()

    def close(self) -> None:
        """End the server and all it started."""
        self.begin_close()
        with self._lock:
            if self._session is not None:
                self._session.close()

    def _open(self, stop: Stop) -> McpSession:
        with self._lock:
            if self._session is not None and self._session.is_alive:
                return self._session
            name = self.server.name
            if self._is_closed:
                raise McpServerFailed(f"the MCP server {name} was ended with the chat")
            if self._session is not None:
                self._session.close()
            if self._starts >= _MOST_STARTS:
                raise McpServerFailed(
                    f"the MCP server {name} failed twice, and is not started again in this chat",
                    hint=f"see what it says: hiveloom mcp test {name}",
                )
            return self._start(stop)

    def _start(self, stop: Stop) -> McpSession:
        check_installed()
        server = self._file.expand(self.server, self._outside.environ)
        launch = load_launch(server, self._outside)
        try:
            from hiveloom_cli.tools.mcp_session import McpSession
        except ImportError:
            raise _build_missing("the installed package mcp is too old") from None
        session = self._session = McpSession(launch)
        self._starts += 1
        if self._is_closed:  # in this moment, so that nobody else ends it
            session.begin_close()
        try:
            session.wait_until_ready(stop)
        except BaseException:
            self._starts -= stop.is_set  # a start that the person ended has not failed
            session.close()
            raise
        return session


def check_installed() -> None:
    """Return if the MCP SDK is there. Raises `McpServerFailed`."""
    if find_spec("mcp") is None:
        raise _build_missing("MCP servers need the package mcp, which is not installed")


def _build_missing(problem: str) -> McpServerFailed:
    return McpServerFailed(
        problem, hint="pip install 'hiveloom-cli[mcp]' (or: pipx inject hiveloom-cli 'mcp>=2.3')"
    )
