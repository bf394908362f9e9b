"""HTTP, through requests: the only place that opens a connection to an upstream.

A key goes to the origin it was meant for: no redirect is followed, `.netrc` never replaces it, and
a server on this machine is never asked through a proxy. Proxies (`HTTPS_PROXY`, `NO_PROXY` ...) and
certificate bundles (`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`) of the environment are honoured.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests import exceptions as faults
from requests.auth import AuthBase

from hiveloom_cli import __version__
from hiveloom_cli.errors import (
    HiveloomError,
    StreamCutShort,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnreachable,
)
from hiveloom_cli.protocols.faults import parse_error_body
from hiveloom_cli.secret import Secret, mask_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.protocols.request import KeyHeader, WireRequest

USER_AGENT = f"hiveloom-cli/{__version__}"
_PIECE = 64 * 1024
_ERROR_BODY = 256 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for the next byte of a reply.

    The second is long because a local server may load a model before its first byte.
    """

    connect_s: float = 10.0
    read_s: float = 300.0


class RequestsTransport:
    """Sends requests; connections are kept for the next one."""

    def __init__(self, environ: Mapping[str, str], timeouts: Timeouts | None = None) -> None:
        self._timeouts = timeouts or Timeouts()
        self._session = requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT
        self._certificates = environ.get("SSL_CERT_FILE") or None

    @contextmanager
    def open_reply(self, request: WireRequest, key: Secret) -> Iterator[Iterator[bytes]]:
        """Send a request; give the reply's bytes as they arrive. Leaving closes the connection.

        Raises `UpstreamUnreachable`, and `UpstreamRefused` for any status but 2xx. The key is
        masked in every `UpstreamError` that passes, the reader's own included.
        """
        try:
            response = self._send(request, key)
            try:
                _check_status(response)
                yield _read(response)
            finally:
                response.close()
        except UpstreamError as error:
            _mask(error, key)
            raise

    def _send(self, request: WireRequest, key: Secret) -> requests.Response:
        try:
            return self._session.request(
                "POST" if request.body is not None else "GET",
                request.url,
                data=request.content,
                headers=dict(request.headers),
                auth=_KeyAuth(request.key_headers, key),
                timeout=(self._timeouts.connect_s, self._timeouts.read_s),
                allow_redirects=False,
                stream=True,
                verify=self._certificates,
                proxies=_decide_proxies(request.url),
            )
        except faults.RequestException as error:
            raise _explain_send(error, request.url, self._timeouts) from error


class _KeyAuth(AuthBase):
    """Writes the key's headers at the moment of sending, after `.netrc` has had no say."""

    def __init__(self, headers: tuple[KeyHeader, ...], key: Secret) -> None:
        self._headers = headers
        self._key = key

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        for header in self._headers:
            prepared.headers[header.name] = header.prefix + self._key.reveal()
        return prepared


def _decide_proxies(url: str) -> dict[str, str] | None:
    host = urlsplit(url).hostname or ""
    is_loopback = host in ("localhost", "::1") or host.startswith("127.")
    return {"no_proxy": host} if is_loopback else None


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        where = urlsplit(response.headers.get("Location", ""))
        target = f"{where.scheme}://{where.netloc}{where.path}" if where.netloc else where.path
        raise UpstreamRefused(
            f"the upstream answered {status} and points to {target or 'nowhere'};"
            " a key is never sent along a redirect",
            status=status,
        )
    raise parse_error_body(status, _read_bounded(response, _ERROR_BODY))


def _read(response: requests.Response) -> Iterator[bytes]:
    """Give bytes as they arrive; requests' own iterators hold them back until a buffer is full."""
    while True:
        try:
            piece = response.raw.read1(_PIECE, decode_content=True)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise StreamCutShort(
                "the upstream stopped sending", hint="ask again; what came is kept"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StreamCutShort(
                "the connection broke in the middle of the answer",
                hint="ask again; what came is kept",
            ) from error
        if not piece:
            return
        yield piece


def _read_bounded(response: requests.Response, limit: int) -> bytes:
    body = bytearray()
    try:
        for piece in _read(response):
            body += piece
            if len(body) >= limit:
                break
    except StreamCutShort:
        pass  # what came of an error's text is better than nothing
    return bytes(body[:limit])


def _explain_send(
    error: faults.RequestException, url: str, timeouts: Timeouts
) -> UpstreamUnreachable:
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    match error:
        case faults.ProxyError():
            problem, hint = "the proxy did not let us through", "check HTTPS_PROXY and NO_PROXY"
        case faults.SSLError():
            problem = f"TLS failed: {_find_cause(error)}"
            hint = "name your own certificates in SSL_CERT_FILE"
        case faults.ConnectTimeout():
            problem = f"no connection within {timeouts.connect_s:g} s"
            hint = "check the address and the network"
        case faults.ReadTimeout():
            problem = f"no answer within {timeouts.read_s:g} s"
            hint = "ask again, or look at the server"
        case _:
            problem, hint = _find_cause(error), "check the address, and that the server runs"
    return UpstreamUnreachable(f"cannot reach {origin}: {problem}", hint=hint)


def _find_cause(error: BaseException) -> str:
    """Find the operating system's own words at the bottom of a chain of wrapped errors."""
    seen: Any = error
    while True:
        inner = getattr(seen, "reason", None) or seen.__cause__ or seen.__context__
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        if inner is None:
            break
        seen = inner
    if isinstance(seen, OSError) and seen.strerror:
        return os.strerror(seen.errno) if seen.errno and seen.errno > 0 else seen.strerror
    return str(seen) or type(seen).__name__


def _mask(error: HiveloomError, key: Secret) -> None:
    error.message = mask_secret(error.message, key)
    error.args = (error.message,)
    if isinstance(error, UpstreamRefused):
        error.detail = mask_secret(error.detail, key)
