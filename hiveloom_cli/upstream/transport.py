"""HTTP, through requests: the only place that opens a connection to an upstream.

A key goes to the origin it was meant for: no redirect is followed, `.netrc` never replaces it, and
a server on this machine is never asked through a proxy. Proxies (`HTTPS_PROXY`, `NO_PROXY` ...) and
certificate bundles (`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`) of the environment are honoured.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests import exceptions as faults
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from hiveloom_cli import __version__
from hiveloom_cli.clock import SystemClock
from hiveloom_cli.errors import (
    HiveloomError,
    ReplyNotUnderstood,
    StreamCutShort,
    StreamStalled,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnreachable,
)
from hiveloom_cli.protocols.base_url import is_loopback
from hiveloom_cli.protocols.faults import parse_error_body
from hiveloom_cli.protocols.waits import parse_retry
from hiveloom_cli.secret import Secret, mask_secret
from hiveloom_cli.upstream.limits import Timeouts
from hiveloom_cli.upstream.trust import load_context
from hiveloom_cli.upstream.unreachable import (
    build_no_connection,
    build_no_first_byte,
    build_proxy_failed,
    build_unreachable,
    list_causes,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.protocols.request import KeyHeader, WireRequest

USER_AGENT = f"hiveloom-cli/{__version__}"
_PIECE = 64 * 1024
_ERROR_BODY = 256 * 1024
_PROXY_FAULTS = (
    faults.InvalidProxyURL,
    faults.InvalidURL,  # the base URL was checked before, so it is the proxy's
    faults.InvalidSchema,  # SOCKS, without what speaks it; a base URL's own is checked before
    faults.ProxyError,
    urllib3.exceptions.ProxySchemeUnknown,
)
_REPLY = 512 * 1024 * 1024  # no answer is that long; a few compressed kilobytes can be


class RequestsTransport:
    """Sends requests."""

    def __init__(
        self,
        environ: Mapping[str, str],
        timeouts: Timeouts | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._clock = clock or SystemClock()
        self._session = _Session()
        self._session.headers["User-Agent"] = USER_AGENT
        # Only what every Python can take apart, whatever else is installed beside us.
        self._session.headers["Accept-Encoding"] = "gzip"
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _TrustAdapter(environ))

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
                _mask(error, key)
            raise

    def _send(self, request: WireRequest, key: Secret | None) -> requests.Response:
        try:
            return self._session.request(
                "POST" if request.body is not None else "GET",
                request.url,
                data=request.content,
                headers=dict(request.headers),
                auth=_KeyAuth(request.key_headers, key),
                timeout=(self._timeouts.connect_s, self._timeouts.first_byte_s),
                allow_redirects=False,
                stream=True,
                proxies=_decide_proxies(request.url),
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


class _Session(requests.Session):
    """Looks at no redirect: one not followed would be parsed, and read whole, all the same."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - see above
        return None


class _KeyAuth(AuthBase):
    """Writes the key's headers at the moment of sending, after `.netrc` has had no say."""

    def __init__(self, headers: tuple[KeyHeader, ...], key: Secret | None) -> None:
        self._headers = headers
        self._key = key

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key is not None:
            for header in self._headers:
                prepared.headers[header.name] = header.prefix + self._key.reveal()
        return prepared


class _TrustAdapter(HTTPAdapter):
    """Has TLS trust what `trust` says; requests would add the roots that it brings along."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        # At the first https request, not before: a chat with this machine needs no roots.
        return load_context(self._environ)

    def build_connection_pool_key_attributes(self, request: Any, *args: Any) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, *args)
        if host["scheme"] != "https":
            return host, {}
        return host, {"cert_reqs": "CERT_REQUIRED", "ssl_context": self._context}

    def cert_verify(self, conn: Any, *_: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"  # the context has the roots

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        if proxy.lower().startswith("https:"):  # a proxy may be spoken to over TLS itself
            options["proxy_ssl_context"] = self._context
        return super().proxy_manager_for(proxy, **options)


def _decide_proxies(url: str) -> dict[str, str] | None:
    host = urlsplit(url).hostname or ""
    return {"no_proxy": host} if is_loopback(host) else None


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
            return build_no_first_byte(_get_origin(response.url), timeouts.first_byte_s)
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
    origin = _get_origin(url)
    if any(isinstance(cause, _PROXY_FAULTS) for cause in list_causes(error)):
        return build_proxy_failed(error, origin)
    match error:
        case faults.ConnectTimeout():
            return build_no_connection(origin, timeouts.connect_s)
        case faults.ReadTimeout():
            return build_no_first_byte(origin, timeouts.first_byte_s)
        case _:
            return build_unreachable(error, origin)


def _get_origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _mask(error: HiveloomError, key: Secret) -> None:
    error.message = mask_secret(error.message, key)
    error.hint = mask_secret(error.hint, key)
    error.args = (error.message,)
    if isinstance(error, UpstreamRefused):
        error.detail = mask_secret(error.detail, key)
        error.labels = tuple(mask_secret(label, key) for label in error.labels)
