"""What is said where nothing is, or where something else is asked: in the words of each format."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from hiveloom_cli.serve.formats import anthropic_messages, native, openai_chat
from hiveloom_cli.serve.formats.wire_format import Stamp, find_request_id

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.serve.formats.wire_format import WireFormat

_LONGEST_SHOWN = 80
_PLACES = "agents are asked at /v1/chat/completions and /v1/messages"


async def refuse_place(clock: Clock, request: Request, error: Exception) -> Response:
    """Answer a request that no route takes, or none with its method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    shown = _show(request.url.path)
    if status == 405:
        allowed = (headers or {}).get("Allow", "another method")
        message = f"{shown} is not asked with {request.method}: use {allowed}."
        code = "method_not_allowed"
    else:
        message, code = f"There is nothing at {shown}: {_PLACES}.", "not_found"
    stamp = Stamp(clock.new_id(), clock.now(), find_request_id(request.scope))
    body = _choose_format(request).build_error(status, message, code, stamp)
    return JSONResponse(body, status, headers)


def _choose_format(request: Request) -> WireFormat:
    path = request.url.path
    if path.startswith("/v1/messages") or "anthropic-version" in request.headers:
        return cast("WireFormat", anthropic_messages)
    return cast("WireFormat", native if path.startswith("/api/") else openai_chat)


def _show(path: str) -> str:
    plain = "".join(letter if letter.isprintable() else "\ufffd" for letter in path)
    return plain if len(plain) <= _LONGEST_SHOWN else f"{plain[:_LONGEST_SHOWN]}…"
