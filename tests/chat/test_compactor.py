"""Making room because a person asks for it, and being interrupted while it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.limits import Limits
from hiveloom_cli.chat.ceiling import Ceiling
from hiveloom_cli.chat.conversation import Conversation, Recap
from hiveloom_cli.chat.record import AnsweredBy, Ended, Filter
from hiveloom_cli.chat.recorder import Recorder
from hiveloom_cli.chat.resume import build_resumed
from hiveloom_cli.chat.turns import Turns
from hiveloom_cli.errors import AnswerEmpty, CeilingReached, StoreUnusable
from hiveloom_cli.protocols.event import FinishReason, ReplyEnded, TextDelta
from hiveloom_cli.protocols.message import Message, TextPart, build_user_message
from hiveloom_cli.upstream.event import Notice
from tests.support.clocks import ManualClock
from tests.support.conversations import open_conversations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.protocols.request import ChatRequest

BY = AnsweredBy("helper", 1, "m", "openai", "http://127.0.0.1/v1", "openai")
LONG = "x" * 800


class OneReply:
    def __init__(self, said: str | Exception) -> None:
        self._said = said

    def stream_events(self) -> Iterator[TextDelta | ReplyEnded]:
        if isinstance(self._said, Exception):
            raise self._said
        yield TextDelta(self._said)
        message = Message("assistant", (TextPart(self._said),))
        yield ReplyEnded(message, FinishReason.STOP, "stop")

    def build_partial(self) -> Message:
        return Message("assistant", (), complete=False)


class Model:
    """Says one thing after the other; what is an exception it raises."""

    def __init__(self, *said: str | Exception) -> None:
        self.asked: list[ChatRequest] = []
        self._said = list(said)

    def open_reply(self, chat: ChatRequest) -> OneReply:
        self.asked.append(chat)
        return OneReply(self._said.pop(0))


def begin(turns: Turns, words: str) -> Conversation:
    conversation = Conversation("id1", Agent("helper", "m"))
    for word in words:
        list(turns.take(conversation, build_user_message(f"{word} {LONG}")))
    return conversation


def test_a_person_can_ask_for_a_summary_and_it_is_kept() -> None:
    with open_conversations() as conversations:
        model = Model("A", "B", "C", "D", "short", "E")
        turns = Turns(model, Recorder(conversations, BY, ManualClock()))
        conversation = begin(turns, "abcd")
        events = list(turns.compact(conversation))
        assert events == [Notice("4 earlier messages were summarised to make room")]
        assert conversation.summary == Recap("short", 4)
        assert len(conversation.messages) == 8
        resumed = build_resumed(conversations.load("id1"), conversation.agent, stream=True)
        assert resumed.conversation.build_request() == conversation.build_request()
        list(turns.take(conversation, build_user_message("e")))
        assert "short" in model.asked[-1].messages[0].text
        assert turns.take_problem() is None


def test_a_summary_of_which_nothing_is_reported_counts_as_estimated() -> None:
    with open_conversations() as conversations:
        ceiling = Ceiling(Limits(max_total_tokens=5000))
        turns = Turns(
            Model("A", "B", "C", "D", "short"), Recorder(conversations, BY, ManualClock()), ceiling
        )
        conversation = begin(turns, "abcd")
        before = ceiling._spent.tokens
        list(turns.compact(conversation))
        assert ceiling._spent.tokens > before + len(LONG)
        (row,) = (row for row in conversations.load("id1").messages if row.is_replaced)
        assert (row.message.text, row.ended) == ("", Ended(duration_ms=0))
        (used,) = conversations.load_used(Filter(), is_guessed=True)
        assert used.usage.input_tokens is not None
        assert used.usage.input_tokens > before


def test_no_summary_is_made_that_would_pass_a_limit_or_that_a_day_could_not_count() -> None:
    model = Model("A", "B")
    turns = Turns(model, None, Ceiling(Limits(max_total_tokens=1000)))
    conversation = begin(turns, "ab")
    with pytest.raises(CeilingReached, match="max_total_tokens"):
        list(turns.compact(conversation))
    turns = Turns(model, None, Ceiling(Limits(max_total_tokens_per_day=5000)))
    with pytest.raises(StoreUnusable, match="per day"):
        list(turns.compact(conversation))
    assert len(model.asked) == 2
    assert conversation.summary is None


def test_there_may_be_too_little_to_summarise() -> None:
    turns = Turns(Model("A"))
    conversation = begin(turns, "a")
    assert list(turns.compact(conversation)) == [Notice("there is too little to summarise")]
    assert list(turns.compact(Conversation("id2", Agent("", "m")))) == [
        Notice("there is too little to summarise")
    ]


def test_a_summary_that_was_asked_for_and_fails_leaves_all_as_it_was() -> None:
    turns = Turns(Model("A", "B", AnswerEmpty("no")))
    conversation = begin(turns, "ab")
    before = conversation.build_request()
    assert list(turns.compact(conversation)) == [
        Notice("earlier messages could not be summarised (no)")
    ]
    assert conversation.build_request() == before


def test_a_turn_that_is_left_while_it_summarises_leaves_all_as_it_was() -> None:
    class Leaving(Exception):
        pass

    model = Model("A", "B", Leaving())
    turns = Turns(model, load_window=lambda _: 600)
    conversation = begin(turns, "ab")
    before = conversation.build_request()
    try:
        list(turns.take(conversation, build_user_message(LONG)))
    except Leaving:
        assert "Summarise" in model.asked[-1].messages[0].text
        assert conversation.build_request() == before
    else:
        raise AssertionError("it went on")
