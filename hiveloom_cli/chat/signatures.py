"""What bytes are, told by how they begin: any file can have any name."""

from __future__ import annotations

# What can be attached as it is.
_TAKEN = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
# What cannot: the offset of the bytes, the bytes, and what to call it.
_OTHERS = (
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "a ZIP archive"),
    (0, b"\x1f\x8b", "gzip-compressed data"),
    (0, b"BZh", "bzip2-compressed data"),
    (0, b"\xfd7zXZ\x00", "xz-compressed data"),
    (0, b"\x28\xb5\x2f\xfd", "zstd-compressed data"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ\x90\x00", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"\x00asm", "a WebAssembly program"),
    (0, b"SQLite format 3\x00", "an SQLite database"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old Office program"),
    (0, b"BM", "a BMP image"),
    (0, b"II*\x00", "a TIFF image"),
    (0, b"MM\x00*", "a TIFF image"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"8BPS", "a Photoshop image"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"ftypheic", "a HEIC image"),
    (4, b"ftypheix", "a HEIC image"),
    (4, b"ftypmif1", "a HEIC image"),
    (4, b"ftypM4A", "a sound file"),
    (4, b"ftyp", "a video"),
    (0, b"\x1a\x45\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (8, b"WAVE", "a sound file"),
    (0, b"ID3", "a sound file"),
    (0, b"OggS", "a sound file"),
    (0, b"fLaC", "a sound file"),
    (0, b"\xff\xfb", "a sound file"),
    (0, b"wOF", "a font"),
    (0, b"PAR1", "a Parquet table"),
)
# What a ZIP archive is when it has a file of that name in it.
_PACKED = (
    (b"word/", "a Word document"),
    (b"xl/", "an Excel workbook"),
    (b"ppt/", "a PowerPoint presentation"),
    (b"mimetypeapplication/vnd.oasis.opendocument", "an OpenDocument file"),
    (b"mimetypeapplication/epub", "an EPUB book"),
)
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
OTHER_ENCODING = "text in an encoding other than UTF-8"
EMPTY_TEXTS = frozenset(mark for mark, _ in _BYTE_ORDER_MARKS)
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\r\f\x1b"))
_BEGINNING = 4096


def find_media_type(content: bytes) -> str:
    """Return the media type of an image or a PDF document, or "" for anything else."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _TAKEN if content.startswith(start)), "")


def decode_text(content: bytes) -> str | None:
    """Decode UTF-8, or what its byte order mark says it is; None for what is no text."""
    if any(content.startswith(start, offset) for offset, start, _ in _OTHERS if _is_certain(start)):
        return None
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _is_certain(start: bytes) -> bool:
    # Letters alone can begin a text too.
    return not start.isascii() or any(byte in _CONTROLS for byte in start)


def describe_refused(content: bytes) -> str:
    """Say what bytes seem to be that cannot be attached."""
    for offset, start, name in _OTHERS:
        if content.startswith(start, offset):
            return _describe_packed(content) or name if start[:2] == b"PK" else name
    beginning = content[:_BEGINNING]
    if beginning.translate(None, _CONTROLS) == beginning:
        return OTHER_ENCODING
    return "binary data of an unknown kind"


def _describe_packed(content: bytes) -> str:
    # The names of its files stand in a ZIP archive as they are.
    return next((name for part, name in _PACKED if part in content), "")
