"""Code in colour."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from pygments.token import (
    Comment,
    Generic,
    Keyword,
    Name,
    Number,
    Operator,
    String,
)
from rich.cells import chop_cells
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

_TAB = 4
# As in `answer`: the terminal's own colours without a background, none of them too light or dark.
_THEME = ANSISyntaxTheme(
    {
        Comment: Style(dim=True, italic=True),
        Generic.Deleted: Style(color="red"),
        Generic.Heading: Style(bold=True),
        Generic.Inserted: Style(color="green"),
        Keyword: Style(color="magenta"),
        Name.Class: Style(bold=True),
        Name.Decorator: Style(color="magenta"),
        Name.Function: Style(bold=True),
        Name.Tag: Style(color="magenta"),
        Number: Style(color="cyan"),
        Operator.Word: Style(color="magenta"),
        String: Style(color="green"),
    }
)


def highlight_code(code: str, language: str) -> Text:
    """Colour code by its language's name; plain where nobody knows that language."""
    syntax = Syntax("", language or "text", theme=_THEME)
    text = syntax.highlight(code.rstrip("\n").expandtabs(_TAB))
    text.right_crop(1)  # the newline that every lexer makes sure of
    return text


def format_code(code: str, language: str, caption: str) -> Iterable[Text]:
    """Give the lines of code in colour, below its caption if there is one."""
    if caption:
        yield Text(caption, style="dim")
        if not code.strip():
            return
    yield from highlight_code(code, language).split("\n", allow_blank=True)


def knows_language(name: str) -> bool:
    """Say whether code in the language of that name gets colours."""
    return Syntax("", name).lexer is not None


def fold_line(line: Text, width: int) -> Iterable[Text]:
    """Cut a line into pieces that fit, where a terminal would cut it and not at words."""
    pieces = chop_cells(line.plain, max(1, width))
    return line.divide(list(accumulate(len(piece) for piece in pieces))[:-1])
