"""Text made ready to be searched, and what a person searches for made ready to find it.

SQLite's full-text search finds words between characters that are no letters. Scripts that set no
spaces get a zero-width one after each character, in what is kept and in what is looked for alike,
so that any piece of such a text can be found.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.message import TextPart, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hiveloom_cli.protocols.message import Part

# They stand around what matches in a snippet, and so nowhere else in a text.
MARK_BEGIN, MARK_END = "\x02", "\x03"
_GAP = "\u200b"
_UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_MARKED = re.compile(f"{MARK_BEGIN}([^{MARK_END}]*){MARK_END}?")
_TITLE_LENGTH = 80


def build_text(parts: Iterable[Part]) -> str:
    """Build what is searched of a message: its text, and what its tools gave back."""
    return format_searchable("\n".join(filter(None, map(_read, parts))))


def format_searchable(text: str) -> str:
    """Give `text` as it is searched."""
    clean = _CONTROLS.sub(" ", format_storable(text))
    return _UNSPACED.sub(lambda match: match[0] + _GAP, clean)


def format_storable(text: str) -> str:
    """Give `text` with half characters replaced, which no database takes as text."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def build_title(text: str) -> str:
    """Build a conversation's title: the first words of what was said first."""
    words = " ".join(format_storable(text[: 10 * _TITLE_LENGTH]).split())
    if len(words) <= _TITLE_LENGTH:
        return words
    cut = words[: _TITLE_LENGTH - 1]
    whole, _, rest = cut.rpartition(" ")
    return f"{whole if whole and len(rest) < _TITLE_LENGTH // 2 else cut}…"


def build_query(words: Sequence[str]) -> str:
    """Build the full-text query that finds messages with all of `words`; "" if none can be found.

    A word with spaces is a phrase; one that ends in `*` is the beginning of a word.
    """
    return " ".join(
        f'"{format_searchable(word).replace(chr(34), " ")}"{"*" if word.endswith("*") else ""}'
        for word in words
        if any(unicodedata.category(letter)[0] in "LN" for letter in word)
    )


def parse_snippet(snippet: str) -> tuple[tuple[str, bool], ...]:
    """Cut a snippet into pieces that match and pieces that do not."""
    text = snippet.replace(_GAP, "")
    pieces = _MARKED.split(text)
    return tuple((piece, bool(place % 2)) for place, piece in enumerate(pieces) if piece)


def _read(part: Part) -> str:
    match part:
        case TextPart(text):
            return text
        case ToolResult():
            return part.content
        case _:
            return ""
