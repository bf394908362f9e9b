"""Reading what both protocols share of a request's body; a `Refusal` names what is wrong with it.

The checks are those of the real services that a client can run into by mistake, not all of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hiveloom_cli.demo.answer import Refusal
from hiveloom_cli.demo.media import describe_part


def parse_body(body: bytes) -> dict[str, Any]:
    """Decode a JSON object that names a model."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "the body is not valid JSON") from error
    if not isinstance(fields, dict):
        raise Refusal(400, "the body is not a JSON object")
    model = fields.get("model")
    if not isinstance(model, str) or not model:
        raise Refusal(400, "model: a non-empty string is required")
    if not isinstance(fields.get("stream") or False, bool):
        raise Refusal(400, "stream: expected true or false")
    return fields


@dataclass(frozen=True, slots=True)
class Said:
    """A message: who says it, its text, what comes with it, and what tools gave."""

    role: str
    text: str
    attached: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


def parse_messages(fields: dict[str, Any], roles: frozenset[str]) -> list[Said]:
    """Take what each message says, of which there has to be one."""
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "messages: at least one message is required")
    return [_parse_message(place, message, roles) for place, message in enumerate(messages)]


def parse_text(place: str, content: object) -> str:
    """Take the text out of a string or of a list of typed parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise Refusal(400, f"{place}: expected a string or a list of parts")
    return "".join(_parse_part(f"{place}.{index}", part) for index, part in enumerate(content))


def parse_attached(place: str, content: object) -> tuple[str, ...]:
    """Name what a list of typed parts holds beside text."""
    parts = content if isinstance(content, list) else []
    told = (describe_part(f"{place}.{index}", part) for index, part in enumerate(parts))
    return tuple(filter(None, told))


def _parse_message(index: int, message: object, roles: frozenset[str]) -> Said:
    place = f"messages.{index}"
    if not isinstance(message, dict):
        raise Refusal(400, f"{place}: expected an object")
    role = message.get("role")
    if not isinstance(role, str) or role not in roles:
        raise Refusal(400, f"{place}.role: expected one of {', '.join(sorted(roles))}")
    content = message.get("content")
    if content is None and message.get("tool_calls"):
        content = ""
    text = parse_text(f"{place}.content", content)
    results = (text,) if role == "tool" else _parse_results(f"{place}.content", content)
    return Said(role, text, parse_attached(f"{place}.content", content), results)


def parse_tools(fields: dict[str, Any]) -> frozenset[str]:
    """Take the names of the tools that may be called, in either protocol's form."""
    choice = fields.get("tool_choice")
    if choice == "none" or (isinstance(choice, dict) and choice.get("type") == "none"):
        return frozenset()
    tools = fields.get("tools") or []
    return frozenset(str(tool.get("function", tool).get("name")) for tool in tools)


def _parse_results(place: str, content: object) -> tuple[str, ...]:
    parts = content if isinstance(content, list) else []
    return tuple(
        parse_text(f"{place}.{index}.content", part.get("content") or "")
        for index, part in enumerate(parts)
        if part["type"] == "tool_result"
    )


def _parse_part(place: str, part: object) -> str:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise Refusal(400, f"{place}: expected an object with a type")
    text = part.get("text", "")
    if not isinstance(text, str):
        raise Refusal(400, f"{place}.text: expected a string")
    return text if part["type"] == "text" else ""
