"""The routes, and who answers at each."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hiveloom_cli.serve.answering import SILENCE_S, Answering
from hiveloom_cli.serve.description.document import build_document
from hiveloom_cli.serve.formats import anthropic_messages, native, openai_chat
from hiveloom_cli.serve.formats.elsewhere import refuse_place
from hiveloom_cli.serve.mcp.route import McpRoute
from hiveloom_cli.serve.page import build_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.serve.asked import Host
    from hiveloom_cli.serve.formats.wire_format import WireFormat

_AGENTS = "/api/tenants/default/agents"
_OPENAI, _ANTHROPIC, _OWN = (
    cast("WireFormat", module) for module in (openai_chat, anthropic_messages, native)
)


def build_application(
    host: Host, clock: Clock, *more: BaseRoute, silence_s: float = SILENCE_S
) -> Starlette:
    """Build the server's application; who may ask, the guard around it decides.

    `more` are routes beside those that answer.
    """
    routes = [
        *build_page(),
        Route("/healthz", _report_health),
        *_build_answering(Answering(host, clock, silence_s)),
        Route("/mcp/{agent}", McpRoute(host, clock), methods=["POST"]),
        Route("/openapi.json", _describe),
        *more,
    ]
    application = Starlette(
        routes=routes,
        exception_handlers={HTTPException: partial(refuse_place, clock), Exception: _pass_on},
    )
    application.router.redirect_slashes = False  # a path is there or not; nobody is sent on
    return application


async def _pass_on(_request: Request, fault: Exception) -> Response:
    """Leave a fault to the guard, which has one form for all that stands behind it."""
    raise fault


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
        Route("/v1/models", show(_choose_models)),
        Route("/v1/models/{agent}", show(_choose_models)),
        Route("/v1/chat/completions", take(_OPENAI), methods=["POST"]),
        Route("/v1/messages", take(_ANTHROPIC), methods=["POST"]),
        Route("/v1/messages/count_tokens", answering.count_tokens, methods=["POST"]),
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


async def _report_health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})
