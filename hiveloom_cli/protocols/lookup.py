"""Reading decoded JSON of any shape: what is not of the expected type counts as absent."""

from __future__ import annotations

import json
from typing import Any

# No server means more, and what can be read from deeper cannot be written again.
_DEEPEST = 200


def get_map(value: Any, key: str) -> dict[str, Any]:
    """Return `value[key]` if it is an object, else an empty one."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def get_list(value: Any, key: str) -> list[Any]:
    """Return `value[key]` if it is an array, else an empty one."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def get_text(value: Any, key: str) -> str:
    """Return `value[key]` if it is a string, else an empty one."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def get_count(value: Any, key: str) -> int | None:
    """Return `value[key]` if it is a whole number that can be a count, else None."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def parse_json(text: str) -> Any:
    """Read JSON, with raw control characters in strings, that is nested 200 deep at most.

    Raises `ValueError` for anything else.
    """
    try:
        value = json.loads(text, strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > _DEEPEST and _is_deep(value):
        raise ValueError("nested too deeply")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)
