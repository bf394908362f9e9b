"""An agent as an MCP server, over HTTP and over standard input and output.

The only file of this layer that knows the MCP SDK.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from mcp import MCPError
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    CancelledNotificationParams,
    ListToolsResult,
    PaginatedRequestParams,
)

from hiveloom_cli import __version__
from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.formats.failure import explain_failure
from hiveloom_cli.serve.mcp.agent import ToolUnknown
from hiveloom_cli.serve.mcp.calls import Calls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.server import ServerRequestContext
    from starlette.types import Receive, Scope, Send

    from hiveloom_cli.serve.mcp.agent import AgentTools
    from hiveloom_cli.serve.mcp.calls import Caller

    Context = ServerRequestContext[Any, Any]

_LOGGERS = ("mcp", "sse_starlette")


async def answer_http(
    tools: AgentTools, caller: Caller, calls: Calls, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer one request over streamable HTTP; nothing of it stays, but its call in `calls`.

    The manager is made for one request alone, so that it needs nobody to start it with the server
    and end it with it; it checks neither `Host` nor `Origin` nor how large a body is,
    which the guard has done.
    """
    _silence()
    _let_answers_end()
    server = _build_server(tools, caller, calls)
    manager = StreamableHTTPSessionManager(
        server, stateless=True, max_request_body_size=sys.maxsize
    )
    async with manager.run():
        await manager.handle_request(scope, receive, send)


async def serve_stdio(tools: AgentTools, lines: AsyncIterator[str]) -> None:
    """Answer the client that sends `lines`, on standard output, until it sends no more."""
    _silence()
    server = _build_server(tools, None, Calls())
    # Of a file, the SDK does no more than read lines; its own reading cannot be broken off.
    async with stdio_server(stdin=cast("Any", lines)) as (read, write):
        await server.run(read, write, server.create_initialization_options())


class _Handlers:
    """What the SDK calls; `caller` None for a client that has the server to itself."""

    def __init__(self, tools: AgentTools, caller: Caller | None, calls: Calls) -> None:
        self._tools = tools
        self._caller = caller
        self._calls = calls

    async def list_tools(self, _: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        try:
            return ListToolsResult.model_validate({"tools": await self._tools.load_tools()})
        except Rejection as rejection:
            raise MCPError(INVALID_PARAMS, rejection.message) from None
        except HiveloomError as error:
            raise MCPError(INTERNAL_ERROR, explain_failure(error)) from None

    async def call_tool(self, context: Context, called: CallToolRequestParams) -> CallToolResult:
        async def report(number: int, text: str) -> None:
            await context.session.report_progress(number, message=text)

        hold = partial(self._calls.running, self._caller, context.request_id)
        try:
            result = await self._tools.call(called.name, called.arguments or {}, report, hold)
        except ToolUnknown:
            raise MCPError(INVALID_PARAMS, f"There is no tool named {called.name}.") from None
        return CallToolResult.model_validate(result)

    async def cancel(self, _: Context, cancelled: CancelledNotificationParams) -> None:
        # The SDK's own cancelling reaches no other connection's calls.
        if self._caller is not None:
            self._calls.cancel(self._caller, cancelled.request_id)


def _build_server(tools: AgentTools, caller: Caller | None, calls: Calls) -> Server[Any]:
    handlers = _Handlers(tools, caller, calls)
    server: Server[Any] = Server(
        tools.agent,
        version=__version__,
        title=f"{tools.agent}, an agent of hiveloom",
        get_tool_input_schema=lambda _: None,  # no argument is read off a header
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
    )
    server.add_notification_handler(
        "notifications/cancelled", CancelledNotificationParams, handlers.cancel
    )
    return server


def _silence() -> None:
    """Have the SDK write nothing to standard error; what fails here is told to the client."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _let_answers_end() -> None:
    """Have what the SDK streams with leave it to the server when answers break off at its end."""
    with suppress(ImportError):  # the SDK's own choice, which may be another one day
        from sse_starlette.sse import AppStatus

        AppStatus.enable_automatic_graceful_drain = False
