"""The beginnings of files of many kinds, and small whole ones."""

from __future__ import annotations

import base64
import struct
import zlib

JPEG_START = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


def build_png(width: int = 1, height: int = 1, *, size: int = 0) -> bytes:
    """Build a PNG image; padded to `size` bytes where that is more."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", len(head) - 4) + head + struct.pack(">I", zlib.crc32(head))
    return (b"\x89PNG\r\n\x1a\n" + chunk).ljust(size, b"\0")


def build_gif(width: int = 1, height: int = 1) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0;"


def build_jpeg(width: int = 1, height: int = 1) -> bytes:
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    table = b"\xff\xc4\x00\x04\x00\x00"
    return JPEG_START + b"\xff" + table + frame + b"\xff\xd9"


def build_webp(kind: bytes = b"VP8X", width: int = 1, height: int = 1) -> bytes:
    if kind == b"VP8X":
        sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = b"\x0a\0\0\0\0\0\0\0" + sizes
    elif kind == b"VP8L":
        body = b"\x05\0\0\0\x2f" + (width - 1 | (height - 1) << 14).to_bytes(4, "little") + bytes(5)
    else:
        body = b"\x0a\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return b"RIFF\x20\0\0\0WEBP" + kind + body


def build_pdf(pages: int = 1) -> bytes:
    """Build what has the marks of a PDF document of so many pages."""
    tree = b"1 0 obj<</Type /Pages /Count %d>>endobj\n" % pages
    return b"%PDF-1.4\n" + tree + b"2 0 obj<</Type/Page>>endobj\n" * pages + b"%%EOF\n"


def encode(content: bytes) -> str:
    """Encode as base64."""
    return base64.b64encode(content).decode()
