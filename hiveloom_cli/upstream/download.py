"""A file from an address that a person gave: fetched as anyone could fetch it, without a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hiveloom_cli.errors import (
    ReplyNotUnderstood,
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

_MOST_BYTES = 1024 * 1024
_LONGEST_S = 60.0  # a server that sends a byte now and then would keep us for ever
_HINT = "check the address, or save the file and import that"
_RAW = (
    (r"https://github\.com/([^/]+/[^/]+)/(?:blob|edit)/", r"https://raw.githubusercontent.com/\1/"),
    (r"(https://[^/]*gitlab[^/]*/.+?)/-/blob/", r"\1/-/raw/"),
    (r"(https://bitbucket\.org/[^/]+/[^/]+)/src/", r"\1/raw/"),
    (r"(https://gist\.github\.com/[^/]+/[0-9a-f]+)/?$", r"\1/raw"),
)


def check_address(url: str) -> str:
    """Return an address that a file can be fetched from, without its #fragment.

    Raises `UsageMistake` for anything but https, or http to this machine, and for one that holds a
    user name or a password.
    """
    address = url.partition("#")[0]
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not address.isprintable() or " " in address:
        raise UsageMistake("that is no address of a file", hint="give it as https://host/file")
    if "@" in parts.netloc:
        raise UsageMistake(
            "the address holds a user name or a password", hint="save the file and import that"
        )
    is_private = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not is_private:
        raise UsageMistake(
            f"a file is fetched over https only, and {host} was to be asked over {parts.scheme}",
            hint="give the address with https://",
        )
    return address


def load_page(url: str, transport: Transport, clock: Clock) -> bytes:
    """Fetch what is at an address that `check_address` let pass.

    Raises `UpstreamError`, also for what is a web page, or larger than 1 MiB.
    """
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc}{parts.path}"  # what follows may be secret
    try:
        content = _read(url, transport, clock, where)
    except UpstreamError as error:
        raise error if error.message.startswith(where) else _explain(error, where) from error
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        raise ReplyNotUnderstood(f"{where} is a web page, not an agent's file", hint=_find_raw(url))
    return content


def _read(url: str, transport: Transport, clock: Clock, where: str) -> bytes:
    request = WireRequest(url, headers={}, key_headers=())
    body = bytearray()
    begun_s = clock.elapsed_s()
    with transport.open_reply(request, None) as pieces:
        for piece in pieces:
            body += piece
            if len(body) > _MOST_BYTES:
                raise ReplyNotUnderstood(f"{where} is larger than 1 MiB", hint=_HINT)
            if clock.elapsed_s() - begun_s > _LONGEST_S:
                raise StreamStalled(f"{where} did not arrive within {_LONGEST_S:g} s", hint=_HINT)
    return bytes(body)


def _explain(error: UpstreamError, where: str) -> UpstreamError:
    """Say of a file what the transport says of a model."""
    match error:
        case UpstreamRefused() if 300 <= error.status < 400:
            message = f"{where} points elsewhere ({error.status}), and no redirect is followed"
            target = error.detail or "nowhere"
            hint = "look at where it points to, and give that address if you trust it"
            return UpstreamRefused(f"{message}: {target}", status=error.status, hint=hint)
        case UpstreamRefused():
            said = error.message.removeprefix("the upstream ")
            return UpstreamRefused(f"{where} {said}", status=error.status, hint=_HINT)
        case UpstreamUnreachable():
            error.hint = _HINT
            return error
        case StreamStalled():
            return StreamStalled(f"{where} stopped in the middle of the file", hint=_HINT)
        case StreamCutShort():
            return StreamCutShort(f"{where} broke off in the middle of the file", hint=_HINT)
        case _:
            said = error.message.replace("the upstream's reply", "what it sent")
            return ReplyNotUnderstood(f"{where}: {said}", hint=_HINT)


def _find_raw(url: str) -> str:
    """Say where the file itself is, of a page that shows it."""
    for pattern, replacement in _RAW:
        raw, count = re.subn(pattern, replacement, url.partition("?")[0])
        if count:
            return f"hiveloom agent import {raw}"
    return "give the address of the raw file, not of the page that shows it"
