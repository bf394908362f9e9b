"""Reading decoded JSON of any shape: what is not of the expected type counts as absent."""

from __future__ import annotations

from typing import Any


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
