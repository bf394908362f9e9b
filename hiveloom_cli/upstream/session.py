"""Sessions of requests as we want them, whatever they send.

No redirect is looked at, `.netrc` never replaces a key, TLS trusts what `trust` says, and a server
on this machine is never asked through a proxy.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests import exceptions as faults
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.utils import select_proxy

from hiveloom_cli import __version__
from hiveloom_cli.errors import UpstreamRefused
from hiveloom_cli.protocols.base_url import is_loopback
from hiveloom_cli.secret import mask_secret
from hiveloom_cli.upstream.unreachable import build_proxy_failed, build_unreachable, list_causes

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from hiveloom_cli.errors import HiveloomError, UpstreamUnreachable
    from hiveloom_cli.protocols.request import KeyHeader
    from hiveloom_cli.secret import Secret

USER_AGENT = f"hiveloom-cli/{__version__}"
# What sending and reading raise; those of requests are OSErrors.
FAULTS = (OSError, urllib3.exceptions.HTTPError)
DECODE_FAULTS = (urllib3.exceptions.DecodeError, zlib.error)
_PROXY_FAULTS = (
    faults.InvalidProxyURL,
    faults.InvalidURL,  # the base URL was checked before, so it is the proxy's
    faults.InvalidSchema,  # SOCKS, without what speaks it; a base URL's own is checked before
    faults.ProxyError,
    urllib3.exceptions.ProxySchemeUnknown,
)


class Session(requests.Session):
    """Looks at no redirect: one not followed would be parsed, and read whole, all the same."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - see above
        """Find none."""
        return


class KeyAuth(AuthBase):
    """Writes the key's headers at the moment of sending, after `.netrc` has had no say."""

    def __init__(self, headers: Sequence[KeyHeader], key: Secret | None) -> None:
        self._headers = headers
        self._key = key

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key where it belongs."""
        if self._key is not None:
            for header in self._headers:
                prepared.headers[header.name] = header.prefix + self._key.reveal()
        return prepared


class TrustAdapter(HTTPAdapter):
    """Has TLS trust what `load_context` gives; requests would add the roots that it brings along.

    It is called at the first https request, not before: a chat with this machine needs no roots.
    """

    def __init__(self, load_context: Callable[[], ssl.SSLContext]) -> None:
        self._load_context = load_context
        super().__init__()

    def build_connection_pool_key_attributes(self, request: Any, *args: Any) -> tuple[Any, Any]:
        """See `HTTPAdapter`."""
        host, _ = super().build_connection_pool_key_attributes(request, *args)
        if host["scheme"] != "https":
            return host, {}
        return host, {"cert_reqs": "CERT_REQUIRED", "ssl_context": self._load_context()}

    def cert_verify(self, conn: Any, *_: Any) -> None:
        """See `HTTPAdapter`."""
        conn.cert_reqs = "CERT_REQUIRED"  # the context has the roots

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """See `HTTPAdapter`."""
        if proxy.lower().startswith("https:"):  # a proxy may be spoken to over TLS itself
            options["proxy_ssl_context"] = self._load_context()
        return super().proxy_manager_for(proxy, **options)


def open_session(adapter: HTTPAdapter) -> Session:
    """Open a session that sends through an adapter, under our name."""
    session = Session()
    session.headers["User-Agent"] = USER_AGENT
    # Only what every Python can take apart, whatever else is installed beside us.
    session.headers["Accept-Encoding"] = "gzip"
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session


def decide_proxies(url: str) -> dict[str, str] | None:
    """Decide what requests is told of proxies; None leaves them to the environment."""
    host = urlsplit(url).hostname or ""
    return {"no_proxy": host} if is_loopback(host) else None


def find_proxy(url: str, proxies: dict[str, str]) -> str | None:
    """Return the proxy that a request to `url` would go through."""
    return select_proxy(url, proxies)


def explain_fault(error: Exception, url: str) -> UpstreamUnreachable:
    """Say why a request was not answered, other than in time."""
    origin = get_origin(url)
    if any(isinstance(cause, _PROXY_FAULTS) for cause in list_causes(error)):
        return build_proxy_failed(error, origin)
    return build_unreachable(error, origin)


def get_origin(url: str) -> str:
    """Return scheme, host and port of a URL, for messages."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def mask_error(error: HiveloomError, key: Secret) -> None:
    """Hide a key in all that an error says."""
    error.message = mask_secret(error.message, key)
    error.hint = mask_secret(error.hint, key)
    error.args = (error.message,)
    if isinstance(error, UpstreamRefused):
        error.detail = mask_secret(error.detail, key)
        error.labels = tuple(mask_secret(label, key) for label in error.labels)
