"""Images and documents in a request, in the form of either protocol, held to their own bytes."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from hiveloom_cli.demo.answer import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

_IMAGES: Mapping[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_DOCUMENTS: Mapping[str, tuple[bytes, ...]] = {"application/pdf": (b"%PDF-",)}


def describe_part(place: str, part: dict[str, Any]) -> str:
    """Say what a part brings that is not text, "" for a part of another kind.

    Raises `Refusal` for one whose data is not what it says.
    """
    match part["type"]:
        case "image_url":
            url = _get_map(place, part, "image_url").get("url")
            return _check(place, *_split_url(f"{place}.image_url.url", url), _IMAGES)
        case "file":
            file = _get_map(place, part, "file")
            if not isinstance(file.get("filename"), str):
                raise Refusal(400, f"{place}.file.filename: expected a string")
            url = file.get("file_data")
            said = _check(place, *_split_url(f"{place}.file.file_data", url), _DOCUMENTS)
            return f"{said}, {file['filename']}"
        case "image" | "document" as kind:
            source = _get_map(place, part, "source")
            if source.get("type") != "base64":
                raise Refusal(400, f"{place}.source.type: only base64 is served here")
            known = _IMAGES if kind == "image" else _DOCUMENTS
            said = _check(place, source.get("media_type"), source.get("data"), known)
            return f"{said}, {part['title']}" if isinstance(part.get("title"), str) else said
    return ""


def _get_map(place: str, part: dict[str, Any], name: str) -> dict[str, Any]:
    value = part.get(name)
    if not isinstance(value, dict):
        raise Refusal(400, f"{place}.{name}: expected an object")
    return value


def _split_url(place: str, url: object) -> tuple[str, str]:
    head, comma, data = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
    if not (comma and head.startswith("data:")):
        raise Refusal(400, f"{place}: only data URLs in base64 are served here")
    return head.removeprefix("data:"), data


def _check(
    place: str, media_type: object, data: object, known: Mapping[str, tuple[bytes, ...]]
) -> str:
    if not isinstance(media_type, str) or media_type not in known:
        raise Refusal(400, f"{place}: the media type is none of {', '.join(known)}")
    try:
        content = base64.b64decode(data if isinstance(data, str) else "-", validate=True)
    except binascii.Error as error:
        raise Refusal(400, f"{place}: the data is not valid base64") from error
    if not content.startswith(known[media_type]):
        raise Refusal(400, f"{place}: the data does not match the media type {media_type}")
    return f"{media_type}, {len(content)} bytes"
