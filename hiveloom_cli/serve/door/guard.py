"""Stands before the app: lets in who may come, bounds what they send, and writes down who came.

It checks, in this order: that it is plain where the request ends, that it is for this server, that
no page of another site sent it, that it brings JSON, whose token it shows, how many are being
answered, and how much it sends in which time. What it lets pass, it passes on unbuffered.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.door import guard_rules
from hiveloom_cli.serve.door.access_log import AccessEntry
from hiveloom_cli.serve.door.guard_reply import GuardedSend

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.serve.door.access import Doorkeeper
    from hiveloom_cli.serve.door.access_log import Recorder
    from hiveloom_cli.serve.door.guard_rules import Rules


class ClientLeft(Exception):
    """Nobody waits for an answer any more."""


class Guard:
    """An ASGI app around another; `doorkeeper` None lets anyone in who the rules let in.

    The app finds `scope["hiveloom"]`: `request_id` and `token`, the token's id; it may put `agent`
    there, for the log.
    """

    def __init__(
        self,
        app: ASGIApp,
        rules: Rules,
        doorkeeper: Doorkeeper | None,
        log: Recorder,
        clock: Clock,
    ) -> None:
        self._app = app
        self._rules = rules
        self._doorkeeper = doorkeeper
        self._log = log
        self._clock = clock
        self._running = 0

    @property
    def running(self) -> int:
        """How many requests are being answered, of those that show a token."""
        return self._running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is none."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        began_s = self._clock.elapsed_s()
        headers = _read_headers(scope)
        entry = self._open_entry(scope, headers)
        noted: dict[str, Any] = {"request_id": entry.request_id, "token": None}
        scope["hiveloom"] = noted
        reply = GuardedSend(send, entry, guard_rules.find_allowed_origin(self._rules, headers))
        try:
            await self._answer(scope, headers, receive, reply)
        except Rejection as rejection:
            if entry.status is not None:
                raise
            await reply.send_rejection(rejection)
        except asyncio.CancelledError:
            if entry.status is None:  # the server ends, and has waited for this long enough
                ending = Rejection(503, "The server is shutting down.", code="shutting_down")
                await reply.send_rejection(ending)
        except Exception:
            if entry.status is None:
                fault = Rejection(500, "The server met a fault of its own.", code="server_fault")
                await reply.send_rejection(fault)
            raise
        finally:
            entry.token, agent = noted["token"], noted.get("agent")
            entry.agent = agent if isinstance(agent, str) else None
            entry.duration_ms = round((self._clock.elapsed_s() - began_s) * 1000)
            self._log.write(entry)

    def _open_entry(self, scope: Scope, headers: guard_rules.Headers) -> AccessEntry:
        now = self._clock.now().astimezone(UTC)
        client = scope.get("client")
        return AccessEntry(
            time=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            request_id=guard_rules.find_request_id(headers) or self._clock.new_id(),
            method=scope["method"],
            path=scope["path"],
            client=client[0] if client else "",
        )

    async def _answer(
        self, scope: Scope, headers: guard_rules.Headers, receive: Receive, reply: GuardedSend
    ) -> None:
        rules, method, path = self._rules, scope["method"], scope["path"]
        guard_rules.check_framing(scope["http_version"], headers)
        guard_rules.check_source(rules, method, path, scope.get("scheme", "http"), headers)
        origin = guard_rules.find_allowed_origin(rules, headers)
        if origin and guard_rules.is_preflight(method, headers):
            await reply.send_empty(204, guard_rules.build_preflight(headers))
            return
        if rules.is_public(method, path):
            await self._app(scope, receive, reply)
            return
        guard_rules.check_content_type(method, headers)
        scope["hiveloom"]["token"] = self._find_token(headers)
        guard_rules.check_length(rules, headers)
        await self._run(scope, receive, reply)

    def _find_token(self, headers: guard_rules.Headers) -> str | None:
        """Return whose token a request shows; raise `Rejection` if it has to and does not."""
        if self._doorkeeper is None:
            return None
        presented = guard_rules.find_presented(headers)
        if not presented:
            message = "Send a token, as authorization: Bearer TOKEN or as x-api-key: TOKEN."
            raise Rejection(401, message, code="token_missing")
        try:
            found = list(filter(None, map(self._doorkeeper.find_id, presented)))
        except HiveloomError:
            message = "The list of tokens cannot be read: hiveloom serve token list tells why."
            raise Rejection(503, message, code="tokens_unreadable") from None
        if not found:
            raise Rejection(401, "That token is not known, or was revoked.", code="token_invalid")
        return found[0]

    async def _run(self, scope: Scope, receive: Receive, reply: GuardedSend) -> None:
        if not self._rules.has_place(scope["method"], scope["path"], self._running):
            message = "Too many requests are being answered: try again in a moment."
            raise Rejection(429, message, code="too_many_requests")
        self._running += 1
        try:
            with suppress(ClientLeft):
                body = await _receive_body(receive, self._rules)
                await self._app(scope, _Replay(body, receive), reply)
        finally:
            self._running -= 1


class _Replay:
    """Gives the app the body that was received, then what else comes: that the client left."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _receive_body(receive: Receive, rules: Rules) -> bytes:
    """Receive a whole body; raise `Rejection` if it is too much or too slow, and `ClientLeft`."""
    body = bytearray()
    try:
        async with asyncio.timeout(rules.body_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientLeft
                body += message.get("body", b"")
                if len(body) > rules.most_bytes:
                    raise guard_rules.build_too_large(rules.most_bytes)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        text = f"The body did not arrive within {rules.body_s:g} s."
        raise Rejection(408, text, code="request_too_slow") from None


def _read_headers(scope: Scope) -> guard_rules.Headers:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers
