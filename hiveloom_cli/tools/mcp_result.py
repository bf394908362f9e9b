"""What a tool of an MCP server gave, as text for the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.tools.tool import ToolOutput

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING = "(the tool gave nothing)"


def build_output(result: Mapping[str, Any]) -> ToolOutput:
    """Build the output of a `CallToolResult`, as its JSON.

    Texts stand as they are. What is no text is named with its type and size, since no model could
    read it here; data in structure is given as JSON where there is no text.
    """
    parts = [part for part in result.get("content") or () if isinstance(part, dict)]
    pieces = [_format_part(part) for part in parts]
    structured = result.get("structuredContent")
    if structured is not None and not any(part.get("type") == "text" for part in parts):
        pieces.append(json.dumps(structured, ensure_ascii=False))
    text = "\n".join(piece for piece in pieces if piece)
    return ToolOutput(text or _NOTHING, is_error=result.get("isError") is True)


def _format_part(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    if kind == "text":
        return str(part.get("text", ""))
    if kind == "resource":
        return _format_resource(part.get("resource") or {})
    if kind == "resource_link":
        size = part.get("size")
        return _format_note("link", part, f"{size:,} bytes" if isinstance(size, int) else "")
    return _format_note(str(kind), part, _measure(part.get("data")))


def _format_resource(resource: Mapping[str, Any]) -> str:
    text = resource.get("text")
    if isinstance(text, str):
        return f"{_format_note('resource', resource, '')}\n{text}"
    return _format_note("resource", resource, _measure(resource.get("blob")))


def _format_note(kind: str, part: Mapping[str, Any], size: str) -> str:
    words = (part.get("name"), part.get("uri"), part.get("mimeType"), size)
    said = ", ".join(str(word) for word in words if word)
    return f"[{kind}: {said}]" if said else f"[{kind}]"


def _measure(data: Any) -> str:
    """Say how many bytes a text of base64 stands for."""
    if not isinstance(data, str):
        return ""
    padding = len(data) - len(data.rstrip("="))
    return f"{len(data) * 3 // 4 - padding:,} bytes"
