"""About how many tokens messages are, guessed before a model has counted them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, assert_never

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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.protocols.message import Message, Part
    from hiveloom_cli.protocols.request import ToolDefinition

BYTES_A_TOKEN = 4  # characters in English; letters of other scripts are more bytes, and more tokens
_FRAME = 4  # around each message
_IMAGE = 1600
_PAGE = 2500
_BYTES_A_PAGE = 50_000  # where only a PDF library could count them


def estimate_messages(messages: Iterable[Message]) -> int:
    """Estimate what messages add to a request."""
    return sum(_FRAME + sum(map(_estimate_part, message.parts)) for message in messages)


def estimate_text(text: str) -> int:
    """Estimate the tokens of a text."""
    length = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-length // BYTES_A_TOKEN)


def estimate_tools(tools: Iterable[ToolDefinition]) -> int:
    """Estimate what the tools add that a request offers."""
    return sum(
        _FRAME + estimate_text(f"{tool.name}{tool.description}{json.dumps(tool.input_schema)}")
        for tool in tools
    )


def _estimate_part(part: Part) -> int:
    match part:
        case TextPart(text) | TextFilePart(_, text) | OpaquePart(text) | ToolResult(_, text):
            return estimate_text(text)
        case ReasoningPart(text, _, wire):
            return estimate_text(wire or text)
        case ToolCall(_, name, arguments):
            return estimate_text(name) + estimate_text(arguments)
        case ImagePart():
            return _IMAGE
        case DocumentPart():
            from hiveloom_cli.chat.pdf_pages import count_pages

            return _PAGE * (count_pages(part.content) or len(part.content) // _BYTES_A_PAGE + 1)
        case _:
            assert_never(part)
