"""HTTP, through requests: how an upstream is asked, and its reply read as it comes.

A key goes to the origin it was meant for: no redirect is followed, `.netrc` never replaces it, and
a server on this machine is never asked through a proxy. Proxies (`HTTPS_PROXY`, `NO_PROXY` ...) and
certificate bundles (`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`) of the environment are honoured.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3
from requests import exceptions as faults

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.errors import (
    ReplyNotUnderstood,
    StreamCutShort,
    StreamStalled,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnreachable,
)
from hiveloom_cli.protocols.faults import parse_error_body
from hiveloom_cli.protocols.waits import parse_retry
from hiveloom_cli.upstream.fault_kind import FaultKind, decide_kind
from hiveloom_cli.upstream.limits import Timeouts
from hiveloom_cli.upstream.session import (
    KeyAuth,
    TrustAdapter,
    decide_proxies,
    explain_fault,
    get_origin,
    mask_error,
    open_session,
)
from hiveloom_cli.upstream.trust import load_context
from hiveloom_cli.upstream.unreachable import build_no_connection, build_no_first_byte

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    import requests

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.protocols.request import WireRequest
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.upstream.dialing import Line

_PIECE = 64 * 1024
_ERROR_BODY = 256 * 1024
_REPLY = 512 * 1024 * 1024  # no answer is that long; a few compressed kilobytes can be


class RequestsTransport:
    """Sends requests; where there is a `line`, another thread can cut them off with it.

    A key that is refused is one to `drop_key`.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        timeouts: Timeouts | None = None,
        clock: Clock | None = None,
        line: Line | None = None,
        drop_key: Callable[[Secret], None] | None = None,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._clock = clock or SystemClock()
        self._drop_key = drop_key
        self._session = open_session(_build_adapter(cache(partial(load_context, environ)), line))

    @contextmanager
    def open_reply(self, request: WireRequest, key: Secret | None) -> Iterator[Iterator[bytes]]:
        """Send a request; give the reply's bytes as they arrive. Leaving closes the connection.

        Without a key none is sent. Raises `UpstreamUnreachable`, and `UpstreamRefused` for any
        status but 2xx; the iterator raises `StreamCutShort` where the bytes break off or stop
        coming. The key is masked in every `UpstreamError` that passes, the reader's own included.
        """
        try:
            response = self._send(request, key)
            try:
                self._check_status(response)
                yield _read(response, self._timeouts)
            finally:
                response.close()
        except UpstreamError as error:
            if key is not None:
                mask_error(error, key)
                if self._drop_key is not None and decide_kind(error) is FaultKind.AUTHENTICATION:
                    self._drop_key(key)
            raise

    def _send(self, request: WireRequest, key: Secret | None) -> requests.Response:
        try:
            return self._session.request(
                "POST" if request.body is not None else "GET",
                request.url,
                data=request.content,
                headers=dict(request.headers),
                auth=KeyAuth(request.key_headers, key),
                timeout=(self._timeouts.connect_s, self._timeouts.first_byte_s),
                allow_redirects=False,
                stream=True,
                proxies=decide_proxies(request.url),
            )
        except (faults.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _explain_send(error, request.url, self._timeouts) from error

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise _build_redirected(status, response.headers.get("Location", ""))
        error = parse_error_body(status, _read_bounded(response, self._timeouts))
        advice = parse_retry(response.headers, self._clock.now())
        if advice.wait_s is not None:
            error.retry_after_s = advice.wait_s  # a header is exacter than words
        error.should_retry = advice.should_retry
        raise error


def _build_adapter(load_trust: Callable[[], ssl.SSLContext], line: Line | None) -> TrustAdapter:
    if line is None:
        return TrustAdapter(load_trust)
    from hiveloom_cli.upstream.guard import GuardedAdapter

    return GuardedAdapter(load_trust, line, allows_private=True)


def _build_redirected(status: int, location: str) -> UpstreamRefused:
    try:
        where = urlsplit(location)
    except ValueError:
        where = urlsplit("")
    target = f"{where.scheme}://{where.netloc}{where.path}" if where.netloc else where.path
    return UpstreamRefused(
        f"the upstream answered {status} and points to {target or 'nowhere'};"
        " a key is never sent along a redirect",
        status=status,
        detail=target,
    )


def _read(response: requests.Response, timeouts: Timeouts) -> Iterator[bytes]:
    """Give bytes as they arrive; requests' own iterators hold them back until a buffer is full."""
    count = 0
    while True:
        try:
            piece = response.raw.read1(_PIECE, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError, zlib.error) as error:
            raise _explain_read(error, response, timeouts, begun=count > 0) from error
        if not piece:
            return
        if not count:
            _set_timeout(response, timeouts.read_s)
        count += len(piece)
        if count > _REPLY:
            raise ReplyNotUnderstood(
                "the upstream sent a reply larger than 512 MiB", hint="check what serves it"
            )
        yield piece


def _set_timeout(response: requests.Response, limit_s: float) -> None:
    """Have the socket wait so long for the next byte.

    Neither library can change a limit that the wait for the headers began with, and `connection`
    has let go of the socket where the reply ends by closing; the file that the reply is read from
    has not. Where a later version keeps it elsewhere, the first byte's longer limit stays in force.
    """
    found: Any = response.raw
    for name in ("_fp", "fp", "raw", "_sock"):
        found = getattr(found, name, None)
    if hasattr(found, "settimeout"):
        found.settimeout(limit_s)


def _read_bounded(response: requests.Response, timeouts: Timeouts) -> bytes:
    body = bytearray()
    try:
        for piece in _read(response, timeouts):
            body += piece
            if len(body) >= _ERROR_BODY:
                break
    except UpstreamError:
        pass  # what came of an error's text is better than nothing
    return bytes(body[:_ERROR_BODY])


def _explain_read(
    error: Exception, response: requests.Response, timeouts: Timeouts, *, begun: bool
) -> UpstreamError:
    match error:
        case urllib3.exceptions.ReadTimeoutError() | TimeoutError() if not begun:
            return build_no_first_byte(get_origin(response.url), timeouts.first_byte_s)
        case urllib3.exceptions.ReadTimeoutError() | TimeoutError():
            return StreamStalled(
                f"the upstream stopped sending: no byte for {timeouts.read_s:g} s (--timeout)",
                hint="ask again, or allow longer pauses: --timeout SECONDS",
            )
        case urllib3.exceptions.DecodeError() | zlib.error():
            return ReplyNotUnderstood(
                "the upstream's reply is compressed in a way that cannot be read",
                hint="ask again; if it goes on, check what serves it",
            )
        case _:
            return StreamCutShort(
                "the connection broke in the middle of the answer",
                hint="ask again",
            )


def _explain_send(
    error: faults.RequestException | urllib3.exceptions.HTTPError, url: str, timeouts: Timeouts
) -> UpstreamUnreachable:
    match error:
        case faults.ConnectTimeout():
            return build_no_connection(get_origin(url), timeouts.connect_s)
        case faults.ReadTimeout():
            return build_no_first_byte(get_origin(url), timeouts.first_byte_s)
        case _:
            return explain_fault(error, url)
