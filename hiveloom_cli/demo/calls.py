"""Tool calls of the loopback upstream, which does as it is told: `call NAME {...}` on a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

_CALL = re.compile(r"^call ([A-Za-z0-9_-]+) *(\{.*\})?$", re.MULTILINE)


class Call(NamedTuple):
    """A call of a tool; `arguments` is JSON as it was written."""

    id: str
    name: str
    arguments: str


def parse_calls(text: str, tools: Collection[str]) -> tuple[Call, ...]:
    """Read the calls that a message wants made, of tools that there are."""
    found = [match for match in _CALL.finditer(text) if match[1] in tools]
    return tuple(
        Call(f"call_{number}", match[1], match[2] or "{}") for number, match in enumerate(found, 1)
    )
