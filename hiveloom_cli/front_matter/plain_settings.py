"""The lines that nearly every agent's settings are made of, read without a YAML library.

    model: gpt-4o-mini
    temperature: 0.2            # a comment
    tools: [weather, mcp:github]

Importing such a library takes longer than the rest of reading an agent, so what cannot be anything
else in YAML is read here: words, numbers, lists of words on one line. Whatever else occurs, be it
in one line only, gives None, and YAML itself decides.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_WORD = r"[A-Za-z][A-Za-z0-9._/@-]*(?::[A-Za-z0-9._/@-]+)*"
_REST = r"[A-Za-z0-9.,;!?'\"()/+=_@-]*"
_REST_1 = _REST[:-1] + "+"
# A setting, a line without one, or what is not plain. All is found in one pass, since an agent's
# settings are read each time that it is listed.
_LINES = re.compile(
    r"(?P<key>[a-z][a-z0-9_]*):[ ]+(?:"
    r"(?P<number>0|[1-9][0-9]{0,8})(?P<decimals>\.[0-9]{1,9})?"
    rf"|(?P<list>\[[ ]*(?:{_WORD}(?:[ ]*,[ ]*{_WORD})*)?[ ]*\])"
    rf"|(?P<text>[A-Za-z]{_REST}(?::{_REST_1})*(?:[ ]+[A-Za-z0-9(]{_REST})*)"
    r")[ ]*(?:[ ]#[ -~]*)?\r?\n"
    r"|(?:#[ -~]*)?\r?\n"
    r"|(?P<other>[\s\S])"
)
_NOT_TEXTS = frozenset({"true", "false", "null"})


class Field(NamedTuple):
    """A value and the line of the file that its key stands on, from 1."""

    value: Any
    line: int


def parse_plain(text: str, *, line: int) -> dict[str, Field] | None:
    """Read settings that begin at `line` of the file; None unless each of their lines is plain."""
    fields: dict[str, Field] = {}
    for key, number, decimals, words, word, other in _LINES.findall(text):
        if key:
            value: Any
            if word:
                value = None if word.lower() in _NOT_TEXTS else word
            elif words:
                value = _build_list(words)
            else:
                value = float(number + decimals) if decimals else int(number)
            if value is None or key in fields or key in _NOT_TEXTS:
                return None
            fields[key] = Field(value, line)
        elif other:
            return None
        line += 1
    return fields


def _build_list(text: str) -> list[str] | None:
    """Return the words between brackets; None if one of them stands for something."""
    inner = text[1:-1].strip(" ")
    words = [word.strip(" ") for word in inner.split(",")] if inner else []
    return None if any(word.lower() in _NOT_TEXTS for word in words) else words
