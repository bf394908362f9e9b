"""The official MCP client, connected to an agent over HTTP or over standard input and output."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.support.patience import PATIENCE_S
from tests.support.program import PROGRAM, build_environment
from tests.support.served import TOKEN, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager

    Open = Callable[[], AbstractAsyncContextManager[Client]]

_T = TypeVar("_T")

MODES = ("auto", "legacy")  # the newest revision, and the one with a handshake
WAYS = tuple((way, mode) for way in ("http", "stdio") for mode in MODES)


@contextmanager
def offering(
    way: str, mode: str, *options: str, agent: str = "helper", **env: str
) -> Iterator[Open]:
    """Give what opens clients of an agent; over stdio, each starts a server of its own."""
    if way == "stdio":
        yield lambda: open_stdio(mode, agent, *options, **env)
    else:
        with serve(*options, **env) as server:
            yield lambda: open_http(server.origin, mode, agent)


@asynccontextmanager
async def open_http(
    origin: str, mode: str = "auto", agent: str = "helper", token: str = TOKEN, **headers: str
) -> AsyncIterator[Client]:
    shown = {"Authorization": f"Bearer {token}", **headers}
    async with httpx2.AsyncClient(headers=shown, timeout=PATIENCE_S, trust_env=False) as http:
        transport = streamable_http_client(f"{origin}/mcp/{agent}", http_client=http)
        async with Client(transport, mode=mode, cache=None) as client:
            yield client


@asynccontextmanager
async def open_stdio(mode: str, agent: str, *options: str, **env: str) -> AsyncIterator[Client]:
    command, *args = PROGRAM
    parameters = StdioServerParameters(
        command=command,
        args=[*args, "mcp", "serve", agent, *options],
        env=build_environment(env),
        cwd=os.environ["HOME"],
    )
    with tempfile.TemporaryFile("w") as aside:
        async with Client(stdio_client(parameters, aside), mode=mode, cache=None) as client:
            yield client


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run what a test does with clients; what went wrong comes out of its groups."""

    async def within() -> _T:
        async with asyncio.timeout(PATIENCE_S):
            return await work

    try:
        return asyncio.run(within())
    except BaseExceptionGroup as group:
        raise _find_cause(group) from None


def _find_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def wait_for(event: Any) -> None:
    """Wait for an event of a thread, without keeping the loop from anything."""
    assert await asyncio.to_thread(event.wait, PATIENCE_S / 2)
