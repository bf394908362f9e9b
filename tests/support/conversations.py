"""Saved conversations: a store in the test's home, and turns written into it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.chat.conversations import Conversations
from hiveloom_cli.chat.migrations import MIGRATIONS
from hiveloom_cli.chat.record import AnsweredBy, Ended, Question
from hiveloom_cli.chat.store import Store
from hiveloom_cli.protocols.event import Usage
from hiveloom_cli.protocols.message import Message, TextPart, build_user_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.chat.migrations import Migrations

BEGUN_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def get_path() -> Path:
    return Path(os.environ["HIVELOOM_HOME"]) / "conversations.db"


def list_drafts() -> list[Path]:
    """List the files of turns that are not over."""
    return sorted(get_path().with_name("unfinished").glob("*"))


def lose_drafts() -> None:
    """Take away what a power cut may take: all that is not in the database."""
    for path in list_drafts():
        path.unlink()


@contextmanager
def open_conversations(migrations: Migrations = MIGRATIONS) -> Iterator[Conversations]:
    store = Store(get_path(), migrations)
    try:
        yield Conversations(store)
    finally:
        store.close()


def build_question(
    text: str,
    *,
    id_: str = "01k0000000001",
    agent: str = "helper",
    days: int = 0,
) -> Question:
    by = AnsweredBy(agent, 1, "m", "openai", "http://127.0.0.1/v1", "openai")
    at = BEGUN_AT + timedelta(days=days)
    return Question(id_, Agent(agent, "m"), build_user_message(text), by, at)


def build_answer(text: str, *, complete: bool = True) -> Message:
    return Message("assistant", (TextPart(text),), complete)


def save_turn(
    conversations: Conversations,
    asked: str,
    answered: str = "",
    *,
    id_: str = "01k0000000001",
    agent: str = "helper",
    days: int = 0,
    is_new: bool = True,
) -> int:
    """Keep a question and its answer; return the question's number."""
    question = build_question(asked, id_=id_, agent=agent, days=days)
    turn = conversations.begin_turn(question, is_new=is_new)
    if answered:
        ended = Ended(Usage(10, 20, 5), 100, 1000, "stop")
        answer = build_answer(answered)
        conversations.save_answer(question, turn, [], [answer], question.said_at, ended=ended)
    return turn


def read_texts(conversations: Conversations, id_: str = "01k0000000001") -> list[str]:
    return [kept.message.text for kept in conversations.load(id_).messages if not kept.is_replaced]
