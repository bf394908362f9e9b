"""How many pages a PDF document has, as far as that can be told without a PDF library."""

from __future__ import annotations

import re

_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_LINEARIZED = re.compile(rb"/Linearized\b.{0,400}?/N\s+(\d{1,9})\b", re.DOTALL)
_LENGTH = re.compile(rb"/L\s+(\d{1,12})\b")
_BEGINNING = 1024


def count_pages(content: bytes) -> int | None:
    """Count the pages, or return None where only a PDF library could.

    Pages are countable in a document that was written once and keeps its objects uncompressed, and
    one that is ordered for the web says their number at its beginning.
    """
    beginning = content[:_BEGINNING]
    said, length = _LINEARIZED.search(beginning), _LENGTH.search(beginning)
    if said and length and int(length[1]) == len(content):
        return int(said[1])
    if content.count(b"%%EOF") != 1 or b"/ObjStm" in content:
        return None
    return len(_PAGE.findall(content)) or None
