"""Single settings of the file of a tool or a skill changed, and nothing else in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.front_matter.document import parse_document, split_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hiveloom_cli.front_matter.document import Parts


@dataclass(frozen=True, slots=True)
class ToolChanges:
    """What is to be changed; `description` is None where it stays."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    description: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be changed."""
        return self == ToolChanges()


def edit_tool_text(text: str, path: Path, changes: ToolChanges) -> str:
    """Change a file as told; `path` is for messages. Whether the outcome is valid is not checked.

    Raises `SettingsInvalid` for what is no front matter, and `UsageMistake` for changes that cannot
    be made in a file that is laid out as this one is.
    """
    parts = split_document(text, path)
    wished = {key: one.value for key, one in parse_document(text, path).fields.items()}
    for key in changes.unset:
        if key not in wished:
            raise UsageMistake(f"{key} is not set", hint=f"set are: {', '.join(wished)}")
        del wished[key]
    wished |= changes.settings
    refusal = UsageMistake(
        f"{path}: the way its settings are laid out does not let this be changed by itself",
        hint="change it in an editor",
    )
    try:
        edited = _splice(parts, changes)
        document = parse_document(edited, path)
    except (SettingsInvalid, LookupError, ValueError):
        raise refusal from None
    read = {key: one.value for key, one in document.fields.items()}
    if repr(sorted(read.items())) != repr(sorted(wished.items())):
        raise refusal
    return edited


def _splice(parts: Parts, changes: ToolChanges) -> str:
    from hiveloom_cli.front_matter.splicing import drop_entry

    line_end = "\r\n" if parts.head.endswith("\r\n") else "\n"
    settings, body = parts.settings, parts.body
    for key in changes.unset:
        settings = drop_entry(settings, key)
    for key, value in changes.settings.items():
        settings = _put(settings, key, value, line_end)
    fence = parts.fence if parts.fence.endswith("\n") else f"{parts.fence}{line_end}"
    if changes.description is not None:
        lines = changes.description.strip("\r\n").splitlines()
        body = line_end.join([*lines, ""])
    return f"{parts.head}{settings}{fence}{body}"


def _put(text: str, key: str, value: Any, line_end: str) -> str:
    """Give a key another value where it stands; one of several lines goes to the end."""
    from hiveloom_cli.front_matter.splicing import drop_entry, put_value
    from hiveloom_cli.front_matter.yaml_entries import find_entries
    from hiveloom_cli.front_matter.yaml_text import format_mapping

    if not isinstance(value, dict):
        return put_value(text, key, value, line_end)
    rest = drop_entry(text, key) if key in find_entries(text) else text
    return rest + format_mapping({key: value}).replace("\n", line_end)
