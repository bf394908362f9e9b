"""Markdown in blocks: what of a growing text is finished, and what its tokens are.

Follows CommonMark as markdown-it-py reads it, with tables and strikethrough. HTML is text, and so
are link definitions: nothing that a model wrote is left out of what a person sees. A definition
would often come after the links that need it were drawn for good, and a list of sources is often
nothing but definitions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from hiveloom_cli.terminal.highlight import knows_language
from hiveloom_cli.terminal.links import break_definitions, spell_out
from hiveloom_cli.terminal.visible import format_visible

if TYPE_CHECKING:
    from markdown_it.token import Token

# A line with "|" in it may yet turn out to be the head of a table.
FENCE = re.compile(r" {0,3}(`{3,}(?=[^`\n]*\n)|~{3,})[^|\n]*\n")
_ITEM = "list_item_open"
_DONE_BY_BLANK = frozenset({"heading_open", "paragraph_open", "blockquote_open", "table_open"})
# More levels than a wide screen has room for, and far from Python's own limit.
_DEEPEST = 100

# Where a fence's words beside its language go, in `Token.meta`.
CAPTION = "caption"


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level block, or an item of a top-level list: its tokens safe to print, and its source.

    `implied` is the part of the source that is shown without being spelt out: a link's target that
    is its label as well, a language that the code's colours stand for. `marker` is what all items
    of the same list have before their text, "" for what is no item.
    """

    tokens: list[Token]
    source: str
    implied: str
    marker: str


def parse_blocks(source: str) -> list[Block]:
    """Parse Markdown into its top-level blocks; together they hold all of its lines."""
    groups: list[list[Token]] = []
    depth = 0
    for token in _reader().parse(source):
        if depth == 0:
            groups.append([])
        depth += token.nesting
        groups[-1].append(token)
    groups = [tokens for group in groups for tokens in _split_list(group)]
    lines = source.split("\n")
    # The first token of an item is that of its whole list.
    maps = [tokens[1 if _is_list(tokens[0]) else 0].map for tokens in groups]
    spans = pairwise([*(span[0] if span else 0 for span in maps), len(lines)])
    return [
        _build_block(tokens, "\n".join(lines[start:end]))
        for tokens, (start, end) in zip(groups, spans, strict=True)
    ]


def _is_list(token: Token) -> bool:
    return token.type in {"bullet_list_open", "ordered_list_open"}


def _split_list(tokens: list[Token]) -> list[list[Token]]:
    """Make a list of each item of a list; any other block stays as it is."""
    if not _is_list(tokens[0]):
        return [tokens]
    starts = [
        place for place, token in enumerate(tokens) if token.type == _ITEM and token.level == 1
    ]
    spans = pairwise([*starts, len(tokens) - 1])
    return [[tokens[0], *tokens[start:end], tokens[-1]] for start, end in spans]


def measure_finished(text: str) -> int:
    """Count the characters at the head of `text` that no further text can change.

    `text` is whole lines from the start of a block. All before the last block is finished, or
    before the last item of a list, and so is that one where its kind and what follows say so.
    """
    reader = _reader()
    state = StateBlock(text, reader, {}, [])
    reader.block.tokenize(state, 0, state.lineMax)
    spans = [
        (token.type, token.map)
        for token in state.tokens
        if token.map and (token.level == 0 or (token.level == 1 and token.type == _ITEM))
    ]
    if not spans:
        return 0
    kind, (start, end) = spans[-1]
    lines = text.split("\n")
    blank_follows = end < len(lines) - 1 and not lines[end].strip(" \t")
    done = kind == "hr" or (kind in _DONE_BY_BLANK and blank_follows)
    return sum(len(line) + 1 for line in lines[: end if done else start])


def measure_fence(text: str, judged: int) -> int | None:
    """Count the characters of the fenced code that `text` opens with; 0 while it is open.

    `judged` characters at its head, whole lines, hold no closing fence. None for any other block.
    """
    opening = FENCE.match(text)
    if opening is None:
        return None
    marks = opening[1]
    closing = re.compile(rf"^ {{0,3}}{marks[0]}{{{len(marks)},}}[ \t]*\n", re.MULTILINE)
    found = closing.search(text, max(judged, opening.end()))
    return found.end() if found else 0


@lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    reader = _Reader("commonmark", {"html": False, "maxNesting": _DEEPEST})
    return reader.enable(["table", "strikethrough"]).disable("reference")


class _Reader(MarkdownIt):
    """Leaves a link's target as it was written, which is how it is shown."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 -- the parser's name
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 -- likewise
        return link


def _build_block(tokens: list[Token], source: str) -> Block:
    implied: list[str] = []
    for token in tokens:
        # A character reference (&#x202e;) becomes a character only in the parser: after the text as
        # a whole was made safe.
        token.content, token.info = format_visible(token.content), format_visible(token.info)
        if token.type == "fence":
            _caption(token, implied)
        if token.children:
            break_definitions(token.children)
            token.children = list(spell_out(token.children, implied))
    marker = f"{tokens[0].type} {tokens[0].markup}" if _is_list(tokens[0]) else ""
    return Block(tokens, source, "".join(implied), marker)


def _caption(token: Token, implied: list[str]) -> None:
    words = token.info.split()
    if len(words) == 1 and token.content.strip() and knows_language(words[0]):
        implied.append(token.info)
    else:
        token.meta[CAPTION] = token.info.strip()
