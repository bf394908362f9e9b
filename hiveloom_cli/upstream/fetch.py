"""What a person names by its URL, fetched: a file to attach, an agent to import.

No key goes along, and no redirect is followed, so that what is read is what was typed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from hiveloom_cli.errors import (
    AnswerTimedOut,
    SourceUnusable,
    StreamCutShort,
    StreamStalled,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnreachable,
    UsageMistake,
)
from hiveloom_cli.protocols.base_url import is_loopback
from hiveloom_cli.protocols.request import WireRequest

if TYPE_CHECKING:
    from hiveloom_cli.clock import Clock
    from hiveloom_cli.upstream.client import Transport

_MEGABYTE = 1024 * 1024
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LONGEST_S = 300.0  # a server that sends a byte now and then would keep us for ever
_SAVE_IT = "save it to a file, and give that"
_AGAIN = f"try again, or {_SAVE_IT}"


def is_url(text: str) -> bool:
    """Whether a word is meant as a URL, of whatever scheme, and not as a path."""
    return bool(_SCHEME.match(text))


def fetch_url(url: str, transport: Transport, clock: Clock, *, most_bytes: int) -> bytes:
    """Fetch what a URL names.

    Raises `UsageMistake` for a URL that is neither https nor http to this machine, and
    `SourceUnusable` for one that gives nothing, an error, a redirect, or more than `most_bytes`, or
    takes more than five minutes.
    """
    shown = format_url(url)
    _check_url(url)
    request = WireRequest(url, {"Accept": "*/*"}, ())
    content = bytearray()
    begun_s = clock.elapsed_s()
    try:
        with transport.open_reply(request, None) as pieces:
            for piece in pieces:
                content += piece
                if len(content) > most_bytes:
                    break
                if clock.elapsed_s() - begun_s > _LONGEST_S:
                    raise StreamStalled("it took too long")
    except UpstreamError as error:
        raise _explain(error, shown) from error
    if len(content) > most_bytes:
        raise SourceUnusable(
            f"{shown} is larger than {most_bytes / _MEGABYTE:g} MB",
            hint="save the part that matters to a file, and give that",
        )
    return bytes(content)


def format_url(url: str) -> str:
    """Show a URL without what may be secret: user and password, and the query."""
    return re.sub(r"//[^/]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])


def _check_url(url: str) -> None:
    try:
        problem = _find_problem(url, urlsplit(url))
    except ValueError:
        problem = "is none"
    if problem:
        raise UsageMistake(
            f"the URL {format_url(url)} {problem}",
            hint="give it as https://host/path, or http:// on this machine",
        )


def _find_problem(url: str, parts: SplitResult) -> str:
    if any(character.isspace() or not character.isprintable() for character in url):
        return "holds a space or a control character"
    if parts.scheme not in ("http", "https"):
        return "does not begin with https://"
    if not parts.hostname or parts.port == 0:
        return "names no host"
    if "@" in parts.netloc:
        return "holds a user name or a password"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "is plain http to another machine: whoever is on the way can change what comes"
    return ""


def _explain(error: UpstreamError, shown: str) -> SourceUnusable:
    match error:
        case UpstreamRefused() if 300 <= error.status < 400:
            return SourceUnusable(
                f"{shown} answered {error.status} and points to {error.detail or 'nowhere'}",
                hint="give the address that it leads to; no redirect is followed",
            )
        case UpstreamRefused():
            return SourceUnusable(
                f"{shown} answered {error.status}",
                hint=f"check the address, or {_SAVE_IT}",
            )
        case AnswerTimedOut() | StreamStalled():
            return SourceUnusable(f"{shown} did not come in time", hint=_AGAIN)
        case UpstreamUnreachable():
            return SourceUnusable(error.message, hint=f"check the address, or {_SAVE_IT}")
        case StreamCutShort():
            return SourceUnusable(f"{shown} stopped in the middle", hint=_AGAIN)
        case _:
            said = error.message.replace("the upstream's reply", "what came")
            return SourceUnusable(f"{shown}: {said}", hint=_AGAIN)
