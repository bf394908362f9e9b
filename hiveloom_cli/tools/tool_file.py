"""The files of tools: `tools/<name>.md`, settings on top and a description for the model below.

    ---
    url: https://api.example.com/v1/weather?city={city}
    input:
      type: object
      properties:
        city: {type: string}
      required: [city]
    ---
    Tells the weather in a city.

A file with `url` is an HTTP tool (`tools/http_tool.py`), one with `command` runs a program
(`tools/command_tool.py`); each of them says which settings it has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.files import load_text
from hiveloom_cli.front_matter.document import parse_document
from hiveloom_cli.tools.tool import Approval

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hiveloom_cli.front_matter.document import Document

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
NAME_RULE = "small letters, digits, '_' and '-', with a letter or digit first, 63 at most"
_ANY_OBJECT: Mapping[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class ToolFile:
    """A tool's file as it was read; `text` is all of it, `document` what it says.

    `approval` is None where the file leaves it to the tool's kind.
    """

    name: str
    path: Path
    text: str
    document: Document
    description: str
    input_schema: Mapping[str, Any]
    approval: Approval | None


def is_tool_name(text: str) -> bool:
    """Whether `text` can name a tool: what every upstream takes, so never a path."""
    return _NAME.fullmatch(text) is not None


def parse_tool_name(text: str) -> str:
    """Return `text` if it can name a tool; raise `UsageMistake` with the rule if not."""
    if not is_tool_name(text):
        raise UsageMistake(f"“{text}” cannot name a tool", hint=f"use {NAME_RULE}")
    return text


def load_tool_file(path: Path) -> ToolFile:
    """Read a tool's file. Raises `FileNotFoundError`, `OSError` and `FileUnreadable`."""
    return parse_tool_file(path.stem, load_text(path), path)


def parse_tool_file(name: str, text: str, path: Path) -> ToolFile:
    """Read the text of a tool's file. Raises `SettingsInvalid` with the line."""
    document = parse_document(text, path)
    if not document.body.strip():
        raise SettingsInvalid(path, "expected a description for the model below the settings")
    return ToolFile(
        name,
        path,
        text,
        document,
        document.body,
        _parse_schema(document, path),
        _parse_approval(document, path),
    )


def _parse_schema(document: Document, path: Path) -> Mapping[str, Any]:
    field = document.fields.get("input")
    if field is None:
        return _ANY_OBJECT
    if not isinstance(field.value, dict) or field.value.get("type", "object") != "object":
        problem = "`input`: expected a JSON Schema of type object"
        raise SettingsInvalid(path, problem, line=field.line)
    return {"type": "object", **field.value}


def _parse_approval(document: Document, path: Path) -> Approval | None:
    field = document.fields.get("approval")
    if field is None:
        return None
    if field.value not in tuple(Approval):
        words = ", ".join(Approval)
        raise SettingsInvalid(path, f"`approval`: expected one of {words}", line=field.line)
    return Approval(field.value)
