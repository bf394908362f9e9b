"""Where MCP clients find an agent: `/mcp/{agent}`, once somebody asks there."""

from __future__ import annotations

import asyncio
import secrets
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.formats.failure import explain_failure, find_status
from hiveloom_cli.serve.formats.wire_format import escape_line_ends
from hiveloom_cli.serve.mcp.agent import AgentTools
from hiveloom_cli.serve.mcp.calls import Caller, Calls

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.serve.asked import Host

_SESSION = "mcp-session-id"
_VERSION = "mcp-protocol-version"
_INVALID_REQUEST = -32600  # of JSON-RPC
_SESSION_BYTES = 24


class McpRoute:
    """An ASGI app that answers for the agent which the path names.

    Nothing is kept from one request to the next, so that any process may answer any of them.
    """

    def __init__(self, host: Host, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._calls = Calls()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        noted = scope.setdefault("hiveloom", {})
        name = noted["agent"] = scope["path_params"]["agent"]
        tools = AgentTools(self._host, name, self._clock)
        try:
            sdk = await asyncio.to_thread(_load_sdk)
            await tools.load_agent()
        except (HiveloomError, Rejection) as error:
            await _refuse(error)(scope, receive, send)
            return
        headers = Headers(scope=scope)
        caller = Caller(noted.get("token"), name, headers.get(_SESSION, ""))
        if _SESSION not in headers and _VERSION not in headers:
            send = _add_session(send)
        await sdk.answer_http(tools, caller, self._calls, scope, receive, _escape_events(send))


def _load_sdk() -> Any:
    """Import what knows the SDK, which takes long. Raises `Rejection` where that is missing."""
    try:
        return import_module("hiveloom_cli.serve.mcp.server")
    except ImportError:
        message = "This server has no MCP, or one too old: pip install 'hiveloom-cli[mcp]' adds it."
        raise Rejection(501, message, code="mcp_missing") from None


def _add_session(send: Send) -> Send:
    """Name a session in the answer to a client that has none: see `calls`."""

    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[_SESSION] = secrets.token_urlsafe(_SESSION_BYTES)
        await send(message)

    return pass_on


def _escape_events(send: Send) -> Send:
    """Escape what some clients take for the end of a line, which the SDK does not."""
    is_stream = False

    async def pass_on(message: Message) -> None:
        nonlocal is_stream
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            is_stream = kind.startswith("text/event-stream")
        elif is_stream:
            message = {**message, "body": escape_line_ends(message.get("body", b""))}
        await send(message)

    return pass_on


def _refuse(error: HiveloomError | Rejection) -> JSONResponse:
    told = {"code": _INVALID_REQUEST, "message": explain_failure(error)}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": told}, find_status(error)[0])
