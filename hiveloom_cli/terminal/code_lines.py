"""Which lines of code that still grows have their colours for good.

A lexer of Pygments reads code from a stack of states. Where a line ends outside of any string and
comment, the lines below can be read from the stack at that place. Some languages have rules that
reach over many lines without a state for it: a docstring, `/* … */`, a here document. From where
one may have begun, nothing is settled before the lexer has seen its end. Only languages that were
looked at for this are in the table; the others get their colours when the block ends.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from pygments.lexer import ExtendedRegexLexer, Lexer, LexerContext, RegexLexer
from pygments.lexers.special import TextLexer
from pygments.token import Comment, String, Whitespace, is_token_subtype
from rich.syntax import Syntax

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pygments.token import _TokenType

# A lexer's stack of states; empty at the beginning, and for a lexer that has none.
Stack: TypeAlias = tuple[str, ...]

_NOWHERE = r"(?!)"
_C_COMMENT = r"/\*"
# What may begin something of many lines, by the lexer's name.
_OPENINGS: Mapping[str, str] = {
    # A here document without its end; the sign before it is in no string, whatever the lexer says.
    "Bash": r"[^<\n]<<-?\s*['\"\\]?(\w+)\b(?![\s\S]*?^\s*\1\b)|'",
    "C": _C_COMMENT,
    "C#": r"/\*|@\"|\"\"\"",
    "C++": r"/\*|R\"",
    "CSS": _C_COMMENT,
    "Diff": _NOWHERE,
    "Go": r"/\*|`",
    "INI": _NOWHERE,
    "JSON": _C_COMMENT,
    "Java": r"/\*|\"\"\"",
    "JavaScript": r"/\*|`",
    "Python": r"\"\"\"|'''",
    "Rust": r"/\*|r#*\"",
    "SQL": r"/\*|'|\"",
    "TypeScript": r"/\*|`",
}
# Functions of C are found by a rule that reads on to the "{"; it ends at any of these.
_LINE_ENDS = {"C": re.compile(r"[;{}]\s*\Z"), "C++": re.compile(r"[;{}]\s*\Z")}
_ANYTHING = re.compile("")
_ONE_LINE = (Comment.Single, Comment.Preproc, Comment.PreprocFile, Comment.Hashbang)


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    kind: _TokenType
    text: str
    stack: Stack | None  # from which the lexer could begin here; None in the middle of a rule

    def holds_line_end(self) -> bool:
        """Whether lines may be cut in it."""
        return self.kind in _ONE_LINE or not self.is_quoted()

    def is_quoted(self) -> bool:
        """Whether it is a part of a string or a comment."""
        return is_token_subtype(self.kind, String) or is_token_subtype(self.kind, Comment)


class ContinuedLexer(Lexer):
    """A lexer that goes on from a stack."""

    def __init__(self, language: str, stack: Stack) -> None:
        super().__init__(stripnl=False, ensurenl=True)
        self._lexer = _find_lexer(language)
        self._stack = stack

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """See `Lexer`."""
        indent = _measure_indent(text)
        yield 0, Whitespace, text[:indent]
        rest = text[indent:]
        if isinstance(self._lexer, RegexLexer):
            for start, kind, piece in self._lexer.get_tokens_unprocessed(rest, self._stack):
                yield indent + start, kind, piece


def measure_settled(code: str, language: str, stack: Stack) -> tuple[int, Stack]:
    """Count the characters at the head of `code` whose colours no further line can change.

    `code` is whole lines and `stack` what the lexer has before them; returned is also the one that
    it has behind the settled ones, which never end in a blank line.
    """
    lexer = _find_lexer(language)
    if lexer is None or isinstance(lexer, TextLexer):
        return (len(code.rstrip("\n")) + 1 if code.strip("\n") else 0), ()
    if lexer.name not in _OPENINGS:
        return 0, stack
    pieces = list(_read_pieces(lexer, code, stack))
    end = _find_end(code, pieces, lexer.name)
    after = next((piece.stack for piece in pieces if piece.start >= end), None)
    if not end or after is None:
        return 0, stack
    rest = list(_read_pieces(lexer, code[end:], after))
    return (end, after) if _list_marks(rest, 0) == _list_marks(pieces, end) else (0, stack)


@lru_cache(maxsize=8)
def _find_lexer(language: str) -> Lexer | None:
    return Syntax("", language or "text").lexer


def _read_pieces(lexer: Lexer, code: str, stack: Stack) -> Iterator[_Piece]:
    if not isinstance(lexer, RegexLexer):
        for start, kind, text in lexer.get_tokens_unprocessed(code):
            yield _Piece(start, kind, text, ())
        return
    indent = _measure_indent(code) if stack else 0
    context = LexerContext(code[indent:], 0, [*(stack or ("root",))])
    # Reads by the rules of any lexer, and shows its stack meanwhile.
    read: Any = ExtendedRegexLexer.get_tokens_unprocessed
    for start, kind, text in read(lexer, context=context):
        after = tuple(context.stack) if context.pos == start else None
        yield _Piece(indent + start, kind, text, after)


def _measure_indent(code: str) -> int:
    """Count the spaces and blank lines before the code: a rule took them with the line before."""
    return len(code) - len(code.lstrip())


def _find_end(code: str, pieces: list[_Piece], name: str) -> int:
    """Find the last place where code may be cut into lines; 0 for none.

    One line more has to be there: rules look ahead, often beyond a line end.
    """
    most = _measure_closed(code[: code.rstrip("\n").rfind("\n") + 1], pieces, name)
    found = 0
    for piece in pieces:
        if "\n" not in piece.text or not piece.holds_line_end():
            continue
        end = piece.start + piece.text.index("\n") + 1
        if end > most:
            break
        line = code[code.rfind("\n", 0, end - 1) + 1 : end - 1]
        if line and _LINE_ENDS.get(name, _ANYTHING).search(line):
            found = end
    return found


def _measure_closed(code: str, pieces: list[_Piece], name: str) -> int:
    """Count the characters up to the line of the first opening that is in no string or comment."""
    starts = [piece.start for piece in pieces]
    for opening in re.finditer(_OPENINGS[name], code, re.MULTILINE):
        if not pieces[bisect_right(starts, opening.start()) - 1].is_quoted():
            return code.rfind("\n", 0, opening.start()) + 1
    return len(code)


def _list_marks(pieces: list[_Piece], start: int) -> list[tuple[object, ...]]:
    """List what can be seen from `start` on, and what the lexer has at the last of it."""
    seen = [piece for piece in pieces if piece.start >= start and not piece.text.isspace()]
    marks: list[tuple[object, ...]] = [(one.start - start, one.kind, one.text) for one in seen]
    return [*marks, (seen[-1].stack if seen else None,)]
