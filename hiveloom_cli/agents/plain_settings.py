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
from dataclasses import dataclass
from typing import Any

_WORD = r"[A-Za-z][A-Za-z0-9._/@-]*(?::[A-Za-z0-9._/@-]+)*"
_REST = r"[A-Za-z0-9.,;!?'\"()/+=_@-]*"
_REST_1 = _REST[:-1] + "+"
_LINE = re.compile(
    r"(?P<key>[a-z][a-z0-9_]*):[ ]+(?:"
    r"(?P<number>0|[1-9][0-9]{0,8})(?P<decimals>\.[0-9]{1,9})?"
    rf"|\[[ ]*(?P<list>{_WORD}(?:[ ]*,[ ]*{_WORD})*)?[ ]*\]"
    rf"|(?P<text>[A-Za-z]{_REST}(?::{_REST_1})*(?:[ ]+[A-Za-z0-9(]{_REST})*)"
    r")[ ]*(?:[ ]#[ -~]*)?\r?\n"
)
_IGNORED = re.compile(r"(?:#[ -~]*)?\r?\n")
_NOT_TEXTS = frozenset({"true", "false", "null"})


@dataclass(frozen=True, slots=True)
class Field:
    """A value and the line of the file that its key stands on, from 1."""

    value: Any
    line: int


def parse_plain(text: str, *, line: int) -> dict[str, Field] | None:
    """Read settings that begin at `line` of the file; None unless each of their lines is plain."""
    fields: dict[str, Field] = {}
    position = 0
    while position < len(text):
        match = _LINE.match(text, position)
        if match is None:
            match = _IGNORED.match(text, position)
            if match is None:
                return None
        elif match["key"] in fields or match["key"] in _NOT_TEXTS:
            return None
        else:
            value = _build_value(match)
            if value is None:
                return None
            fields[match["key"]] = Field(value, line)
        position = match.end()
        line += 1
    return fields


def _build_value(match: re.Match[str]) -> Any:
    """Return the value that a line gives its key; None for a word that stands for something."""
    if match["number"]:
        if match["decimals"]:
            return float(match["number"] + match["decimals"])
        return int(match["number"])
    if match["text"]:
        return None if match["text"].lower() in _NOT_TEXTS else match["text"]
    words = [word.strip() for word in match["list"].split(",")] if match["list"] else []
    return None if any(word.lower() in _NOT_TEXTS for word in words) else words
