"""What the guard puts around an answer, and the answers that it gives itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.serve.door.guard_rules import build_sharing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Message, Send

    from hiveloom_cli.serve.asked import Rejection
    from hiveloom_cli.serve.door.access_log import AccessEntry

_ALWAYS = (
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)
# A proxy that gathers or packs a stream would hold back what is to be read at once.
_STREAMED = (("cache-control", "no-store, no-transform"), ("x-accel-buffering", "no"))
_IDS = (b"x-request-id", b"request-id")  # where OpenAI's and Anthropic's packages read it
_SHARING = b"access-control-"
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
}
_EXTRA = {
    400: (("connection", "close"),),
    401: (("www-authenticate", "Bearer"),),
    408: (("connection", "close"),),
    429: (("retry-after", "1"),),
}


class GuardedSend:
    """Passes an answer on as it comes, with the headers that each has, and notes how it went.

    A header that the app sets stays, but for the request's id, and those that let other pages
    read: `origin` alone, "" for none, decides about them.
    """

    def __init__(self, send: Send, entry: AccessEntry, origin: str) -> None:
        self._send = send
        self._entry = entry
        ids = [(name.decode(), entry.request_id) for name in _IDS]
        self._own = [*ids, *build_sharing(origin)]

    async def __call__(self, message: Message) -> None:
        """Pass on one message of the answer."""
        if message["type"] == "http.response.start":
            self._entry.status = message["status"]
            message = {**message, "headers": self._complete(message.get("headers", ()))}
        elif message["type"] == "http.response.body":
            if self._entry.method != "HEAD":
                self._entry.bytes += len(message.get("body", b""))
            self._entry.is_complete = not message.get("more_body", False)
        await self._send(message)

    def _complete(self, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kept = [(name, value) for name, value in headers if not _is_the_guards(name)]
        named = {name.lower() for name, _ in kept} - {b"vary"}
        always = dict(_ALWAYS) | (dict(_STREAMED) if _is_stream(kept) else {})
        own = encode_headers([*self._own, *always.items()])
        return kept + [pair for pair in own if pair[0] not in named]

    async def send_empty(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Answer with headers alone; they may be of any kind."""
        self._own += headers
        await self({"type": "http.response.start", "status": status, "headers": []})
        await self({"type": "http.response.body", "body": b""})

    async def send_rejection(self, rejection: Rejection) -> None:
        """Answer with an error, in a form that clients of both protocols read."""
        self._entry.refused = rejection.code
        told = build_error(rejection.status, rejection.message, rejection.code)
        body = json.dumps(told).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            *_EXTRA.get(rejection.status, ()),
        ]
        start = {"type": "http.response.start", "status": rejection.status}
        await self({**start, "headers": encode_headers(headers)})
        await self({"type": "http.response.body", "body": body})


def build_error(status: int, message: str, code: str) -> dict[str, Any]:
    """Build an error's body in the one form that clients of both protocols read."""
    general = "invalid_request_error" if status < 500 else "api_error"
    error = {"message": message, "type": _TYPES.get(status, general), "code": code}
    return {"type": "error", "error": error}


def encode_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Write headers as ASGI has them."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _is_the_guards(name: bytes) -> bool:
    return name.lower() in _IDS or name.lower().startswith(_SHARING)


def _is_stream(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    kinds = [value for name, value in headers if name.lower() == b"content-type"]
    return any(kind.startswith(b"text/event-stream") for kind in kinds)
