"""Code in colour."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from rich.cells import chop_cells
from rich.syntax import Syntax
from rich.text import Text

from hiveloom_cli.terminal.code_lines import ContinuedLexer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.syntax import SyntaxTheme

    from hiveloom_cli.terminal.code_lines import Stack
    from hiveloom_cli.terminal.theme import Theme

_TAB = 4


def highlight_code(code: str, language: str, theme: SyntaxTheme, stack: Stack = ()) -> Text:
    """Colour code by its language's name; plain where nobody knows that language.

    Code that goes on from lines above it needs the `stack` that the lexer had there.
    """
    lexer = ContinuedLexer(language, stack) if stack else language or "text"
    syntax = Syntax("", lexer, theme=theme)
    text = syntax.highlight(code.rstrip("\n").expandtabs(_TAB))
    text.right_crop(1)  # the newline that every lexer makes sure of
    return text


def format_code(
    code: str, language: str, caption: str, theme: Theme, stack: Stack = ()
) -> Iterable[Text]:
    """Give the lines of code in colour, below its caption if there is one."""
    if caption:
        yield Text(caption, style=theme.quiet)
        if not code.strip():
            return
    yield from highlight_code(code, language, theme.code, stack).split("\n", allow_blank=True)


def knows_language(name: str) -> bool:
    """Say whether code in the language of that name gets colours."""
    return Syntax("", name).lexer is not None


def fold_line(line: Text, width: int) -> Iterable[Text]:
    """Cut a line into pieces that fit, where a terminal would cut it and not at words."""
    pieces = chop_cells(line.plain, max(1, width))
    return line.divide(list(accumulate(len(piece) for piece in pieces))[:-1])
