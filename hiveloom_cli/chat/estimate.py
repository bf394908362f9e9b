"""About how many tokens a message is, guessed before a model has counted them."""

from __future__ import annotations

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

BYTES_A_TOKEN = 4  # characters in English; letters of other scripts are more bytes, and more tokens
_IMAGE = 1600
_PAGE = 2500
_BYTES_A_PAGE = 50_000  # where only a PDF library could count them


def estimate_messages(messages: Iterable[Message]) -> int:
    """Estimate what messages add to a request."""
    return sum(_estimate_part(part) for message in messages for part in message.parts)


def estimate_text(text: str) -> int:
    """Estimate the tokens of a text."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_A_TOKEN)


def _estimate_part(part: Part) -> int:
    match part:
        case TextPart(text) | TextFilePart(_, text) | ReasoningPart(text):
            return estimate_text(text)
        case ToolCall():
            return estimate_text(part.name + part.arguments)
        case ToolResult():
            return estimate_text(part.content)
        case OpaquePart():
            return estimate_text(part.wire)
        case ImagePart():
            return _IMAGE
        case DocumentPart():
            from hiveloom_cli.chat.pdf_pages import count_pages

            return _PAGE * (count_pages(part.content) or len(part.content) // _BYTES_A_PAGE + 1)
        case _:
            assert_never(part)
