"""What was left of a turn whose process died, in the place of what its conversation has of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile, zip_longest
from typing import TYPE_CHECKING

from hiveloom_cli.chat.exchanges import is_question
from hiveloom_cli.chat.record import Ended, KeptMessage
from hiveloom_cli.chat.rows import parse_ms
from hiveloom_cli.protocols.message import ReasoningPart, TextPart, ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.chat.draft_file import LeftDraft
    from hiveloom_cli.chat.record import KeptConversation
    from hiveloom_cli.protocols.message import Message

NO_ROW = 0  # the number of a message that the database does not have


def find_outdone(kept: KeptConversation, left: LeftDraft) -> list[KeptMessage] | None:
    """Find the messages whose place a draft takes; None where it has no more than they have.

    That is so for a turn that is over, and for one that is no longer part of the conversation.
    """
    turn = _find_turn(kept, left.head.turn)
    if not turn or turn[0].is_replaced:
        return None
    rows = [row for row in turn[1:] if not row.is_replaced and row.number not in left.head.former]
    if any(map(_is_over, rows)):
        return None
    has_more = _count(left.messages) > _count(row.message for row in rows)
    return rows if has_more else None


def merge_draft(kept: KeptConversation, left: LeftDraft) -> KeptConversation:
    """Put what a draft has in its place; what is in the database of it keeps its numbers."""
    outdone = find_outdone(kept, left)
    if outdone is None:
        return kept
    turn = _find_turn(kept, left.head.turn)
    place = kept.messages.index(turn[0])
    others = [
        replace(row, is_replaced=row.is_replaced or row.number in left.head.former)
        for row in turn[1:]
        if row not in outdone
    ]
    new = [
        _build_row(message, row, left)
        for message, row in zip_longest(left.messages, outdone[: len(left.messages)])
    ]
    messages = (
        *kept.messages[:place],
        replace(turn[0], state="complete"),
        *others,
        *new,
        *kept.messages[place + len(turn) :],
    )
    count = sum(not row.is_replaced for row in messages)
    return replace(kept, messages=messages, summary=replace(kept.summary, messages=count))


def _find_turn(kept: KeptConversation, number: int) -> list[KeptMessage]:
    """Find a question and all that came of it."""
    places = [place for place, row in enumerate(kept.messages) if row.number == number]
    if not places:
        return []
    question, *rest = kept.messages[places[0] :]
    return [question, *takewhile(lambda row: not is_question(row.message), rest)]


def _is_over(row: KeptMessage) -> bool:
    """Whether a message was kept when its turn had ended, and not while it went on."""
    is_answer = row.message.role == "assistant"
    has_ended = row.ended is not None and row.ended.duration_ms is not None
    return is_answer and (row.message.complete or has_ended)


def _count(messages: Iterable[Message]) -> int:
    """Count the characters that could be shown."""
    count = 0
    for message in messages:
        for part in message.parts:
            match part:
                case TextPart(text) | ReasoningPart(text) | ToolResult(_, text):
                    count += len(text)
                case ToolCall(_, name, arguments):
                    count += len(name) + len(arguments)
    return count


def _build_row(message: Message, row: KeptMessage | None, left: LeftDraft) -> KeptMessage:
    is_answer = message.role == "assistant"
    return KeptMessage(
        row.number if row is not None else NO_ROW,
        message,
        "complete" if message.complete else "incomplete",
        row.said_at if row is not None else parse_ms(left.head.said_at),
        by=left.head.by if is_answer else None,
        ended=Ended() if is_answer else None,
    )
