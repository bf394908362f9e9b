"""Which tools the person has agreed to, each with the definition that it had then.

{"version": 1, "tools": {"mcp:github/create_issue":
{"definition": "...", "always": true, "agreed_at": "2026-01-31T09:00:00Z"}}}
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.clock import format_timestamp
from hiveloom_cli.files import check_version, load_document, open_lock, save_bytes
from hiveloom_cli.tools.approval import Agreement

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.tools.tool import ToolCard

_VERSION = 1
_HINT = "restore it from a backup, or remove it: you are asked anew then"


class Agreements:
    """The list at `path`, which need not exist; nothing in it is secret."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def load(self, reference: str) -> Agreement | None:
        """Return what was agreed to for a tool. Raises `FileUnreadable`."""
        item = self._load().get(reference)
        return None if item is None else Agreement(item["definition"], item["always"])

    def save(self, card: ToolCard, *, is_always: bool) -> None:
        """Remember a tool as it is now, in the place of what it was."""
        item = {
            "definition": card.definition_text,
            "always": is_always,
            "agreed_at": format_timestamp(self._clock.now()),
        }
        with open_lock(self._path):
            self._save({**self._load(), card.reference: item})

    def remove(self, reference: str) -> None:
        """Forget what was agreed to for a tool, or for all tools of a server (`mcp:github/`)."""
        with open_lock(self._path):
            items = self._load()
            is_group = reference.endswith("/")
            left = {
                name: item
                for name, item in items.items()
                if name != reference and not (is_group and name.startswith(reference))
            }
            if left != items:
                self._save(left)

    def _load(self) -> dict[str, Any]:
        return load_document(self._path, _parse_items, hint=_HINT) or {}

    def _save(self, items: dict[str, Any]) -> None:
        # In ASCII: half a character of a model's or a server's can stand in it.
        document = {"version": _VERSION, "tools": dict(sorted(items.items()))}
        save_bytes(self._path, (json.dumps(document, indent=1) + "\n").encode())


def _parse_items(text: str) -> dict[str, Any]:
    document = json.loads(text)
    check_version(document, _VERSION)
    items = document.get("tools")
    if not isinstance(items, dict) or not all(map(_is_item, items.values())):
        raise ValueError('"tools" is not an object of agreements')
    return items


def _is_item(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("definition"), str)
        and isinstance(item.get("always"), bool)
    )
