"""The requests of HTTP tools: to public addresses, along no redirect, with a key that is bound.

Where a request may connect to, `guard` decides. Nothing is kept between two requests:
no connection, no cookie.
"""

from __future__ import annotations

import threading
from functools import cache, partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import (
    AnswerTimedOut,
    CredentialError,
    HiveloomError,
    Interrupted,
    ReplyNotUnderstood,
    StreamCutShort,
)
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.providers import find_provider
from hiveloom_cli.protocols.web import WebReply
from hiveloom_cli.upstream.binding import find_address
from hiveloom_cli.upstream.dialing import Line
from hiveloom_cli.upstream.guard import GuardedAdapter
from hiveloom_cli.upstream.session import (
    DECODE_FAULTS,
    FAULTS,
    KeyAuth,
    decide_proxies,
    explain_fault,
    get_origin,
    mask_error,
    open_session,
)
from hiveloom_cli.upstream.trust import load_context
from hiveloom_cli.upstream.unreachable import list_causes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.protocols.web import WebRequest
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.stop import Stop
    from hiveloom_cli.upstream.binding import Binding

_PIECE = 64 * 1024
_LONGEST_LOCATION = 2000


class RequestsWeb:
    """Sends the requests of HTTP tools: a `Web`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._load_context = cache(partial(load_context, environ))

    def send(self, request: WebRequest, key: Secret | None, stop: Stop) -> WebReply:
        """See `tools.outside.Web`. Raises `Interrupted` where `stop` is called for."""
        # In a thread of its own, so that not even a name server that keeps silent holds us up.
        line = Line()
        outcomes: SimpleQueue[WebReply | BaseException] = SimpleQueue()

        def work() -> None:
            try:
                outcomes.put(self._exchange(request, key, line))
            except BaseException as error:  # noqa: BLE001 -- raised by whoever waits
                outcomes.put(error)

        try:
            with stop.on_stop(lambda: outcomes.put(_build_stopped(request))):
                if not stop.is_set:
                    threading.Thread(target=work, name="web", daemon=True).start()
                outcome = outcomes.get(timeout=request.timeout_s)
        except Empty:
            outcome = _build_late(request)
        finally:
            line.cut()
        if isinstance(outcome, WebReply):
            return outcome
        if key is not None and isinstance(outcome, HiveloomError):
            mask_error(outcome, key)
        raise outcome

    def _exchange(self, request: WebRequest, key: Secret | None, line: Line) -> WebReply:
        adapter = GuardedAdapter(self._load_context, line, allows_private=request.allows_private)
        try:
            with open_session(adapter) as session:
                response = session.request(
                    request.method,
                    request.url,
                    data=request.body,
                    headers={**request.headers, "Connection": "close"},
                    auth=KeyAuth((request.key_header,) if request.key_header else (), key),
                    timeout=request.timeout_s,
                    allow_redirects=False,
                    stream=True,
                    proxies=decide_proxies(request.url),
                )
                with response:
                    return _build_reply(response, request)
        except FAULTS as error:
            if any(isinstance(cause, TimeoutError) for cause in list_causes(error)):
                raise _build_late(request) from error
            raise explain_fault(error, request.url) from error


def check_bound(name: str, origin: str, binding: Binding) -> None:
    """Return if the key of that name may go to that origin; raise `CredentialError` if not.

    It may where it was stored for an address there, or is named after a provider whose own that
    is. The environment has no say. Raises `BaseUrlInvalid` for a stored address that is broken.
    """
    preset = find_provider(name)
    own = find_address(name, binding).base_url or (preset.base_url if preset else "")
    if not own:
        raise CredentialError(
            f"the key {name} is bound to no address, so no tool can use it",
            hint=f"hiveloom credential set --name {name} --base-url {origin}",
        )
    bound = parse_base_url(own, source=f"the credential {name}").origin
    if bound != origin:
        raise CredentialError(
            f"the key {name} belongs to {bound}, and is not sent to {origin}",
            hint="store the key for that address under a name of its own, and have the tool's file"
            f" name it: hiveloom credential set --name NAME --base-url {origin}",
        )


def _build_reply(response: Any, request: WebRequest) -> WebReply:
    body, is_cut = _read_body(response, request)
    return WebReply(
        status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        body=body,
        is_cut=is_cut,
        location=response.headers.get("Location", "")[:_LONGEST_LOCATION],
    )


def _read_body(response: Any, request: WebRequest) -> tuple[bytes, bool]:
    """Read no more than is allowed, and whether there was more; compressed, it could be endless."""
    body = bytearray()
    most = request.most_bytes
    try:
        while len(body) <= most:
            piece = response.raw.read1(min(_PIECE, most + 1 - len(body)), decode_content=True)
            if not piece:
                break
            body += piece
    except DECODE_FAULTS as error:
        raise ReplyNotUnderstood(
            f"the reply of {get_origin(request.url)} is compressed in a way that cannot be read"
        ) from error
    except FAULTS as error:
        if any(isinstance(cause, TimeoutError) for cause in list_causes(error)):
            raise _build_late(request) from error
        raise StreamCutShort(
            f"the connection to {get_origin(request.url)} broke in the middle of the reply",
            hint="try again",
        ) from error
    return bytes(body[:most]), len(body) > most


def _build_late(request: WebRequest) -> AnswerTimedOut:
    return AnswerTimedOut(
        f"{get_origin(request.url)} gave no complete reply within {request.timeout_s:g} s",
        hint="try again, or allow more in the tool's file: timeout: SECONDS",
    )


def _build_stopped(request: WebRequest) -> Interrupted:
    return Interrupted(f"stopped before {get_origin(request.url)} had replied")
