"""Answering a request with an agent, in whatever wire format it came."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from starlette.responses import JSONResponse, Response, StreamingResponse

from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.errors import HiveloomError, StreamCutShort
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.formats import anthropic_messages, anthropic_request
from hiveloom_cli.serve.formats.failure import explain_failure, find_status, find_wait_s
from hiveloom_cli.serve.formats.wire_format import Stamp, find_request_id
from hiveloom_cli.serve.turn_bridge import Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.clock import Clock
    from hiveloom_cli.serve.asked import AgentBrief, Asked, Host
    from hiveloom_cli.serve.formats.wire_format import StreamFold, WireFormat

_LASTING = frozenset({"upstream_refused", "credential"})  # asking again changes nothing
# Proxies wait 30 to 100 seconds for the next byte, and clients rarely less.
SILENCE_S = 15.0


class _Gone(Exception):
    """The client has left before there was anything to send."""


class Answering:
    """Answers requests with the agents of `host`.

    A stream in which nothing happens for `silence_s` says that it is still worked on. That begins
    it, so that what goes wrong later has no HTTP status of its own any more.
    """

    def __init__(self, host: Host, clock: Clock, silence_s: float = SILENCE_S) -> None:
        self._host = host
        self._clock = clock
        self._silence_s = silence_s

    async def answer(self, request: Request, format_: WireFormat) -> Response:
        """Have an agent answer, piece by piece or whole."""
        stamp = self._build_stamp(request)
        try:
            agent = request.path_params.get("agent", "")
            parsed = await _read(request, lambda body: format_.parse_asked(body, agent))
            asked = replace(parsed, id=stamp.id)
        except Rejection as rejection:
            return _refuse(rejection, format_, stamp)
        _note_agent(request, asked.agent)
        turn = Turn(self._host, asked)
        try:
            return await self._answer(request, format_, asked, turn, stamp)
        except (HiveloomError, Rejection, _Gone) as error:
            turn.close()
            if isinstance(error, _Gone):
                return _NoAnswer()
            return _refuse(error, format_, stamp)
        except BaseException:
            turn.close()
            raise

    async def _answer(
        self, request: Request, format_: WireFormat, asked: Asked, turn: Turn, stamp: Stamp
    ) -> Response:
        if asked.stream:
            fold = format_.StreamFold(asked, stamp)
            pieces = _write_pieces(turn, fold, self._silence_s)
            # Up to here an error has a status of its own; after it, only a place in the stream.
            begun = await _unless_gone(request, _begin(pieces))
            return _StreamedTurn(turn, _stream(begun, pieces, fold))
        whole = await _unless_gone(request, _collect(turn.read()))
        return JSONResponse(format_.build_reply(whole, asked, stamp))

    async def show_agents(self, request: Request, format_: WireFormat) -> Response:
        """List the agents, or show the one that the path names."""
        stamp = self._build_stamp(request)
        try:
            agents = await asyncio.to_thread(self._host.load_agents)
            return JSONResponse(_build_list(request.path_params.get("agent"), agents, format_))
        except (HiveloomError, Rejection) as error:
            return _refuse(error, format_, stamp)

    async def count_tokens(self, request: Request) -> Response:
        """Estimate how many tokens a request of the Messages format is, which alone asks that."""
        stamp = self._build_stamp(request)
        try:
            asked = await _read(request, anthropic_request.parse_counted)
            _note_agent(request, asked.agent)
            tokens = await asyncio.to_thread(self._host.estimate_tokens, asked)
        except (HiveloomError, Rejection) as error:
            return _refuse(error, cast("WireFormat", anthropic_messages), stamp)
        return JSONResponse({"input_tokens": tokens})

    def _build_stamp(self, request: Request) -> Stamp:
        clock = self._clock
        return Stamp(clock.new_id(), clock.now(), find_request_id(request.scope))


def _build_list(
    name: str | None, agents: list[AgentBrief] | Any, format_: WireFormat
) -> dict[str, Any]:
    if name is None:
        return format_.build_models(agents)
    for agent in agents:
        if agent.name == name:
            return format_.build_model(agent)
    raise Rejection(404, f"There is no agent named {name}.", code="model_not_found")


async def _read(request: Request, parse: Callable[[bytes], Asked]) -> Asked:
    """Read a request's body beside the others' answers: a small schema can take long to check."""
    return await asyncio.to_thread(parse, await request.body())


def _note_agent(request: Request, name: str) -> None:
    request.scope.setdefault("hiveloom", {})["agent"] = name


async def _collect(events: AsyncIterator[Event]) -> list[Event]:
    """Read a turn to its end."""
    whole = [event async for event in events]
    if not (whole and isinstance(whole[-1], TurnEnded)):
        raise StreamCutShort("the turn ended without an answer")
    return whole


class _NoAnswer(Response):
    """Nothing at all: there is nobody left to answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""


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


async def _write_pieces(turn: Turn, fold: StreamFold, silence_s: float) -> AsyncIterator[bytes]:
    """Write a turn as it comes; where nothing was written for a while, something is."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + silence_s
        pieces: list[bytes] = []
        while not pieces:
            try:
                async with asyncio.timeout_at(due_s):
                    event = await turn.wait()
            except TimeoutError:
                pieces = list(fold.keep_alive())
                continue
            if event is None:
                return
            pieces = list(fold.feed(event))
        yield b"".join(pieces)
        await asyncio.sleep(0)  # however much is there to be written: has its reader left?


async def _begin(pieces: AsyncIterator[bytes]) -> bytes:
    async for piece in pieces:
        return piece
    raise StreamCutShort("the turn ended without an answer")


async def _stream(
    begun: bytes, pieces: AsyncIterator[bytes], fold: StreamFold
) -> AsyncIterator[bytes]:
    try:
        yield begun
        async for piece in pieces:
            yield piece
    except (HiveloomError, Rejection) as error:
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
    (status, code), message = find_status(error), explain_failure(error)
    if (wait_s := find_wait_s(error)) is not None:
        headers["Retry-After"] = f"{max(1, round(wait_s))}"
    if code in _LASTING:
        headers["x-should-retry"] = "false"  # what OpenAI's and Anthropic's packages obey
    return JSONResponse(format_.build_error(status, message, code, stamp), status, headers)
