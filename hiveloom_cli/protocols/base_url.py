"""Base URLs: checked once, then joined with an endpoint's path.

A base URL is what a person gives: scheme, host, perhaps port, path prefix and query. The rules are
those of the environment variable `HIVELOOM_OPENAI_BASE_URL`: spaces and trailing slashes are
trimmed, an endpoint's path is appended to the path, and a query string stays last.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from hiveloom_cli.errors import BaseUrlInvalid

ALLOW_HTTP_VARIABLE = "HIVELOOM_ALLOW_HTTP"
# Strict, so that nobody reads another host in a URL than this does: a key depends on it.
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A base URL in parts; `host` is lower-case, without brackets; `path` has no trailing slash."""

    scheme: str
    host: str
    port: int
    path: str = ""
    query: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and, where it is not the scheme's own, port: what a key is bound to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = _DEFAULT_PORTS[self.scheme] == self.port
        return f"{self.scheme}://{host}" if is_default else f"{self.scheme}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by its own name or number."""
        return is_loopback(self.host)

    def join(self, suffix: str) -> str:
        """Append an endpoint's path ("/chat/completions"); the query string stays last."""
        url = f"{self.origin}{self.path}{suffix}"
        return f"{url}?{self.query}" if self.query else url

    def with_query(self, query: str) -> BaseUrl:
        """Add to the query string what an endpoint takes there ("limit=1000")."""
        return replace(self, query=f"{self.query}&{query}" if self.query else query)

    def __str__(self) -> str:
        return self.join("")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its own name or number.

    `*.localhost` is not: a name server may say anything about it.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_base_url(text: str, *, source: str) -> BaseUrl:
    """Check a base URL; `source` says in errors where it came from, such as a variable's name.

    Raises `BaseUrlInvalid` for another scheme than http and https, a missing host, a user name or
    password, a fragment, or characters that no URL holds.
    """

    def refuse(problem: str) -> BaseUrlInvalid:
        return BaseUrlInvalid(
            f"the base URL in {source} {problem}",
            hint="give it as https://host/v1 (or http://127.0.0.1:PORT/v1 for a local server)",
        )

    url = text.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refuse("is not a URL") from None
    if problem := _find_problem(url, parts):
        raise refuse(problem)
    scheme = parts.scheme.lower()
    return BaseUrl(
        scheme=scheme,
        host=parts.hostname or "",
        port=_DEFAULT_PORTS[scheme] if port is None else port,
        path=parts.path.rstrip("/"),
        query=parts.query,
    )


def check_encrypted(base_url: BaseUrl, *, source: str, allow_http: bool) -> BaseUrl:
    """Return `base_url` if a key may be sent there: over https, to this machine, or `allow_http`.

    Raises `BaseUrlInvalid` with what has to be typed to allow it.
    """
    if base_url.scheme == "https" or base_url.is_loopback or allow_http:
        return base_url
    raise BaseUrlInvalid(
        f"the base URL in {source} is plain http to another machine ({base_url.host}):"
        " whoever is on the way can read the key",
        hint="use https://, or on a network that you trust add --allow-http"
        f" (or set {ALLOW_HTTP_VARIABLE}=1)",
    )


def _find_problem(url: str, parts: SplitResult) -> str:
    if any(character.isspace() or not character.isprintable() for character in url):
        return "holds a space or a control character"
    if parts.scheme.lower() not in _DEFAULT_PORTS:
        return "does not begin with http:// or https://"
    if not parts.hostname:
        return "names no host"
    if "@" in parts.netloc:
        return "holds a user name or a password; a key is stored with `credential set`"
    if not _is_host(parts.hostname):
        return "names a host that cannot be one"
    return "ends in a #fragment" if parts.fragment else ""


def _is_host(host: str) -> bool:
    if _HOST.fullmatch(host):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
