"""Whether a picture of Markdown leaves out any of its text."""

from __future__ import annotations

import re
from collections import Counter

# What stands for something else on the screen: a character, or the place in a list.
_MARKS = re.compile(
    r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,31});"
    r"|^(?:[ \t>]|[-+*][ \t])*(?:\d{1,9}[.)](?:[ \t]+|$))+",
    re.MULTILINE,
)


def loses_text(source: str, shown: str) -> bool:
    """Say whether a letter, a digit or any sign beyond ASCII occurs less often in `shown`.

    They are counted, since words are folded, and cells of a table too, side by side: where all
    are there as often as in the source, no word is missing. Two passes at the speed of C.
    """
    there = Counter(shown)
    needed = Counter(_MARKS.sub("", source))
    return any(count > there[sign] for sign, count in needed.items() if _is_text(sign))


def _is_text(sign: str) -> bool:
    return sign.isalnum() or (sign > "\x7f" and not sign.isspace())
