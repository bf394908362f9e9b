"""The routes, and who answers at each."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hiveloom_cli.serve import anthropic_messages, native, openai_chat
from hiveloom_cli.serve.answering import Answering
from hiveloom_cli.serve.description.document import build_document
from hiveloom_cli.serve.guard_reply import build_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.exceptions import HTTPException
    from starlette.requests import Request

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.serve.asked import Host
    from hiveloom_cli.serve.wire_format import WireFormat

_NOT_THERE = {
    404: ("There is nothing at that path.", "path_not_found"),
    405: ("That path takes other methods.", "method_not_allowed"),
}
_AGENTS = "/api/tenants/default/agents"
_OPENAI, _ANTHROPIC, _OWN = (
    cast("WireFormat", module) for module in (openai_chat, anthropic_messages, native)
)


def build_application(host: Host, clock: Clock) -> Starlette:
    """Build the server's application; who may ask, the guard around it decides."""
    application = Starlette(
        routes=[*_build_answering(Answering(host, clock)), Route("/openapi.json", _describe)],
        exception_handlers={404: _refuse, 405: _refuse},
    )
    application.router.redirect_slashes = False  # a path is there or not; nobody is sent on
    return application


def _build_answering(answering: Answering) -> list[Route]:
    def take(format_: WireFormat) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await answering.answer(request, format_)

        return answer

    def show(choose: Callable[[Request], WireFormat]) -> Callable[[Request], Awaitable[Response]]:
        async def read(request: Request) -> Response:
            return await answering.show_agents(request, choose(request))

        return read

    return [
        Route("/healthz", _report_health),
        Route("/v1/models", show(_choose_models)),
        Route("/v1/models/{agent}", show(_choose_models)),
        Route("/v1/chat/completions", take(_OPENAI), methods=["POST"]),
        Route("/v1/messages", take(_ANTHROPIC), methods=["POST"]),
        Route(_AGENTS, show(lambda _: _OWN)),
        Route(f"{_AGENTS}/{{agent}}/chat", take(_OWN), methods=["POST"]),
    ]


def _choose_models(request: Request) -> WireFormat:
    return _ANTHROPIC if "anthropic-version" in request.headers else _OPENAI


async def _describe(_request: Request) -> Response:
    return Response(_write_description(), media_type="application/json")


@cache
def _write_description() -> bytes:
    return json.dumps(build_document(), separators=(",", ":")).encode()


async def _refuse(_request: Request, error: Exception) -> Response:
    """Answer for a path, or a method, that nothing is at, in the form that the guard has."""
    found = cast("HTTPException", error)
    message, code = _NOT_THERE[found.status_code]
    told = build_error(found.status_code, message, code)
    return JSONResponse(told, found.status_code, found.headers)


async def _report_health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})
