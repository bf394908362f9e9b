"""Front matter: settings between two `---` lines, then text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import SettingsInvalid
from hiveloom_cli.front_matter.plain_settings import parse_plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hiveloom_cli.front_matter.plain_settings import Field

FENCE = "---"
_HEAD = re.compile(r"\ufeff?---[^\S\n]*(?:\n|\Z)")
_FENCE_LINE = re.compile(r"^---[^\S\n]*(?:\n|\Z)", re.MULTILINE)
# Far more than anyone writes, and too little to nest so deep that libyaml runs out of stack.
MAX_SETTINGS = 10_000


@dataclass(frozen=True, slots=True)
class Parts:
    """A file cut in four: put together again, they are the file, character for character.

    `head` and `fence` are the `---` lines with their line ends.
    """

    head: str
    settings: str
    fence: str
    body: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file's settings, and the text after them, less blank lines around it."""

    fields: Mapping[str, Field]
    body: str


def split_document(text: str, path: Path) -> Parts:
    """Cut a file at its `---` lines; `path` is for messages. Raises `SettingsInvalid`."""
    head = _HEAD.match(text)
    if head is None:
        raise SettingsInvalid(path, "expected `---` on the first line, then the settings", line=1)
    fence = _FENCE_LINE.search(text, head.end())
    if fence is None:
        line = len(text.removesuffix("\n").split("\n"))
        raise SettingsInvalid(path, "expected a second `---` line after the settings", line=line)
    return Parts(
        text[: head.end()], text[head.end() : fence.start()], fence[0], text[fence.end() :]
    )


def parse_document(text: str, path: Path) -> Document:
    """Split and read a file; `path` is for messages. Raises `SettingsInvalid` with the line."""
    parts = split_document(text, path)
    return Document(_parse_fields(parts.settings, path), parts.body.strip("\r\n"))


def format_document(fields: Mapping[str, Any], body: str) -> str:
    """Write front matter and text as a new file."""
    from hiveloom_cli.front_matter.yaml_text import format_mapping

    return f"{FENCE}\n{format_mapping(fields)}{FENCE}\n{body.strip(chr(10))}\n"


def _parse_fields(text: str, path: Path) -> Mapping[str, Field]:
    if len(text) > MAX_SETTINGS:
        raise SettingsInvalid(
            path, f"the settings are longer than {MAX_SETTINGS:,} characters", line=2
        )
    plain = parse_plain(text, line=2)
    if plain is not None:
        return plain
    from hiveloom_cli.front_matter.yaml_text import parse_mapping

    return parse_mapping(text, path, line=2)
