"""What has changed between two contents of an agent's file, in one line.

A content may be anything, also a file that a person has broken: that one is told by its lines.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.editing import is_same
from hiveloom_cli.errors import SettingsInvalid
from hiveloom_cli.front_matter.document import parse_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.front_matter.document import Document

_MOST_SHOWN = 40  # characters of a value
_MOST_ITEMS = 5  # of a list
_LONGEST = 200  # characters of the whole


def summarize_change(old: str, new: str) -> str:
    """Say what makes `new` differ from `old`: "model gpt-4o → gpt-5, prompt +3 -1 lines"."""
    before, after = _parse(old), _parse(new)
    if before is None or after is None:
        return _summarize_lines("file", old, new)
    settings, changed = (
        {key: field.value for key, field in document.fields.items()} for document in (before, after)
    )
    pieces = [
        _summarize_setting(key, settings, changed)
        for key in dict.fromkeys((*settings, *changed))
        if key not in settings or key not in changed or not is_same(settings[key], changed[key])
    ]
    if before.body != after.body:
        pieces.append(_summarize_lines("prompt", before.body, after.body))
    return _cut(", ".join(pieces), _LONGEST) or "comments or layout"


def _parse(text: str) -> Document | None:
    try:
        return parse_document(text, Path())
    except SettingsInvalid:
        return None


def _is_nested(value: Any) -> bool:
    """Whether a value is shown by its key alone."""
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, list | dict) for item in items)


def _summarize_setting(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    name = _shorten(key)
    if key not in after:
        return f"{name} removed"
    new = after[key]
    if key not in before:
        return f"{name} added" if _is_nested(new) else f"{name} {_shorten(new)}"
    old = before[key]
    if _is_nested(old) or _is_nested(new):
        return f"{name} changed"
    if isinstance(old, list) and isinstance(new, list) and set(old) != set(new):
        added = [f"+{_shorten(item)}" for item in dict.fromkeys(new) if item not in old]
        removed = [f"-{_shorten(item)}" for item in dict.fromkeys(old) if item not in new]
        return f"{name} {' '.join(_limit(added + removed))}"
    if _shorten(old) == _shorten(new):  # they differ further on, or are a text and a number
        return f"{name} changed"
    return f"{name} {_shorten(old)} → {_shorten(new)}"


def _shorten(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_limit([_shorten(item) for item in value]))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return _cut("" if value is None else str(value), _MOST_SHOWN) or "(empty)"


def _limit(items: list[str]) -> list[str]:
    left_out = len(items) - _MOST_ITEMS
    return items if left_out <= 0 else [*items[:_MOST_ITEMS], f"and {left_out} more"]


def _cut(text: str, limit: int) -> str:
    """Give a text on one line, no longer than `limit`, that can be written as UTF-8."""
    line = " ".join(text.encode(errors="replace").decode().split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def _summarize_lines(what: str, old: str, new: str) -> str:
    before, after = old.splitlines(), new.splitlines()
    added = (Counter(after) - Counter(before)).total()
    removed = (Counter(before) - Counter(after)).total()
    if added or removed:
        counts = [f"+{added}"] * bool(added) + [f"-{removed}"] * bool(removed)
        return f"{what} {' '.join(counts)} {'line' if added + removed == 1 else 'lines'}"
    if before != after:
        return f"order of the {what}'s lines"
    return f"line ends of the {what}" if old != new else "bytes that are not UTF-8"
