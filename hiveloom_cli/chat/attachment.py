"""What a person attaches to a message: a file, a URL, or what is piped in, as a message's part."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote, urlsplit

from hiveloom_cli.chat.signatures import (
    EMPTY_TEXTS,
    OTHER_ENCODING,
    decode_text,
    describe_refused,
    find_media_type,
)
from hiveloom_cli.errors import SourceUnusable, UsageMistake
from hiveloom_cli.protocols.faults import format_page
from hiveloom_cli.protocols.media import MEGABYTE, PDF
from hiveloom_cli.protocols.message import DocumentPart, ImagePart, TextFilePart
from hiveloom_cli.upstream.fetch import format_url, is_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.protocols.message import Attachment

Fetch: TypeAlias = "Callable[[str], bytes]"

MOST_BYTES = 50 * MEGABYTE
_LONGEST_NAME = 100
_KEPT_END = 20  # of a name that is too long: its suffix says more than its middle
_PAGES = ("<!doctype html", "<html")
_TAKEN = "attach a PNG, JPEG, GIF or WebP image, a PDF document, or UTF-8 text"
_CONVERT = "convert it first: iconv -f LATIN1 -t UTF-8"


def load_attachment(source: str, *, fetch: Fetch) -> Attachment:
    """Load what a path or a URL names; `fetch` gets the bytes of a URL.

    Raises `SourceUnusable` with one line saying why not, and what `fetch` raises.
    """
    if not source:
        raise UsageMistake("the name of what to attach is empty", hint="-a FILE, -a URL, or -a -")
    if is_url(source):
        return parse_attachment(fetch(source), source=format_url(source), name=_name_url(source))
    path = _expand(source)
    return parse_attachment(_load_file(path), source=str(path), name=path.name)


def parse_attachment(content: bytes, *, source: str, name: str) -> Attachment:
    """Decide by the bytes what they are; `source` names them to the person, `name` to the model.

    Raises `SourceUnusable` for what is empty, too large, a web page in place of a file, or of a
    kind that no model takes.
    """
    if not content or content in EMPTY_TEXTS:
        raise SourceUnusable(f"{source} is empty", hint="attach what has something in it")
    if len(content) > MOST_BYTES:
        raise SourceUnusable(
            f"{source} is larger than {MOST_BYTES // MEGABYTE} MB",
            hint="attach the part that matters",
        )
    name = fit_name(name)
    media_type = find_media_type(content)
    if media_type == PDF:
        return DocumentPart(name, content)
    if media_type:
        return ImagePart(media_type, content, name)
    text = decode_text(content)
    if text is None:
        seen = describe_refused(content)
        hint = _CONVERT if seen == OTHER_ENCODING else _TAKEN
        raise SourceUnusable(f"{source} is {seen}", hint=hint)
    if is_url(source) and text.lstrip()[:20].lower().startswith(_PAGES):
        raise SourceUnusable(
            f"{source} is a web page, “{format_page(text)}”, and not a file",
            hint="give the address of the file itself, or save the page and attach that",
        )
    return TextFilePart(name, text)


def fit_name(name: str) -> str:
    """Make a foreign name fit to be shown to a model: one line, bounded, nothing invisible."""
    plain = "".join(character if character.isprintable() else "\ufffd" for character in name)
    if len(plain) <= _LONGEST_NAME:
        return plain
    return f"{plain[: _LONGEST_NAME - _KEPT_END - 1]}…{plain[-_KEPT_END:]}"


def _name_url(url: str) -> str:
    parts = urlsplit(url)
    return unquote(PurePosixPath(parts.path).name) or parts.hostname or "download"


def _expand(source: str) -> Path:
    # The shell does so, unless the path is quoted or was not typed into one.
    try:
        return Path(source).expanduser()
    except RuntimeError:
        return Path(source)  # the file's own name begins so


def _load_file(path: Path) -> bytes:
    try:
        _check_regular(path)
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise SourceUnusable(f"{path}: no such file", hint="check its name and place") from None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "that is no path"
        raise SourceUnusable(
            f"{path} cannot be read: {reason}", hint="check its place and its permissions"
        ) from error


def _check_regular(path: Path) -> None:
    mode = os.stat(path).st_mode  # noqa: PTH116 - it follows links, as opening does
    if stat.S_ISDIR(mode):
        raise SourceUnusable(f"{path} is a folder", hint="attach the files in it, one -a each")
    if not stat.S_ISREG(mode):
        raise SourceUnusable(
            f"{path} is a pipe or a device, and not a file",
            hint="pipe it in, and attach that: -a -",
        )
