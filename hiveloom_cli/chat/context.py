"""How full a model's context is: a rough count of what a request has in it.

The upstream's own count of the last request is taken where there is one, and only what was said
since is estimated. Some servers count only what their cache did not hold, so that the count is not
believed where it is less than half of the estimate.
"""

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

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.protocols.message import Message, Part
    from hiveloom_cli.protocols.request import ToolDefinition

_BYTES = 4  # that make a token, roughly
_FRAME = 4  # tokens around each message
_IMAGE = 1500
_DOCUMENT = (1500, 50)  # the least, and how many bytes of a PDF make a token


def estimate_request(conversation: Conversation, *said: Message) -> int:
    """Estimate how many tokens the request has that sends what is said now."""
    request = conversation.build_request(*said)
    whole = count_text(request.system) + estimate_messages(request.messages)
    whole += estimate_tools(request.tools)
    measured = conversation.measured
    if measured is None or measured.messages > len(conversation.messages):
        return whole
    new = [*conversation.messages[measured.messages :], *said]
    return max(measured.tokens + estimate_messages(new), whole // 2)


def estimate_messages(messages: Iterable[Message]) -> int:
    """Estimate how many tokens messages have."""
    return sum(_FRAME + sum(map(_estimate_part, message.parts)) for message in messages)


def estimate_tools(tools: Iterable[ToolDefinition]) -> int:
    """Estimate how many tokens the tools have that a request offers."""
    return sum(
        _FRAME + count_text(f"{tool.name}{tool.description}{json.dumps(tool.input_schema)}")
        for tool in tools
    )


def count_text(text: str) -> int:
    """Estimate how many tokens a text has: one for four bytes."""
    length = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-length // _BYTES)


def _estimate_part(part: Part) -> int:
    match part:
        case ImagePart():
            return _IMAGE
        case DocumentPart(_, content):
            least, size = _DOCUMENT
            return max(least, len(content) // size)
        case ReasoningPart(text, _, wire):
            return count_text(wire or text)
        case TextPart(text) | TextFilePart(_, text) | OpaquePart(text) | ToolResult(_, text):
            return count_text(text)
        case ToolCall(_, name, arguments):
            return count_text(name) + count_text(arguments)
        case _:
            assert_never(part)
