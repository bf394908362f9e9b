"""A call's arguments, held to the tool's schema before it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.json_schema import find_schema_faults
from hiveloom_cli.protocols.lookup import parse_json
from hiveloom_cli.protocols.text import repair_value

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_SHOWN = 1000
_MOST_FAULTS = 5


def parse_call(arguments: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Read the arguments of a call, JSON as the model or a person wrote it; no text means none.

    Any text in them can be written: half a letter, at which an MCP server would end, is U+FFFD.
    Raises `UsageMistake` that says what is wrong with them, for whoever wrote them.
    """
    try:
        value = repair_value(parse_json(arguments.strip() or "{}"))
    except ValueError as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise UsageMistake(
            f"the arguments are not JSON ({reason}): {_shorten(arguments)}",
            hint='give one JSON object, as in {"city": "Zürich"}',
        ) from None
    if not isinstance(value, dict):
        raise UsageMistake(f"the arguments are no JSON object: {_shorten(arguments)}")
    if faults := find_schema_faults(value, dict(schema)):
        said = "; ".join(faults[:_MOST_FAULTS])
        raise UsageMistake(f"the arguments do not fit the tool's schema: {said}")
    return value


def _shorten(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
