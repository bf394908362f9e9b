"""Tool calls that come in fragments, put together again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hiveloom_cli.protocols.arguments import is_object
from hiveloom_cli.protocols.lookup import get_map, get_text
from hiveloom_cli.protocols.message import ToolCall
from hiveloom_cli.protocols.text import repair_text

_NO_ID = "null"  # what Mistral's schema fills in for an id that is missing


@dataclass(slots=True)
class _Draft:
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, name: str, arguments: str) -> None:
        self.name = self.name or name
        self.pieces.append(arguments)
        self.size += len(arguments)

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    def is_repeated_by(self, arguments: str) -> bool:
        """Whether a fragment under the same id brings the whole arguments once more."""
        same = len(arguments) == self.size and arguments == self.arguments
        return same and is_object(arguments)

    def is_followed_by(self, name: str, arguments: str) -> bool:
        """Whether a fragment without an id, but with a name, begins the next call."""
        if not (name and self.name):
            return False
        return name != self.name or (bool(arguments) and is_object(self.arguments))


class ToolCallDrafts:
    """The calls of one reply.

    A fragment belongs to a new call if it brings an id not seen before, even under an index in use;
    else to the call of its index; else to the latest, unless it brings a name and that call is
    whole. Servers leave out the index or count it from 1, repeat the id, send "" or "null" for it,
    and give arguments as text or as any JSON value.
    """

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self._by_id: dict[str, _Draft] = {}
        self._by_index: dict[int, _Draft] = {}

    def take(self, fragment: Any) -> None:
        """Add one element of `delta.tool_calls`."""
        if not isinstance(fragment, dict):
            return
        call_id, index = get_text(fragment, "id"), fragment.get("index")
        if call_id == _NO_ID:
            call_id = ""
        function = get_map(fragment, "function")
        name, arguments = get_text(function, "name"), _format_arguments(function.get("arguments"))
        draft = self._find(call_id, index)
        if draft is None or (not call_id and draft.is_followed_by(name, arguments)):
            draft = _Draft()
            self._drafts.append(draft)
        elif call_id and draft.id == call_id and draft.is_repeated_by(arguments):
            return
        if call_id:
            draft.id = call_id
            self._by_id[call_id] = draft
        if isinstance(index, int):
            self._by_index[index] = draft
        draft.add(name, arguments)

    def build(self) -> tuple[ToolCall, ...]:
        """Build the calls as far as they have come, in the order in which they began.

        What never got a name is no call: it can be neither run nor sent back.
        """
        return tuple(
            ToolCall(
                repair_text(draft.id) or f"call_{place}",
                repair_text(draft.name),
                repair_text(draft.arguments),
            )
            for place, draft in enumerate(self._drafts)
            if draft.name
        )

    def _find(self, call_id: str, index: Any) -> _Draft | None:
        if call_id in self._by_id:
            return self._by_id[call_id]
        known = self._by_index.get(index) if isinstance(index, int) else self._find_latest()
        return None if known is not None and call_id and known.id else known

    def _find_latest(self) -> _Draft | None:
        return self._drafts[-1] if self._drafts else None


def _format_arguments(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
