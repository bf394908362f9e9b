"""Thoughts that go to a client and come back.

A model that was thinking when it called a tool wants its thoughts back with the tool's result, with
the signature that it put on them: changed, or from another model, they are refused. So what a
client gets as a signature names the model that made it, and after how many tools of the agent's
own, of which the client's history knows nothing. What has no such name is not sent on.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols.message import Message, ReasoningPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hiveloom_cli.protocols.message import Part

# The field of each kind of block that only its maker understands.
SEALED_FIELDS = {"thinking": "signature", "redacted_thinking": "data"}
_SEAL = re.compile(r"hiveloom:([0-9a-f]{16}):([0-9]{1,9}):(.+)", re.DOTALL | re.ASCII)
_DIGITS = 16


def seal_thought(part: ReasoningPart, round_: int) -> str:
    """Build what a client gets as a thought's signature or data; "" for one that has none."""
    block = json.loads(part.wire or "{}")
    value = block.get(SEALED_FIELDS.get(part.field, ""))
    if not isinstance(value, str) or not value:
        return ""
    return f"hiveloom:{_compute_digest(part.made_by)}:{round_}:{value}"


def parse_thoughts(blocks: Sequence[dict[str, Any]]) -> list[ReasoningPart | None]:
    """Read the thoughts of one answer; None for each that is not to be sent on.

    Those before a tool of the agent's belong to an answer that the client never saw.
    """
    found = [_find_seal(block) for block in blocks]
    last = max((int(seal[2]) for seal in found if seal), default=0)
    return [
        _build_part(block, seal) if seal and int(seal[2]) == last else None
        for block, seal in zip(blocks, found, strict=True)
    ]


def restore_thoughts(messages: Iterable[Message], made_by: str) -> tuple[Message, ...]:
    """Keep of what clients sent back the thoughts that `made_by` made, which it is to get."""
    return tuple(
        replace(one, parts=tuple(_restore(part, made_by) for part in one.parts)) for one in messages
    )


def _restore(part: Part, made_by: str) -> Part:
    if isinstance(part, ReasoningPart) and part.made_by == _compute_digest(made_by):
        return replace(part, made_by=made_by)
    return part


def _find_seal(block: dict[str, Any]) -> re.Match[str] | None:
    value = block.get(SEALED_FIELDS[block["type"]])
    return _SEAL.fullmatch(value) if isinstance(value, str) else None


def _build_part(block: dict[str, Any], seal: re.Match[str]) -> ReasoningPart:
    kind, text = block["type"], block.get("thinking")
    text = text if isinstance(text, str) and kind == "thinking" else ""
    said = {"thinking": text} if kind == "thinking" else {}
    wire = {"type": kind, **said, SEALED_FIELDS[kind]: seal[3]}
    return ReasoningPart(text, field=kind, wire=json.dumps(wire), made_by=seal[1])


def _compute_digest(made_by: str) -> str:
    return sha256(made_by.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
