"""Records in JSON, with the lines that they stand on.

JSON is nearly YAML, and what is left between the two (escapes of half characters, tabs, control
characters) is in files that other programs write.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from hiveloom_cli.errors import SettingsInvalid
from hiveloom_cli.front_matter.plain_settings import Field

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLANK = re.compile(r"[ \t\r\n]*")
_DEEPEST = 100


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a value")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def parse_json_records(text: str, path: Path, key: str) -> list[dict[str, Field]]:
    """Read an object, or a list of them, there or under `key`; `path` is for messages.

    Raises `SettingsInvalid` with the line.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise SettingsInvalid(path, f"not valid JSON: {error.msg}", line=error.lineno) from None
    except RecursionError:
        raise SettingsInvalid(path, "the settings are nested too deeply", line=1) from None
    except ValueError as error:
        raise SettingsInvalid(path, f"not valid JSON: {error}", line=1) from None
    if _is_deep(value, _DEEPEST):
        raise SettingsInvalid(path, "the settings are nested too deeply", line=1)
    return [_build_record(text, start, path) for start in _list_starts(text, value, path, key)]


def _list_starts(text: str, value: Any, path: Path, key: str) -> Iterator[int]:
    start = _skip(text, 0)
    if isinstance(value, dict) and key in value:
        start = next(where for name, _, where in _list_items(text, start) if name == key)
        value = value[key]
        if not isinstance(value, list):
            line = _count_line(text, start)
            raise SettingsInvalid(path, f"`{key}`: expected a list", line=line)
    if not isinstance(value, list):
        yield start
        return
    position = start + 1
    for _ in value:
        position = _skip(text, position)
        yield position
        position = _skip(text, _DECODER.raw_decode(text, position)[1]) + 1  # the comma


def _build_record(text: str, start: int, path: Path) -> dict[str, Field]:
    if text[start] != "{":
        line = _count_line(text, start)
        raise SettingsInvalid(path, 'expected settings of the form {"key": value}', line=line)
    fields: dict[str, Field] = {}
    for key, key_at, value_at in _list_items(text, start):
        line = _count_line(text, key_at)
        if key in fields:
            raise SettingsInvalid(path, f"`{key}` is set a second time", line=line)
        fields[key] = Field(_DECODER.raw_decode(text, value_at)[0], line)
    return fields


def _list_items(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Yield the keys of an object that can be read, each with its own place and its value's."""
    position = _skip(text, start + 1)
    while text[position] != "}":
        key_at = position
        key, position = _DECODER.raw_decode(text, position)
        value_at = _skip(text, _skip(text, position) + 1)  # the colon
        yield key, key_at, value_at
        position = _skip(text, _DECODER.raw_decode(text, value_at)[1])
        position = _skip(text, position + (text[position] == ","))


def _skip(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _count_line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _is_deep(value: Any, left: int) -> bool:
    pieces = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return False
    return left == 0 or any(_is_deep(piece, left - 1) for piece in pieces)
