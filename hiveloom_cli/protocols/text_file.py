"""A text file as a part of a message's text: under its name, between fences that are its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.message import TextFilePart, TextPart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.protocols.message import Part

_SHORTEST_FENCE = 3
_BACKTICKS = re.compile(r"`+")


def format_text_file(file: TextFilePart) -> str:
    """Write the file so that its text can be read back exactly, whatever it holds.

    The fence is longer than any run of backticks in the text, and exactly one line break stands
    between each fence and the text.
    """
    longest = max((len(run) for run in _BACKTICKS.findall(file.text)), default=0)
    fence = "`" * max(_SHORTEST_FENCE, longest + 1)
    return f"File: {file.name}\n{fence}\n{file.text}\n{fence}"


def write_out_files(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Put text in the place of text files; a blank line keeps it from the text around it."""
    written: list[Part] = []
    apart = False  # whether the last part is text that what follows has to be kept from
    for part in parts:
        told = TextPart(format_text_file(part)) if isinstance(part, TextFilePart) else part
        last = written[-1] if written else None
        if isinstance(told, TextPart) and isinstance(last, TextPart) and (told != part or apart):
            written[-1] = TextPart(f"{last.text}\n\n{told.text}")
        else:
            written.append(told)
        apart = told != part
    return tuple(written)
