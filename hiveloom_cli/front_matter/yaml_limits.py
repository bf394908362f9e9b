"""What YAML may not be: deeper, larger or cleverer than settings ever are.

Tokens and nodes are the library's, which is not imported here.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_DEEPEST = 100
MOST_VALUES = 10_000  # in one setting, each as often as an alias repeats it
_BEGINNINGS = frozenset(
    {
        *("BlockSequenceStartToken", "BlockMappingStartToken"),
        *("FlowSequenceStartToken", "FlowMappingStartToken"),
    }
)
_ENDS = frozenset({"BlockEndToken", "FlowSequenceEndToken", "FlowMappingEndToken"})


def check_tokens(tokens: Iterable[Any], path: Path, first: int) -> None:
    """Refuse tags, which make a value something else than it looks like; no setting needs one.

    And depth, before anything is composed: libyaml runs out of stack, and the process with it.
    """
    depth = 0
    for token in tokens:
        kind = type(token).__name__
        depth += (kind in _BEGINNINGS) - (kind in _ENDS)
        line = token.start_mark.line + first
        if depth > _DEEPEST:
            raise SettingsInvalid(path, "the settings are nested too deeply", line=line)
        if kind == "TagToken":
            raise SettingsInvalid(
                path,
                "a value begins with `!`, which in YAML is a tag",
                line=line,
                hint="leave the tag out, or quote the value if the ! belongs to it",
            )


def count_values(node: Any, known: dict[int, int]) -> int:
    """Count what a value comes to, written out: a few lines of aliases can be billions."""
    if not isinstance(node.value, list):
        return 1
    if id(node) not in known:
        pieces = chain.from_iterable(
            piece if isinstance(piece, tuple) else (piece,) for piece in node.value
        )
        known[id(node)] = 0  # for one that holds itself, which has its own error
        known[id(node)] = 1 + sum(count_values(piece, known) for piece in pieces)
    return known[id(node)]
