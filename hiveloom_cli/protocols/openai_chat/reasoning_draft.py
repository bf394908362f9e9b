"""What a reply says of its reasoning, in fields beside the content.

Plain text comes as `reasoning_content` or `reasoning`. Some upstreams send blocks with signatures
too, which a tool loop has to send back unchanged: OpenRouter `reasoning_details`, LiteLLM
`thinking_blocks`.
"""

from __future__ import annotations

import json
from typing import Any

from hiveloom_cli.protocols.lookup import get_list, get_text
from hiveloom_cli.protocols.message import ReasoningPart

TEXT_FIELDS = ("reasoning_content", "reasoning")  # vLLM may send both, with the same text
BLOCK_FIELDS = ("reasoning_details", "thinking_blocks")
# What a block's fragments add to; everything else in them is said once.
_GROWING = ("text", "summary", "thinking")
_SEALS = ("signature", "data")


class ReasoningDraft:
    """The reasoning of one reply, as far as it has come."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._field = ""
        self._blocks: dict[str, list[dict[str, Any]]] = {}

    def take(self, delta: dict[str, Any]) -> str:
        """Read a delta and return the text in it that has to be shown, to be given to `add`."""
        said = ""
        for name in BLOCK_FIELDS:
            for fragment in get_list(delta, name):
                if isinstance(fragment, dict):
                    _join_fragment(self._blocks.setdefault(name, []), fragment)
                    said += _get_said(fragment)
        for name in TEXT_FIELDS:
            if text := get_text(delta, name):
                self._field = name
                return text
        return said

    def add(self, text: str, field: str = "") -> None:
        """Add text that was shown; `field` names where it came from, if `take` has not seen it."""
        self._text.append(text)
        self._field = field or self._field

    def build(self) -> ReasoningPart | None:
        """Build the part; the blocks go along under the name of their field, if there are any."""
        text = "".join(self._text)
        for field, blocks in self._blocks.items():
            # Escapes keep even what is no character, so that it goes back as it came.
            return ReasoningPart(text, field=field, wire=json.dumps(blocks))
        return ReasoningPart(text, field=self._field or TEXT_FIELDS[0]) if text else None


def _join_fragment(blocks: list[dict[str, Any]], fragment: dict[str, Any]) -> None:
    """Add a fragment to the latest block of its index and type, or begin a new block.

    Index and type together are the key: Gemini uses one index for a text and for its encrypted
    twin. What is sealed by a signature, or encrypted, takes no more text.
    """
    key = (fragment.get("index"), fragment.get("type"))
    for block in reversed(blocks):
        if (block.get("index"), block.get("type")) == key:
            if not (_is_sealed(block) and (_get_said(fragment) or get_text(fragment, "data"))):
                _grow(block, fragment)
                return
            break
    blocks.append(dict(fragment))


def _grow(block: dict[str, Any], fragment: dict[str, Any]) -> None:
    for name, value in fragment.items():
        if name in _GROWING and isinstance(value, str):
            block[name] = get_text(block, name) + value
        elif value not in (None, ""):
            block[name] = value


def _is_sealed(block: dict[str, Any]) -> bool:
    return any(block.get(name) for name in _SEALS)


def _get_said(fragment: dict[str, Any]) -> str:
    return "".join(get_text(fragment, name) for name in _GROWING)
