"""Skills in the open Agent Skills format (https://agentskills.io/specification).

A skill is a folder with a file `SKILL.md`, settings on top and instructions below, and whatever
else the instructions speak of:

    ---
    name: release-notes
    description: Writes release notes from a list of commits. Use it before a release.
    ---
    Group the commits by what they mean to a reader. See references/style.md.

Settings that the specification does not know are left alone: other programs have their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.front_matter.document import parse_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hiveloom_cli.front_matter.plain_settings import Field

SKILL_FILE = "SKILL.md"
MOST_TEXT = 100_000  # bytes of one text: a model is to read it
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_LONGEST_NAME = 64
LONGEST_DESCRIPTION = 1024
NAME_RULE = f"small letters and digits, with single hyphens between, {_LONGEST_NAME} at most"


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill's `SKILL.md` as it was read from `path`; `body` is the instructions.

    `allowed_tools` is what the skill would like to use unasked. It is shown and never obeyed: what
    runs unasked, the person decides.
    """

    name: str
    path: Path
    description: str
    body: str
    license: str = ""
    compatibility: str = ""
    allowed_tools: str = ""
    metadata: tuple[tuple[str, str], ...] = ()


def is_skill_name(text: str) -> bool:
    """Whether `text` can name a skill, and thus never a path."""
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


def parse_skill_name(text: str) -> str:
    """Return `text` if it can name a skill; raise `UsageMistake` with the rule if not."""
    if not is_skill_name(text):
        raise UsageMistake(f"“{text}” cannot name a skill", hint=f"use {NAME_RULE}")
    return text


def parse_skill(text: str, path: Path, *, folder: str = "") -> Skill:
    """Read the text of a `SKILL.md`, which has to have the name of its `folder`, if that is given.

    `path` is for messages. Raises `SettingsInvalid` with line and fix.
    """
    document = parse_document(text, path)
    fields = document.fields
    name = _parse_name(fields, path)
    if folder and name != folder:
        problem = f"`name`: it is {name}, and its folder's is {folder}"
        hint = "give both the same name"
        raise SettingsInvalid(path, problem, line=fields["name"].line, hint=hint)
    return Skill(
        name,
        path,
        _parse_description(fields, path),
        document.body,
        license=_take_text(fields, "license"),
        compatibility=_take_text(fields, "compatibility"),
        allowed_tools=_take_text(fields, "allowed-tools"),
        metadata=_take_metadata(fields),
    )


def _parse_name(fields: Mapping[str, Field], path: Path) -> str:
    field = fields.get("name")
    if field is None:
        hint = "add a line: name: my-skill"
        raise SettingsInvalid(path, "`name` is missing", line=1, hint=hint)
    name = _format_value(field.value)
    if not is_skill_name(name):
        problem = f"`name`: “{name}” cannot name a skill"
        raise SettingsInvalid(path, problem, line=field.line, hint=f"use {NAME_RULE}")
    return name


def _parse_description(fields: Mapping[str, Field], path: Path) -> str:
    field = fields.get("description")
    text = " ".join(field.value.split()) if field and isinstance(field.value, str) else ""
    if not text:
        raise SettingsInvalid(
            path,
            "`description` is missing: a model chooses a skill by it",
            line=field.line if field else 1,
            hint="add a line: description: What it does, and when to use it",
        )
    if field and len(text) > LONGEST_DESCRIPTION:
        problem = f"`description`: longer than {LONGEST_DESCRIPTION:,} characters"
        hint = "leave the details to the text below the settings"
        raise SettingsInvalid(path, problem, line=field.line, hint=hint)
    return text


def _take_text(fields: Mapping[str, Field], key: str) -> str:
    field = fields.get(key)
    if field is None or field.value is None:
        return ""
    values = field.value if isinstance(field.value, list) else [field.value]
    return ", ".join(map(_format_value, values))


def _take_metadata(fields: Mapping[str, Field]) -> tuple[tuple[str, str], ...]:
    field = fields.get("metadata")
    if field is None or not isinstance(field.value, dict):
        return ()
    return tuple((str(key), _format_value(value)) for key, value in field.value.items())


def _format_value(value: object) -> str:
    return value if isinstance(value, str) else str(value)
