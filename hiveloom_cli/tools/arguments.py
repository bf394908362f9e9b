"""The arguments of a call, as they were written, and what they have to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Mapping


_HINT = """as in '{"city": "Oslo"}'"""


def parse_call(arguments_text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Read the arguments of a call. Raises `UsageMistake` for what its schema does not allow."""
    try:
        arguments = json.loads(arguments_text or "{}")
    except (ValueError, RecursionError):
        raise UsageMistake("the arguments are not JSON", hint=_HINT) from None
    if not isinstance(arguments, dict):
        raise UsageMistake("the arguments are no JSON object", hint=_HINT)
    missing = [name for name in schema.get("required", []) if name not in arguments]
    if missing:
        raise UsageMistake(f"an argument is missing: {', '.join(missing)}")
    return arguments
