"""What the guard decides of a request before anyone answers it; nothing here touches the world.

A browser lets any page send requests to this machine. What tells such a page's requests from a
program's: the `Host` that it believes to talk to (a name that was made to lead here, DNS
rebinding), `Origin` and `Sec-Fetch-Site` (Fetch standard), and a content type that it may only send
after a preflight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.door.hosts import parse_host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hiveloom_cli.serve.door.hosts import Hosts

    Headers = Mapping[str, Sequence[str]]  # names in small letters

READING = frozenset({"GET", "HEAD"})
OPEN_PATHS = frozenset({"/healthz"})
_WATCHING_PATHS = frozenset({"/metrics"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HEADER_NAMES = re.compile(r"[A-Za-z0-9-]+(, ?[A-Za-z0-9-]+)*", re.ASCII)
_ELSEWHERE = frozenset({"cross-site", "same-site"})
_MOST_DIGITS = 15
_BLANKS = " \t"  # of HTTP; text has more of them


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may ask for what.

    `origins` are those of other pages that may, exactly as browsers write them. What is read at a
    `public` path needs no token. `most_bytes` of a body are read, within `body_s` seconds;
    `most_running` requests are answered at a time.
    """

    hosts: Hosts
    origins: frozenset[str] = frozenset()
    public: frozenset[str] = OPEN_PATHS
    most_bytes: int = 32 << 20
    most_running: int = 256
    body_s: float = 60.0

    def is_public(self, method: str, path: str) -> bool:
        """Whether that is for anyone to read."""
        return method in READING and path in self.public

    def has_place(self, method: str, path: str, running: int) -> bool:
        """Whether one more is answered; what watches the server is, however busy that is."""
        is_watching = method in READING and path in _WATCHING_PATHS
        return is_watching or running < self.most_running


def check_framing(version: str, headers: Headers) -> None:
    """Return if it is plain where a request ends; raise `Rejection` if others may see it elsewhere.

    RFC 9112, section 6.1: what is said twice, in two ways, is how one request is smuggled in
    another.
    """
    if "transfer-encoding" in headers and ("content-length" in headers or version != "1.1"):
        message = "A request says its length, or comes in chunks of HTTP/1.1, and not both."
        raise Rejection(400, message, code="framing_invalid")


def check_source(rules: Rules, method: str, path: str, scheme: str, headers: Headers) -> None:
    """Return if a request comes from where requests may come from; raise `Rejection` if not."""
    host = _check_host(rules, headers)
    origin = _check_origin(rules, scheme, host, headers)
    if origin in rules.origins or rules.is_public(method, path):
        return  # a link on any page may lead to a page of ours
    if _ELSEWHERE.intersection(headers.get("sec-fetch-site", ())):
        raise Rejection(403, "Pages of other sites may not ask here.", code="cross_site_request")


def _check_host(rules: Rules, headers: Headers) -> str:
    found = headers.get("host", ())
    if len(found) != 1:
        raise Rejection(400, "A request needs exactly one Host header.", code="host_invalid")
    host = parse_host(found[0])
    if host is None:
        raise Rejection(400, "The Host header names no host.", code="host_invalid")
    if not rules.hosts.holds(host):
        raise Rejection(
            421,
            "This server does not answer under that name: serve with --allow-host to allow it.",
            code="host_not_allowed",
        )
    return found[0].lower()


def _check_origin(rules: Rules, scheme: str, host: str, headers: Headers) -> str:
    """Return the origin that a browser names, "" for none; raise `Rejection` for a foreign one."""
    found = headers.get("origin", ())
    if not found:
        return ""
    # A proxy may have taken TLS off; nobody else speaks https at this host and port.
    own = (f"{scheme}://{host}", f"https://{host}")
    if len(found) == 1 and (found[0] in own or found[0] in rules.origins):
        return found[0]
    raise Rejection(
        403,
        "That origin may not ask here: serve with --allow-origin to allow it.",
        code="origin_not_allowed",
    )


def find_allowed_origin(rules: Rules, headers: Headers) -> str:
    """Return the origin of another page that may read the answer; "" for none."""
    found = headers.get("origin", ())
    return found[0] if len(found) == 1 and found[0] in rules.origins else ""


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks what a page may send."""
    return method == "OPTIONS" and "access-control-request-method" in headers


def build_preflight(headers: Headers) -> list[tuple[str, str]]:
    """Build the answer for a page of an allowed origin."""
    answer = [
        ("access-control-allow-methods", "GET, POST"),
        ("access-control-max-age", "600"),
    ]
    asked = ", ".join(headers.get("access-control-request-headers", ()))
    if _HEADER_NAMES.fullmatch(asked):
        answer.append(("access-control-allow-headers", asked))
    if "access-control-request-private-network" in headers:
        answer.append(("access-control-allow-private-network", "true"))
    return answer


def build_sharing(origin: str) -> list[tuple[str, str]]:
    """Build the headers that let a page of an allowed origin read an answer; none for ""."""
    if not origin:
        return []
    return [
        ("access-control-allow-origin", origin),
        ("access-control-expose-headers", "x-request-id, retry-after"),
        ("vary", "Origin"),
    ]


def check_content_type(method: str, headers: Headers) -> None:
    """Return if what is sent is JSON; raise `Rejection` for what any page may send unasked."""
    if method in READING or method == "OPTIONS":
        return
    kinds = headers.get("content-type", ())
    if method != "POST" and not kinds:
        return  # it brings nothing, and no page may send it unasked either
    kind = kinds[0].partition(";")[0].strip().lower() if len(kinds) == 1 else ""
    if kind != "application/json":
        raise Rejection(
            415, "Send JSON, as content-type: application/json.", code="content_type_invalid"
        )


def check_length(rules: Rules, headers: Headers) -> None:
    """Return if the body is not announced as larger than is read; raise `Rejection` if it is."""
    for text in headers.get("content-length", ()):
        digits = text.strip().lstrip("0")
        is_count = digits.isascii() and digits.isdigit()
        if is_count and (len(digits) > _MOST_DIGITS or int(digits) > rules.most_bytes):
            raise build_too_large(rules.most_bytes)


def build_too_large(most_bytes: int) -> Rejection:
    """Build what is said to a body that is too large."""
    return Rejection(413, f"The body is larger than {most_bytes} bytes.", code="request_too_large")


def find_presented(headers: Headers) -> list[str]:
    """Find the tokens that a request shows, in the two places where clients put one.

    A header that stands there twice shows nothing.
    """
    presented = []
    authorization = headers.get("authorization", ())
    if len(authorization) == 1:
        scheme, _, token = authorization[0].partition(" ")
        if scheme.lower() == "bearer":
            presented.append(token.strip(_BLANKS))
    keys = headers.get("x-api-key", ())
    if len(keys) == 1:
        presented.append(keys[0].strip(_BLANKS))
    return list(filter(None, presented))


def find_request_id(headers: Headers) -> str:
    """Return the id that the client gave its request; "" where it gave none that can be one."""
    found = headers.get("x-request-id", ())
    return found[0] if len(found) == 1 and _REQUEST_ID.fullmatch(found[0]) else ""
