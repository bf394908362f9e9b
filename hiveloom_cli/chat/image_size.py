"""How large an image is, read off its first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The markers of JPEG that say the size: all "start of frame", and none of DHT, JPG and DAC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers that nothing follows
_VP8_START = b"\x9d\x01\x2a"


def find_image_size(media_type: str, content: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels, or None where the bytes do not say."""
    find = _FINDERS.get(media_type)
    return find(content) if find else None


def _find_png(content: bytes) -> tuple[int, int] | None:
    if content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def _find_gif(content: bytes) -> tuple[int, int] | None:
    if len(content) < 10:
        return None
    return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")


def _find_jpeg(content: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in _FRAMES:
            height = int.from_bytes(content[place + 5 : place + 7], "big")
            return int.from_bytes(content[place + 7 : place + 9], "big"), height
        if marker == 0xFF:  # fill
            place += 1
        elif marker in _BARE:
            place += 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return None


def _find_webp(content: bytes) -> tuple[int, int] | None:
    if len(content) < 30:
        return None
    match content[12:16]:
        case b"VP8X":
            width = int.from_bytes(content[24:27], "little")
            return width + 1, int.from_bytes(content[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(content[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 " if content[23:26] == _VP8_START:
            width = int.from_bytes(content[26:28], "little")
            return width & 0x3FFF, int.from_bytes(content[28:30], "little") & 0x3FFF
    return None


_FINDERS: Mapping[str, Callable[[bytes], tuple[int, int] | None]] = {
    "image/png": _find_png,
    "image/gif": _find_gif,
    "image/jpeg": _find_jpeg,
    "image/webp": _find_webp,
}
