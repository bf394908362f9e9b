"""Error bodies, in the many shapes that servers give them, read into one error.

Servers mix shapes freely: Chat Completions' `{"error": {...}}` on an Anthropic path, an error that
is a bare string, FastAPI's `{"detail": [...]}`, a flat body, an HTML page of a gateway, nothing at
all. Where an upstream hides the real text behind a general one, the real one is shown.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from hiveloom_cli.errors import UpstreamRefused
from hiveloom_cli.protocols.lookup import get_map, get_text

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_PAGE_SHOWN = 200


def parse_error_body(status: int, body: bytes) -> UpstreamRefused:
    """Read the body of an HTTP error answer; any bytes at all give an error that can be read."""
    text = body.decode("utf-8", "replace").strip()
    return _build_error(status, _parse_detail(text))


def parse_error_event(value: dict[str, Any]) -> UpstreamRefused:
    """Read an error that came inside a reply of status 200: a JSON body or an event of a stream."""
    error = value.get("error")
    return _build_error(_parse_status(error), _describe(value))


def is_error(value: dict[str, Any]) -> bool:
    """Whether a decoded body or event says that the request failed, whatever else it holds."""
    return (
        bool(value.get("error")) or value.get("type") == "error" or value.get("object") == "error"
    )


def format_page(text: str) -> str:
    """Say what an HTML page is in a few words: its title, else the beginning of its text."""
    title = _TITLE.search(text)
    plain = title.group(1) if title else _TAG.sub(" ", text)
    return " ".join(plain.split())[:_PAGE_SHOWN]


def _build_error(status: int, detail: str) -> UpstreamRefused:
    shown = detail or "it gave no reason"
    if not status:
        return UpstreamRefused(f"the upstream broke off: {shown}", detail=detail)
    return UpstreamRefused(
        f"the upstream answered {_format_status(status)}: {shown}", status=status, detail=detail
    )


def _format_status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _parse_detail(text: str) -> str:
    if text.startswith("<"):
        return f"a web page, “{format_page(text)}”"
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    return _describe(value)


def _describe(value: Any) -> str:
    """Find the text for people in an error of any shape."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_describe, value)))
    if not isinstance(value, dict):
        return ""
    for key in ("error", "message", "detail", "msg"):
        if found := _describe(value.get(key)):
            return _qualify(value, found)
    return get_text(value, "code") or get_text(value, "type")


def _qualify(value: dict[str, Any], message: str) -> str:
    # A validation error's place ("loc"), and the text of the provider behind a router ("raw").
    place = value.get("loc")
    if isinstance(place, list):
        message = f"{'.'.join(map(str, place))}: {message}"
    metadata = get_map(value, "metadata")
    if raw := get_text(metadata, "raw"):
        provider = get_text(metadata, "provider_name") or "provider"
        message = f"{message} ({provider}: {_parse_detail(raw.strip())})"
    return message


def _parse_status(error: Any) -> int:
    if not isinstance(error, dict):
        return 0
    for key in ("status_code", "status", "code"):
        code = error.get(key)
        if isinstance(code, str) and code.isdecimal():
            code = int(code)
        if isinstance(code, int) and 400 <= code < 600:
            return code
    return 0
