"""Answering a request with an agent, in whatever wire format it came."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from hiveloom_cli.chat.event import ToolStarted, TurnEnded
from hiveloom_cli.errors import HiveloomError, StreamCutShort
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.failure import explain_failure, find_status, find_wait_s
from hiveloom_cli.serve.turn_bridge import Turn
from hiveloom_cli.serve.wire_format import Stamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.clock import Clock
    from hiveloom_cli.serve.asked import AgentBrief, Asked, Host
    from hiveloom_cli.serve.wire_format import StreamFold, WireFormat

_LASTING = frozenset({"upstream_refused", "credential"})  # asking again changes nothing
_GONE = 499  # read by nobody but the log


class _Gone(Exception):
    """The client has left before there was anything to send."""


class Answering:
    """Answers requests with the agents of `host`."""

    def __init__(self, host: Host, clock: Clock) -> None:
        self._host = host
        self._clock = clock

    async def answer(self, request: Request, format_: WireFormat) -> Response:
        """Have an agent answer, piece by piece or whole."""
        stamp = self._build_stamp()
        try:
            agent = request.path_params.get("agent", "")
            asked = replace(format_.parse_asked(await request.body(), agent), id=stamp.id)
        except Rejection as rejection:
            return _refuse(rejection, format_, stamp)
        _note_agent(request, asked.agent)
        turn = Turn(self._host, asked)
        try:
            return await self._answer(request, format_, asked, turn, stamp)
        except (HiveloomError, Rejection, _Gone) as error:
            turn.close()
            if isinstance(error, _Gone):
                return Response(status_code=_GONE)
            return _refuse(error, format_, stamp)
        except BaseException:
            turn.close()
            raise

    async def _answer(
        self, request: Request, format_: WireFormat, asked: Asked, turn: Turn, stamp: Stamp
    ) -> Response:
        events = turn.read()
        if asked.stream:
            fold = format_.StreamFold(asked, stamp)
            # Up to here an error has a status of its own; after it, only a place in the stream.
            begun = await _unless_gone(request, _begin(events, fold))
            return _StreamedTurn(turn, _stream(begun, events, fold))
        ended, used = await _unless_gone(request, _fold(events))
        return JSONResponse(format_.build_reply(ended, asked, stamp, used))

    async def show_agents(self, request: Request, format_: WireFormat) -> Response:
        """List the agents, or show the one that the path names."""
        stamp = self._build_stamp()
        try:
            agents = await asyncio.to_thread(self._host.load_agents)
            return JSONResponse(_build_list(request.path_params.get("agent"), agents, format_))
        except (HiveloomError, Rejection) as error:
            return _refuse(error, format_, stamp)

    def _build_stamp(self) -> Stamp:
        return Stamp(self._clock.new_id(), self._clock.now())


def _build_list(
    name: str | None, agents: list[AgentBrief] | Any, format_: WireFormat
) -> dict[str, Any]:
    if name is None:
        return format_.build_models(agents)
    for agent in agents:
        if agent.name == name:
            return format_.build_model(agent)
    raise Rejection(404, f"There is no agent named {name}.", code="model_not_found")


def _note_agent(request: Request, name: str) -> None:
    request.scope.setdefault("hiveloom", {})["agent"] = name


async def _fold(events: AsyncIterator[Event]) -> tuple[TurnEnded, list[str]]:
    """Read a turn to its end; return that, and the agent's tools that ran, each once."""
    used: dict[str, None] = {}
    async for event in events:
        if isinstance(event, TurnEnded):
            return event, list(used)
        if isinstance(event, ToolStarted):
            used[event.call.name] = None
    raise StreamCutShort("the turn ended without an answer")


class _StreamedTurn(StreamingResponse):
    """A turn as server-sent events; it is closed however the client leaves, be it at once."""

    def __init__(self, turn: Turn, pieces: AsyncIterator[bytes]) -> None:
        super().__init__(pieces, media_type="text/event-stream")
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._turn.close()


async def _begin(events: AsyncIterator[Event], fold: StreamFold) -> list[bytes]:
    """Read a turn up to the first of it that a client sees."""
    async for event in events:
        if pieces := list(fold.feed(event)):
            return pieces
    raise StreamCutShort("the turn ended without an answer")


async def _stream(
    begun: list[bytes], events: AsyncIterator[Event], fold: StreamFold
) -> AsyncIterator[bytes]:
    try:
        for piece in begun:
            yield piece
        async for event in events:
            for piece in fold.feed(event):
                yield piece
    except HiveloomError as error:
        for piece in fold.fail(error):
            yield piece


async def _unless_gone(request: Request, work: Awaitable[Any]) -> Any:
    """Wait for something as long as the client does. Raises `_Gone` when it has left."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_wait_for_leave(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise _Gone
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()


async def _wait_for_leave(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refuse(error: HiveloomError | Rejection, format_: WireFormat, stamp: Stamp) -> Response:
    headers: dict[str, str] = {}
    if isinstance(error, Rejection):
        status, code, message = error.status, error.code, error.message
    else:
        (status, code), message = find_status(error), explain_failure(error)
        if (wait_s := find_wait_s(error)) is not None:
            headers["Retry-After"] = f"{max(1, round(wait_s))}"
        if code in _LASTING:
            headers["x-should-retry"] = "false"  # what OpenAI's and Anthropic's packages obey
    return JSONResponse(format_.build_error(status, message, code, stamp), status, headers)
