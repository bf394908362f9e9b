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
from hiveloom_cli.protocols.fault_labels import find_labels, parse_status
from hiveloom_cli.protocols.lookup import get_map, get_text
from hiveloom_cli.protocols.waits import parse_wait_text

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_PAGE_SHOWN = 200
_PAGE_READ = 16 * 1024
_DETAIL_KEPT = 4000
_SHOWN = 600
_DEEPEST = 16  # no server nests its reason deeper; JSON can be, further than Python recurses


def parse_error_body(status: int, body: bytes) -> UpstreamRefused:
    """Read the body of an HTTP error answer; any bytes at all give an error that can be read."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    if text.startswith("<"):
        return _build_error(status, f"a web page, “{format_page(text)}”")
    value = _decode(text)
    return _build_error(status, _describe(value), find_labels(value))


def parse_error_event(value: dict[str, Any]) -> UpstreamRefused:
    """Read an error that came inside a reply of status 200: a JSON body or an event of a stream.

    What such an error calls itself stands for the status that it would have had.
    """
    labels = find_labels(value)
    return _build_error(parse_status(value, labels), _describe(value), labels)


def is_error(value: dict[str, Any]) -> bool:
    """Whether a decoded body or event says that the request failed, whatever else it holds."""
    return (
        bool(value.get("error")) or value.get("type") == "error" or value.get("object") == "error"
    )


def format_page(text: str) -> str:
    """Say what an HTML page is in a few words: its title, else the beginning of its text."""
    title = _TITLE.search(text[:_PAGE_READ])
    plain = title.group(1) if title else _TAG.sub(" ", text[:_PAGE_READ])
    return " ".join(plain.split())[:_PAGE_SHOWN]


def _build_error(status: int, detail: str, labels: tuple[str, ...] = ()) -> UpstreamRefused:
    detail = detail[:_DETAIL_KEPT]
    shown = _format_shown(detail) or "it gave no reason"
    said = f"answered {_format_status(status)}" if status else "broke off"
    error = UpstreamRefused(f"the upstream {said}: {shown}", status=status, detail=detail)
    error.labels = labels
    error.retry_after_s = parse_wait_text(detail)
    return error


def _format_shown(detail: str) -> str:
    line = " ".join(detail.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _format_status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _decode(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text


def _describe(value: Any, depth: int = 0) -> str:
    """Find the text for people in an error of any shape."""
    if isinstance(value, str):
        return value
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        found = (_describe(entry, depth + 1) for entry in value)
        return "; ".join(filter(None, found))
    if not isinstance(value, dict):
        return ""
    for key in ("error", "message", "detail", "msg"):
        if text := _describe(value.get(key), depth + 1):
            return _qualify(value, text)
    return get_text(value, "code") or get_text(value, "type")


def _qualify(value: dict[str, Any], message: str) -> str:
    # A validation error's place ("loc"), and the text of the provider behind a router ("raw").
    place = value.get("loc")
    if isinstance(place, list):
        message = f"{'.'.join(map(str, place))}: {message}"
    metadata = get_map(value, "metadata")
    if raw := get_text(metadata, "raw"):
        provider = get_text(metadata, "provider_name") or "provider"
        message = f"{message} ({provider}: {_describe(_decode(raw.strip()))})"
    return message
