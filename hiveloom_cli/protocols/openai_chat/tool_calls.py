"""Tool calls that come in fragments, put together again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hiveloom_cli.protocols.lookup import get_map, get_text
from hiveloom_cli.protocols.message import ToolCall


@dataclass(slots=True)
class _Draft:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class ToolCallDrafts:
    """The calls of one reply.

    A fragment belongs to a new call if it brings an id not seen before, even under an index in use;
    else to the call of its index; else to the latest. Servers leave out the index or count it from
    1, repeat the id or send "" for it, and give arguments as text or as an object.
    """

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self._by_index: dict[int, _Draft] = {}

    def take(self, fragment: Any) -> None:
        """Add one element of `delta.tool_calls`."""
        if not isinstance(fragment, dict):
            return
        draft = self._find(get_text(fragment, "id"), fragment.get("index"))
        function = get_map(fragment, "function")
        draft.name = draft.name or get_text(function, "name")
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            draft.arguments.append(arguments)
        elif arguments is not None:
            draft.arguments.append(json.dumps(arguments, ensure_ascii=False))

    def build(self) -> tuple[ToolCall, ...]:
        """Build the calls as far as they have come, in the order in which they began."""
        return tuple(
            ToolCall(draft.id or f"call_{place}", draft.name, "".join(draft.arguments))
            for place, draft in enumerate(self._drafts)
        )

    def _find(self, call_id: str, index: Any) -> _Draft:
        if call_id:
            for draft in self._drafts:
                if draft.id == call_id:
                    return draft
        known = self._by_index.get(index) if isinstance(index, int) else self._latest()
        if known is not None and (not call_id or not known.id):
            known.id = known.id or call_id
            return known
        draft = _Draft(id=call_id)
        self._drafts.append(draft)
        if isinstance(index, int):
            self._by_index[index] = draft
        return draft

    def _latest(self) -> _Draft | None:
        return self._drafts[-1] if self._drafts else None
