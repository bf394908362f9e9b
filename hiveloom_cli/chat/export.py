"""A kept conversation as a Markdown document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hiveloom_cli.chat.exchanges import is_question
from hiveloom_cli.chat.record import AnsweredBy, KeptConversation, KeptMessage, Summary
from hiveloom_cli.chat.searchable import build_title
from hiveloom_cli.protocols.message import ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.protocols.message import Part

_MARKS = {"incomplete": "*(incomplete)*", "unanswered": "*(unanswered)*"}


def format_markdown(kept: KeptConversation) -> str:
    """Write a conversation: a heading for each message, its text below as it came.

    What was replaced is left out, and so is what a model thought.
    """
    blocks = [f"# {' '.join(kept.summary.title.split())}"]
    for message in kept.messages:
        if not message.is_replaced:
            blocks += _format_message(message)
    return "\n\n".join(filter(None, blocks)) + "\n"


def build_document(conversation: Conversation) -> KeptConversation:
    """Build what `format_markdown` writes of a conversation that is not kept."""
    agent, messages = conversation.agent, conversation.messages
    by = AnsweredBy(agent.name, conversation.agent_version, agent.model, "", "", "")
    at = datetime.fromtimestamp(0, UTC)  # no moment is written
    title = build_title(messages[0].text) if messages else ""
    rows = tuple(
        KeptMessage(
            number,
            message,
            "complete" if message.complete else "incomplete",
            at,
            by=by if message.role == "assistant" else None,
        )
        for number, message in enumerate(messages)
    )
    summary = Summary(conversation.id, agent.name, agent.model, title, at, at, len(rows))
    return KeptConversation(summary, agent, rows)


def _format_message(kept: KeptMessage) -> Iterator[str]:
    by = kept.by
    if by is None:
        yield "## You" if is_question(kept.message) else "## Tools"
    else:
        yield f"## {by.agent or by.model}"
    yield kept.message.text.strip("\n")
    for part in kept.message.parts:
        yield _format_tool(part)
    yield _MARKS.get(kept.state, "")


def _format_tool(part: Part) -> str:
    match part:
        case ToolCall():
            return _fence(f"{part.name} {part.arguments}")
        case ToolResult():
            return _fence(part.content)
        case _:
            return ""


def _fence(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"
