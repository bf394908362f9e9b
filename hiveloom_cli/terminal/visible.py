"""Foreign text made safe to print: what could steer a terminal is shown instead of obeyed.

Text from a model, a tool, a file or an upstream is data. What is replaced, and by what:

- C0 controls but tab and newline, and DEL: their picture (ESC becomes ␛), so that no escape
  sequence begins and the rest of it stays as the plain characters it is made of
- C1 controls, and what reorders a line (bidirectional embeddings, overrides, isolates and marks):
  `<U+202E>`, since they have no picture
- carriage return: nothing, so that CRLF, also cut in two, is one newline and a lone one overwrites
  nothing
- U+2028 and U+2029: newline, which is what they mean and what some terminals make of them
- lone surrogates, which no encoder takes: U+FFFD

Joiners and other characters without width stay: emoji and several scripts need them, and they move
nothing. Each character is decided alone, so text may come in pieces cut anywhere.
"""

from __future__ import annotations

import re

_FOREIGN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # U+206A to U+206F: the deprecated ones
    "\u2028\u2029\ud800-\udfff]"
)
# Printable by their category, and yet without ink: joiners, fillers, variation selectors.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_REPLACED = {"\r": "", "\u2028": "\n", "\u2029": "\n", "\x7f": "\u2421"}
_PICTURES = 0x2400
_BREAK = re.compile(r"[ \t]*\n\s*")


def format_visible(text: str) -> str:
    """Give `text` with nothing in it that a terminal would obey but newlines and tabs."""
    return _FOREIGN.sub(_show, text)


def format_exact(text: str) -> str:
    """Give `text` as `format_visible` does, and with the code of whatever nobody can see in it.

    For what a person agrees to: characters without width or ink, of which there are enough to write
    whole texts with, would be sent along unseen.
    """
    shown = format_visible(text)
    return shown if shown.isascii() else "".join(map(_show_unseen, shown))


def format_one_line(text: str, limit: int = 500) -> str:
    """Give `text` as `format_visible` does, on one line of at most `limit` characters.

    A line break, with the white space around it, becomes one space, and so does a tab; other spaces
    stay, for a path may have them. What is too long ends in an ellipsis.
    """
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text.rstrip()  # most texts: nothing in them is replaced, and they are many
    line = _BREAK.sub(" ", format_visible(text).rstrip()).replace("\t", " ")
    if len(line) <= limit:
        return line
    return line[: limit - 1].rstrip() + "…"


def mend_surrogates(text: str) -> str:
    """Give typed text as Unicode: bytes that were not UTF-8 arrive as lone surrogates."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _show_unseen(character: str) -> str:
    is_seen = character.isprintable() and not _UNSEEN.match(character)
    return character if is_seen or character in "\n\t" else f"<U+{ord(character):04X}>"


def _show(match: re.Match[str]) -> str:
    character = match[0]
    if character in _REPLACED:
        return _REPLACED[character]
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"<U+{code:04X}>"
