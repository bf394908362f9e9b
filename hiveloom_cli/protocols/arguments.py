"""A tool call's arguments, as a model wrote them."""

from __future__ import annotations

from typing import Any

from hiveloom_cli.protocols.lookup import parse_json


def parse_arguments(arguments: str) -> dict[str, Any]:
    """Read the arguments of a call; both protocols take an object only.

    No text means none. What is no object, such as JSON that the token limit cut, goes along
    as text under the name `arguments`, so that the model sees what it wrote.
    """
    try:
        value = parse_json(arguments.strip() or "{}")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"arguments": arguments}


def is_object(arguments: str) -> bool:
    """Whether the text is one whole JSON object, which no longer text can begin with."""
    text = arguments.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return False
    try:
        return isinstance(parse_json(text), dict)
    except ValueError:
        return False
