"""Markdown in blocks: what of a growing text is finished, and what its tokens are.

Follows CommonMark as markdown-it-py reads it, with tables and strikethrough. HTML is text: nothing
that a model wrote is left out of what a person sees.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from hiveloom_cli.terminal.visible import format_visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A line with "|" in it may yet turn out to be the head of a table.
FENCE = re.compile(r" {0,3}(`{3,}(?=[^`\n]*\n)|~{3,})[^|\n]*\n")
_DONE_BY_BLANK = frozenset({"heading_open", "paragraph_open", "blockquote_open", "table_open"})
_MAIL = "mailto:"

# Where a link's label and target go: inline styles of these names, see `answer.AnswerMarkdown`.
LABEL_TAG = "link"
TARGET_TAG = "link_url"


def parse_blocks(source: str, env: dict[str, Any]) -> list[list[Token]]:
    """Parse Markdown into its top-level blocks, each a list of tokens safe to print.

    `env` carries link definitions from one call to the next.
    """
    blocks: list[list[Token]] = []
    depth = 0
    for token in _reader().parse(source, env):
        if depth == 0:
            blocks.append([])
        depth += token.nesting
        blocks[-1].append(_clean(token))
    return blocks


def measure_finished(text: str) -> int:
    """Count the characters at the head of `text` that no further text can change.

    `text` is whole lines from the start of a block. All before the last block is finished, and so
    is that one where its kind and what follows say so.
    """
    reader = _reader()
    state = StateBlock(text, reader, {}, [])
    reader.block.tokenize(state, 0, state.lineMax)
    spans = [(token.type, token.map) for token in state.tokens if token.level == 0 and token.map]
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
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _clean(token: Token) -> Token:
    # A character reference (&#x202e;) becomes a character only in the parser: after the text as a
    # whole was made safe.
    token.content = format_visible(token.content)
    if token.children:
        token.children = list(_spell_out(token.children))
    return token


def _spell_out(tokens: Iterable[Token]) -> Iterator[Token]:
    """Replace links and images by their label and target in plain sight."""
    target = label = ""
    for token in tokens:
        token.content = format_visible(token.content)
        if token.type == "link_open":
            target, label = str(token.attrs.get("href", "")), ""
            yield Token("label_open", LABEL_TAG, 1)
        elif token.type == "link_close":
            yield Token("label_close", LABEL_TAG, -1)
            yield from _build_target(label, target)
        elif token.type == "image":
            yield Token("label", LABEL_TAG, 0, content=token.content)
            yield from _build_target(token.content, str(token.attrs.get("src", "")))
        else:
            label += token.content
            yield token


def _build_target(label: str, target: str) -> Iterator[Token]:
    target = format_visible(target)
    if not target or label in {target, target.removeprefix(_MAIL)}:
        return
    yield Token("text", "", 0, content=" (" if label else "(")
    yield Token("target", TARGET_TAG, 0, content=target)
    yield Token("text", "", 0, content=")")
