"""Between the rows of the database and the values of `record.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hiveloom_cli.chat.message_json import (
    format_content,
    format_settings,
    parse_content,
    parse_settings,
)
from hiveloom_cli.chat.record import (
    AnsweredBy,
    Ended,
    Found,
    KeptConversation,
    KeptMessage,
    KeptRecap,
    Spent,
    Summary,
    Used,
)
from hiveloom_cli.chat.searchable import build_text, build_title, format_storable, parse_snippet
from hiveloom_cli.protocols.event import Usage
from hiveloom_cli.protocols.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hiveloom_cli.chat.record import Question

_MOST = (1 << 53) - 1  # and what adds up many of them does not overflow
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def count_ms(moment: datetime) -> int:
    """Count a moment in milliseconds, as the database holds it."""
    return (moment - _EPOCH) // _MILLISECOND


def build_conversation_values(question: Question) -> dict[str, Any]:
    """Build a conversation's columns as its question leaves them."""
    return {
        "id": question.conversation_id,
        "agent": format_storable(question.agent.name),
        "model": format_storable(question.agent.model),
        "title": build_title(question.message.text),
        "settings": format_settings(question.agent),
        "at": count_ms(question.said_at),
    }


def build_content_values(message: Message) -> dict[str, Any]:
    """Build the columns that change as an answer grows."""
    return {
        "role": message.role,
        "state": "complete" if message.complete else "incomplete",
        "content": format_content(message.parts),
        "text": build_text(message.parts),
    }


def build_message_values(question: Question, message: Message, at: datetime) -> dict[str, Any]:
    """Build a message's columns but its turn."""
    by = question.by
    return {
        "id": question.conversation_id,
        "at": count_ms(at),
        "agent": by.agent,
        "agent_version": by.agent_version,
        "model": format_storable(by.model),
        "protocol": by.protocol,
        "base_url": by.base_url,
        "credential": by.credential,
        **build_content_values(message),
    }


def build_ended_values(ended: Ended) -> dict[str, Any]:
    """Build the columns that an answer has once it has ended."""
    usage = ended.usage or Usage()
    return {
        "input_tokens": _limit(usage.input_tokens),
        "output_tokens": _limit(usage.output_tokens),
        "cached_input_tokens": _limit(usage.cached_input_tokens),
        "first_token_ms": ended.first_token_ms,
        "duration_ms": ended.duration_ms,
        "finish_reason": ended.finish_reason,
    }


def parse_summary(row: Mapping[str, Any]) -> Summary:
    """Read a conversation's row."""
    return Summary(
        row["id"],
        row["agent"],
        row["model"],
        row["title"],
        parse_ms(row["begun_at"]),
        parse_ms(row["changed_at"]),
        row["messages"],
    )


def build_recap_values(conversation_id: str, text: str, last: int, at: datetime) -> dict[str, Any]:
    """Build the columns of a summary that is sent in the place of messages."""
    content = text.encode("utf-8", "surrogatepass")
    return {"id": conversation_id, "text": content, "last": last, "at": count_ms(at)}


def parse_conversation(
    row: Mapping[str, Any],
    messages: Iterable[Mapping[str, Any]],
    recaps: Iterable[Mapping[str, Any]] = (),
) -> KeptConversation:
    """Read a conversation's row and those that go with it. Raises `ValueError` if one is broken."""
    kept = tuple(map(_parse_message, messages))
    recap = next(map(_parse_recap, recaps), None)
    return KeptConversation(parse_summary(row), parse_settings(row["settings"]), kept, recap)


def parse_found(row: Mapping[str, Any]) -> Found:
    """Read what a search found."""
    return Found(
        row["id"],
        row["agent"],
        row["title"],
        row["role"],
        parse_ms(row["said_at"]),
        parse_snippet(row["snippet"]),
    )


def parse_spent(row: Mapping[str, Any]) -> Spent:
    """Read what a model did on a day."""
    return Spent(**{name: row[name] for name in Spent.__slots__})


def parse_used(row: Mapping[str, Any]) -> Used:
    """Read the tokens of one model."""
    counts = (row["input_tokens"], row["output_tokens"], row["cached_input_tokens"])
    return Used(row["day"], row["model"], row["base_url"], Usage(*counts))


def _parse_message(row: Mapping[str, Any]) -> KeptMessage:
    is_answer = row["role"] == "assistant"
    complete = row["state"] != "incomplete"
    return KeptMessage(
        row["number"],
        Message(row["role"], parse_content(row["content"]), complete),
        row["state"],
        parse_ms(row["said_at"]),
        bool(row["is_replaced"]),
        _parse_by(row) if is_answer else None,
        _parse_ended(row) if is_answer else None,
    )


def _parse_recap(row: Mapping[str, Any]) -> KeptRecap:
    text = bytes(row["text"]).decode("utf-8", "surrogatepass")
    return KeptRecap(text, row["last"], parse_ms(row["made_at"]))


def _parse_by(row: Mapping[str, Any]) -> AnsweredBy:
    return AnsweredBy(
        row["agent"],
        row["agent_version"],
        row["model"],
        row["protocol"],
        row["base_url"],
        row["credential"],
    )


def _parse_ended(row: Mapping[str, Any]) -> Ended:
    usage = Usage(row["input_tokens"], row["output_tokens"], row["cached_input_tokens"])
    return Ended(
        None if usage == Usage() else usage,
        row["first_token_ms"],
        row["duration_ms"],
        row["finish_reason"],
    )


def _limit(number: int | None) -> int | None:
    # An upstream may count anything; SQLite counts so far.
    return None if number is None else max(-_MOST, min(number, _MOST))


def parse_ms(number: int) -> datetime:
    """Read a moment as the database holds it."""
    return _EPOCH + number * _MILLISECOND
