"""Messages and settings as they are kept: JSON that gives back what was put in, whole.

Bytes, and not text: a model can send half a character, which only `surrogatepass` keeps.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.agent import Agent, Compaction
from hiveloom_cli.agents.limits import Limits
from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    OpaquePart,
    ReasoningPart,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
)
from hiveloom_cli.protocols.request import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hiveloom_cli.protocols.message import Part

_TYPES: Mapping[str, type[Part]] = {
    "text": TextPart,
    "image": ImagePart,
    "document": DocumentPart,
    "text_file": TextFilePart,
    "reasoning": ReasoningPart,
    "opaque": OpaquePart,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
}
_IN_BASE64 = frozenset({"image", "document"})  # kinds whose `content` is bytes
_NAMES = {kind: name for name, kind in _TYPES.items()}
# What an agent's file says and nobody needs who goes on with a conversation.
_NOT_SETTINGS = frozenset({"warnings"})


def format_content(parts: Sequence[Part]) -> bytes:
    """Write a message's parts."""
    return _encode([build_block(part) for part in parts])


def parse_content(content: bytes) -> tuple[Part, ...]:
    """Read what `format_content` wrote, also by a newer version of this program.

    A block of a kind that is not known is kept as it is. Raises `ValueError` for anything else.
    """
    blocks = json.loads(_decode(content))
    if not isinstance(blocks, list):
        raise ValueError("the parts of a message are not a list")  # noqa: TRY004 - one class
    return tuple(parse_block(block) for block in blocks)


def build_block(part: Part) -> dict[str, Any]:
    """Build the JSON object of one part."""
    block = {"type": _NAMES[type(part)], **asdict(part)}
    if block["type"] in _IN_BASE64:
        block["content"] = b64encode(block["content"]).decode()
    return block


def format_settings(agent: Agent) -> bytes:
    """Write the settings that an agent has."""
    settings = {key: value for key, value in asdict(agent).items() if key not in _NOT_SETTINGS}
    return _encode(settings)


def parse_settings(content: bytes) -> Agent:
    """Read what `format_settings` wrote. Raises `ValueError` for anything else."""
    values = json.loads(_decode(content))
    if not isinstance(values, dict) or not isinstance(values.get("model"), str):
        raise ValueError("an agent's settings are no object with a model")  # noqa: TRY004 - as above
    known = {field.name for field in fields(Agent)} - _NOT_SETTINGS
    settings = {key: _freeze(value) for key, value in values.items() if key in known}
    if isinstance(rules := settings.get("compaction"), dict):
        settings["compaction"] = Compaction(**_pick(Compaction, rules))
    settings["parameters"] = Parameters(**_pick(Parameters, values.get("parameters")))
    settings["limits"] = Limits(**_pick(Limits, values.get("limits")))
    return Agent(**settings)


def _pick(kind: type[Any], values: Any) -> dict[str, Any]:
    known = {field.name for field in fields(kind)}
    return {key: _freeze(value) for key, value in (values or {}).items() if key in known}


def parse_block(block: Any) -> Part:
    """Read the JSON object of one part. Raises `ValueError` for one that is broken."""
    kind = _TYPES.get(str(block.get("type"))) if isinstance(block, dict) else None
    if kind is None:
        return OpaquePart(json.dumps(block))
    known = {field.name for field in fields(kind)}
    values = {key: value for key, value in block.items() if key in known}
    if block["type"] in _IN_BASE64:
        values["content"] = b64decode(values["content"])
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _encode(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
