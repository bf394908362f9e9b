"""What is said where nothing is, or where something else is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from hiveloom_cli.serve.guard_reply import build_error

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_LONGEST_SHOWN = 80
_PLACES = "agents are asked at /v1/chat/completions and /v1/messages"


async def refuse_place(request: Request, error: Exception) -> Response:
    """Answer a request that no route takes, or none with its method.

    Nobody knows which format it is in: it is the one form that clients of all of them read.
    """
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    shown = _show(request.url.path)
    if status == 405:
        allowed = (headers or {}).get("Allow", "another method")
        message, code = f"{shown} is not asked so: use {allowed}.", "method_not_allowed"
    else:
        message, code = f"There is nothing at {shown}: {_PLACES}.", "path_not_found"
    return JSONResponse(build_error(status, message, code), status, headers)


def _show(path: str) -> str:
    plain = "".join(letter if letter.isprintable() else "\ufffd" for letter in path)
    return plain if len(plain) <= _LONGEST_SHOWN else f"{plain[:_LONGEST_SHOWN]}…"
