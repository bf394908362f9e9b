"""Reasoning sent back, for the upstreams that want it: by default none is, since others refuse it.

Sources: DeepSeek's guide to its thinking mode (`reasoning_content` on every turn with tool calls,
in all later requests), OpenRouter's guide to reasoning tokens (`reasoning_details`, unchanged),
Ollama's server (`reasoning`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols.message import Message, ReasoningPart
from hiveloom_cli.protocols.openai_chat.reasoning_draft import BLOCK_FIELDS, TEXT_FIELDS
from hiveloom_cli.protocols.openai_chat.request import fit_history

if TYPE_CHECKING:
    from hiveloom_cli.protocols.request import ChatRequest

# DeepSeek demands the field on turns with tool calls, and takes "" for none.
_UNKNOWN = " "


def echo_reasoning(body: dict[str, Any], chat: ChatRequest, field: str) -> dict[str, Any]:
    """Put the reasoning that this upstream and model made on the body's assistant messages.

    `body` was built from `chat`, and its assistant messages are still those. `field` is one of
    `reasoning_content`, `reasoning`, `reasoning_details` and `thinking_blocks`. With the first, a
    turn with tool calls whose reasoning is not known, or another's, gets a single space.
    """
    turns = (turn for turn in fit_history(chat) if turn.role == "assistant")
    messages = []
    for message in body["messages"]:
        if message["role"] == "assistant":
            turn = next(turns, None)
            value = _find_reasoning(turn, chat.asked_of, field) if turn else ""
            if not value and field == "reasoning_content" and message.get("tool_calls"):
                value = _UNKNOWN
            messages.append({**message, field: value} if value else message)
        else:
            messages.append(message)
    return {**body, "messages": messages}


def _find_reasoning(turn: Message, asked_of: str, field: str) -> str | list[Any]:
    own = [
        part
        for part in turn.parts
        if isinstance(part, ReasoningPart) and asked_of and part.made_by == asked_of
    ]
    if field in BLOCK_FIELDS:
        return [
            block for part in own if part.field == field for block in json.loads(part.wire or "[]")
        ]
    return "".join(part.text for part in own if part.field in (*TEXT_FIELDS, *BLOCK_FIELDS))
