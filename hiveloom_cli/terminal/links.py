"""Links, images and link definitions as text in plain sight."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from markdown_it.token import Token

from hiveloom_cli.terminal.visible import format_visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAIL = "mailto:"
_DEFINITION = re.compile(r"\[[^\]\n]+\]:[ \t]")

# Where a link's label and target go: inline styles of these names, see `elements.AnswerMarkdown`.
LABEL_TAG = "link"
TARGET_TAG = "link_url"


def break_definitions(tokens: list[Token]) -> None:
    """Let each link definition begin its own line, as a list of sources is written."""
    for before, token in pairwise(tokens):
        if before.type == "softbreak" and _DEFINITION.match(token.content):
            before.type = "hardbreak"


def spell_out(tokens: Iterable[Token], implied: list[str]) -> Iterator[Token]:
    """Replace links and images by their label, target and title.

    A target that the label says already is left out, and appended to `implied`.
    """
    label, link = "", Token("", "", 0)
    for token in tokens:
        token.content = format_visible(token.content)
        if token.type == "link_open":
            label, link = "", token
            yield Token("label_open", LABEL_TAG, 1)
        elif token.type == "link_close":
            yield Token("label_close", LABEL_TAG, -1)
            yield from _build_target(label, link, implied)
        elif token.type == "image":
            label += token.content
            yield Token("label", LABEL_TAG, 0, content=token.content)
            yield from _build_target(token.content, token, implied)
        else:
            label += token.content
            yield token


def _build_target(label: str, link: Token, implied: list[str]) -> Iterator[Token]:
    target = format_visible(str(link.attrs.get("href") or link.attrs.get("src") or ""))
    title = format_visible(str(link.attrs.get("title") or ""))
    if label in {target, target.removeprefix(_MAIL)}:
        if link.markup != "autolink":  # which has but one text: <http://a.b>
            implied.append(target)
        target = ""
    if not target and not title:
        return
    yield Token("text", "", 0, content=" (" if label else "(")
    yield Token("target", TARGET_TAG, 0, content=target)
    quoted = f'"{title}"' if title else ""
    yield Token("text", "", 0, content=f" {quoted})" if target and title else f"{quoted})")
