"""Images and documents of a request, which hold them as base64: the server fetches nothing."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from hiveloom_cli.chat.attachment import fit_name, parse_attachment
from hiveloom_cli.errors import SourceUnusable
from hiveloom_cli.protocols.message import ImagePart

if TYPE_CHECKING:
    from hiveloom_cli.protocols.message import Attachment
    from hiveloom_cli.serve.formats.fields import Field

_DATA_URL = re.compile(r"data:[^,]{0,200},", re.IGNORECASE)
_WHITE_SPACE = re.compile(r"\s+")


def parse_image(field: Field) -> ImagePart:
    """Read an image out of base64, or out of a data URL; its bytes tell which kind it is."""
    part = parse_file(field, "")
    if not isinstance(part, ImagePart):
        raise field.refuse("a PNG, JPEG, GIF or WebP image is expected")
    return part


def parse_file(field: Field, name: str) -> Attachment:
    """Read a file out of base64, or out of a data URL."""
    try:
        part = parse_attachment(_decode(field), source="this", name=name)
    except SourceUnusable as error:
        raise field.refuse(error.message) from None
    return part


def refuse_address(field: Field) -> None:
    """Raise `Rejection` for the address of something elsewhere."""
    if field.read_text()[:8].lower().startswith(("http:", "https:", "ftp:", "file:")):
        raise field.refuse("nothing is fetched for a request: send the data itself, as base64")


def fit_title(name: str, otherwise: str) -> str:
    """Make a file's name of what the request calls it."""
    return fit_name(name.strip()) or otherwise


def _decode(field: Field) -> bytes:
    refuse_address(field)
    text = field.read_text()
    if head := _DATA_URL.match(text):
        if not head[0].lower().endswith(";base64,"):
            raise field.refuse("a data URL has to hold base64")
        text = text[head.end() :]
    try:
        return base64.b64decode(_WHITE_SPACE.sub("", text), validate=True)
    except (binascii.Error, ValueError):
        raise field.refuse("this is not base64") from None
