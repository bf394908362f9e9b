"""What is at an address may be the page that shows an agent's file, and not the file."""

from __future__ import annotations

import re

from hiveloom_cli.errors import SourceUnusable

_RAW = (
    (r"https://github\.com/([^/]+/[^/]+)/(?:blob|edit)/", r"https://raw.githubusercontent.com/\1/"),
    (r"(https://[^/]*gitlab[^/]*/.+?)/-/blob/", r"\1/-/raw/"),
    (r"(https://bitbucket\.org/[^/]+/[^/]+)/src/", r"\1/raw/"),
    (r"(https://gist\.github\.com/[^/]+/[0-9a-f]+)/?$", r"\1/raw"),
)


def check_no_page(content: bytes, url: str) -> None:
    """Return if no web page came from `url`; raise `SourceUnusable`, with the file's own address.

    What follows a question mark in an address is not repeated: it may be secret.
    """
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        shown = re.split(r"[?#]", url, maxsplit=1)[0]
        raise SourceUnusable(f"{shown} is a web page, not an agent's file", hint=_find_raw(shown))


def _find_raw(url: str) -> str:
    for pattern, replacement in _RAW:
        raw, count = re.subn(pattern, replacement, url)
        if count:
            return f"hiveloom agent import {raw}"
    return "give the address of the raw file, not of the page that shows it"
