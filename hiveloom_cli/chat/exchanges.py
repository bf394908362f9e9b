"""Where the exchanges of a conversation begin: a question each, with all that came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.protocols.message import ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.protocols.message import Message


def is_question(message: Message) -> bool:
    """Whether a person said it: a user's message of nothing but results brings those of tools."""
    is_result = [isinstance(part, ToolResult) for part in message.parts]
    return message.role == "user" and not (is_result and all(is_result))


def find_questions(messages: Iterable[Message]) -> list[int]:
    """Find the places of the questions among the messages of a conversation."""
    return [place for place, message in enumerate(messages) if is_question(message)]
