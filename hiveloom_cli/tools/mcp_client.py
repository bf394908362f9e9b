"""The asynchronous half of a session, and the only file that knows the MCP SDK.

What comes out are plain JSON values, `ServerRefused` and `ConnectionError`.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import Implementation

from hiveloom_cli import __version__
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.tools.mcp_log import ServerLog
from hiveloom_cli.tools.mcp_server import HttpTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from hiveloom_cli.tools.mcp_launch import Launch
    from hiveloom_cli.tools.mcp_loop import ProcessLoop

_Given = TypeVar("_Given")

_CONNECT_S = 30.0
_END_S = 3.0  # for a goodbye over HTTP; a process has its own time to end
_GRACE_S = 0.5  # many servers do not end when their input does, but at the first signal
_LOOK_S = 0.25
_MOST_PAGES = 50
_MOST_TOOLS = 1_000
_MOST_EVENT = 16 * 1024 * 1024
# The SDK's words for the end, and for the status 404 in a session; the codes are servers' as well.
_ENDED = ("Connection closed", "Session terminated")


class ServerRefused(Exception):
    """The server answered, and its answer is an error."""


class Connection:
    """A server, from the start of its process, or the first request, to the end.

    All of it runs in the loop, but for `status`, the status of the last HTTP reply if it was an
    error, and `log`, what the server says beside its answers.
    """

    def __init__(self, launch: Launch, loop: ProcessLoop) -> None:
        self.status = 0
        self.log: ServerLog | None = None
        self._launch = launch
        self._loop = loop
        self._ending = asyncio.Event()
        self._scope: anyio.CancelScope | None = None
        self._client: Client | None = None

    async def serve(self, tell_ready: Callable[[], None]) -> None:
        """Keep the connection until `end`, or until the server ends; raises whatever went wrong."""
        with anyio.CancelScope() as scope:
            self._scope = scope
            if self._ending.is_set():
                return
            async with AsyncExitStack() as stack:
                self._client = await self._connect(stack)
                tell_ready()
                while not self._ending.is_set() and self._loop.exit_code is None:
                    with anyio.move_on_after(_LOOK_S):
                        await self._ending.wait()
                scope.deadline = anyio.current_time() + _END_S

    def end(self) -> None:
        """Have `serve` end; a server that has not said hello yet is given up."""
        self._ending.set()
        self._loop.call_later(_GRACE_S, self._loop.terminate)
        if self._scope is not None and self._client is None:
            self._scope.cancel()

    async def list_tools(self) -> list[dict[str, Any]]:
        """Ask what the server offers: objects as `tools/list` has them."""
        return await self._ask(_list_tools)

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Have a tool run: a `CallToolResult` as its JSON. Cancelling tells the server so."""

        async def call(client: Client) -> dict[str, Any]:
            result = await client.call_tool(name, dict(arguments))
            return result.model_dump(by_alias=True, mode="json", exclude_none=True)

        return await self._ask(call)

    async def _ask(self, work: Callable[[Client], Awaitable[_Given]]) -> _Given:
        if self._client is None:
            raise ConnectionError
        try:
            return await work(self._client)
        except MCPError as error:
            raise self._translate(error) from None
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            raise ConnectionError from None
        except (RuntimeError, ValueError) as error:
            # What the SDK says of an answer that breaks the protocol, or the tool's own schema.
            first = f"{error}".partition("\n")[0]
            raise ServerRefused(f"its answer cannot be used: {first}") from None

    async def _connect(self, stack: AsyncExitStack) -> Client:
        try:
            return await self._enter(stack, "auto")
        except ConnectionError:
            if isinstance(self._launch.transport, HttpTransport):
                raise
        # Some servers end when they are asked about versions before the handshake.
        return await self._enter(stack, "legacy")

    async def _enter(self, stack: AsyncExitStack, mode: str) -> Client:
        try:
            return await stack.enter_async_context(self._build_client(stack, mode))
        except (MCPError, ExceptionGroup) as error:
            raise self._translate(error) from None

    def _translate(self, error: Exception) -> Exception:
        """Give what an error means; one that is none of the server's words stays as it is."""
        said = next((one for one in list_causes(error) if isinstance(one, MCPError)), None)
        if said is None:
            return error
        if said.message in _ENDED:
            return ConnectionError(said.message)
        status = f" (HTTP status {self.status})" if self.status else ""
        return ServerRefused(f"{said.message}{status}")

    def _build_client(self, stack: AsyncExitStack, mode: str) -> Client:
        # No callbacks: sampling, elicitation and roots are not offered, and refused.
        info = Implementation(name="hiveloom", version=__version__)
        return Client(self._open_transport(stack), mode=mode, cache=None, client_info=info)

    def _open_transport(self, stack: AsyncExitStack) -> AbstractAsyncContextManager[Any]:
        launch, transport = self._launch, self._launch.transport
        if isinstance(transport, HttpTransport):
            http = self._build_http(transport)
            stack.push_async_callback(http.aclose)
            url = transport.url
            return streamable_http_client(url, http_client=http, max_sse_event_size=_MOST_EVENT)
        if self.log is not None:
            self.log.close()
        self.log = ServerLog(launch.log)
        parameters = StdioServerParameters(
            command=transport.command,
            args=list(transport.args),
            env={**launch.environ, **transport.env},
            cwd=transport.cwd,
            encoding_error_handler="replace",
        )
        return _Releasing(stdio_client(parameters, self.log.pipe), self.log)

    def _build_http(self, transport: HttpTransport) -> httpx2.AsyncClient:
        headers = dict(transport.headers)
        if self._launch.key is not None:
            headers["Authorization"] = f"Bearer {self._launch.key.reveal()}"
        is_loopback = parse_base_url(transport.url, source="mcp.json").is_loopback
        return httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(_CONNECT_S, read=None),  # whoever waits has limits
            trust_env=not is_loopback,  # this machine is never asked through a proxy
            event_hooks={"response": [self._note_status]},
        )

    async def _note_status(self, response: httpx2.Response) -> None:
        self.status = response.status_code if response.status_code >= 400 else 0


class _Releasing:
    """A transport that lets go of the log's pipe as soon as the server has it."""

    def __init__(self, inner: AbstractAsyncContextManager[Any], log: ServerLog) -> None:
        self._inner = inner
        self._log = log

    async def __aenter__(self) -> Any:
        try:
            return await self._inner.__aenter__()
        finally:
            self._log.release()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, traceback)


def list_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield what really happened: the errors in a group."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from list_causes(inner)
    elif error is not None:
        yield error


async def _list_tools(client: Client) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES if client.server_capabilities.tools is not None else 0):
        page = await client.list_tools(cursor=cursor)
        tools += [
            tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in page.tools
        ]
        cursor = page.next_cursor
        if not cursor or len(tools) >= _MOST_TOOLS:
            break
    return tools[:_MOST_TOOLS]
