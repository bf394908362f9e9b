"""What has changed between two contents of an agent's file, in one line."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.front_matter import parse_document
from hiveloom_cli.errors import AgentFileInvalid

if TYPE_CHECKING:
    from hiveloom_cli.agents.front_matter import Document

_MOST_SHOWN = 40  # characters of a value


def summarize_change(old: str, new: str) -> str:
    """Say what makes `new` differ from `old`: "model gpt-4o → gpt-5, prompt +3 -1 lines"."""
    before, after = _parse(old), _parse(new)
    if before is None or after is None:
        return _count_lines("file", old, new) or "line ends"
    settings = {key: field.value for key, field in before.fields.items()}
    changed = {key: field.value for key, field in after.fields.items()}
    pieces = [
        _summarize_setting(key, settings, changed)
        for key in dict.fromkeys((*settings, *changed))
        if settings.get(key) != changed.get(key) or (key in settings) is not (key in changed)
    ]
    if before.body != after.body:
        pieces.append(_count_lines("prompt", before.body, after.body) or "line ends of the prompt")
    return ", ".join(pieces) or "comments or layout"


def _parse(text: str) -> Document | None:
    try:
        return parse_document(text, Path())
    except AgentFileInvalid:
        return None


def _summarize_setting(key: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    if key not in before:
        return f"{key} {_shorten(after[key])}"
    if key not in after:
        return f"no {key}"
    old, new = before[key], after[key]
    if isinstance(old, list) and isinstance(new, list):
        added = [f"+{_shorten(item)}" for item in new if item not in old]
        removed = [f"-{_shorten(item)}" for item in old if item not in new]
        if added or removed:
            return f"{key} {' '.join(added + removed)}"
    return f"{key} {_shorten(old)} → {_shorten(new)}"


def _shorten(value: Any) -> str:
    text = (
        " ".join(str(value).split()) if not isinstance(value, list) else ", ".join(map(str, value))
    )
    return (text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…") or "(empty)"


def _count_lines(what: str, old: str, new: str) -> str:
    lines = SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    added = removed = 0
    for kind, old_from, old_to, new_from, new_to in lines.get_opcodes():
        if kind != "equal":
            removed += old_to - old_from
            added += new_to - new_from
    counts = [f"+{added}"] * bool(added) + [f"-{removed}"] * bool(removed)
    return f"{what} {' '.join(counts)} lines" if counts else ""
