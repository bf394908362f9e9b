"""A ceiling holds: what is counted plus what is estimated never passes it."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.agents.limits import Limits
from hiveloom_cli.chat.budget import Amount
from hiveloom_cli.chat.ceiling import Ceiling
from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.chat.estimate import estimate_messages
from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.chat.prices import Price
from hiveloom_cli.chat.turns import Turns
from hiveloom_cli.errors import CeilingReached, StoreUnusable, StreamCutShort
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReplyEnded,
    TextDelta,
    Usage,
    UsageReported,
)
from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    ReasoningPart,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
    build_user_message,
)
from hiveloom_cli.protocols.request import Parameters
from hiveloom_cli.upstream.event import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.protocols.message import Part
    from hiveloom_cli.protocols.request import ChatRequest

CUT = StreamCutShort("cut")


class Scripted:
    """A model whose replies are lists of events; an exception among them is raised."""

    def __init__(self, *replies: list[object]) -> None:
        self.replies = [*replies]
        self.asked = 0
        self._text = ""

    def open_reply(self, chat: ChatRequest) -> Scripted:
        self.asked += 1
        self._text = ""
        return self

    def stream_events(self) -> Iterator[object]:
        for event in self.replies.pop(0):
            if isinstance(event, BaseException):
                raise event
            self._text += event.text if isinstance(event, TextDelta) else ""
            yield event

    def build_partial(self) -> Message:
        parts = (TextPart(self._text),) if self._text else ()
        return Message("assistant", parts, complete=False)


def answer(usage: Usage | None, text: str = "fine", reason: str = "stop") -> list[object]:
    said = Message("assistant", (TextPart(text),))
    reported = [UsageReported(usage)] if usage else []
    return [TextDelta(text), *reported, ReplyEnded(said, FinishReason(reason), reason)]


class Chat:
    """Turns under a ceiling; each message of four characters is one token, and four around it."""

    def __init__(
        self,
        limits: Limits,
        *replies: list[object],
        price: Price | None = None,
        day: Amount | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self.day = day or Amount()
        self.ceiling = Ceiling(limits, price, agent="helper", load_day=lambda: self.day)
        self.model = Scripted(*replies)
        self.agent = Agent("helper", "m", parameters=Parameters(max_tokens=max_tokens))
        self.conversation = Conversation("id1", self.agent)
        self._turns = Turns(self.model, None, self.ceiling)  # type: ignore[arg-type]

    def ask(self, text: str = "four") -> list[Event]:
        return list(self._turns.take(self.conversation, build_user_message(text)))

    def notices(self, text: str = "four") -> list[str]:
        return [event.text for event in self.ask(text) if isinstance(event, Notice)]


def test_a_request_that_just_reaches_a_limit_is_sent_and_one_more_token_is_not() -> None:
    replies = (answer(Usage(10, 20)), answer(Usage(12, 1)))
    # The second request: 10 counted, 5 for the answer, 5 for what is said.
    assert Chat(Limits(max_total_tokens=50), *replies).ask()
    exact = Chat(Limits(max_total_tokens=50), *replies)
    exact.ask()
    assert isinstance(exact.ask()[-1], TurnEnded)
    short = Chat(Limits(max_total_tokens=49), *replies)
    short.ask()
    with pytest.raises(CeilingReached) as caught:
        short.ask()
    assert short.model.asked == 1
    assert caught.value.message == (
        "helper may spend 49 tokens in a conversation (max_total_tokens): 30 tokens so far, and"
        " this request would be about 20 tokens more"
    )
    assert "--max-total-tokens" in caught.value.hint
    assert "agent edit helper --set max_total_tokens=" in caught.value.hint
    assert len(short.conversation.messages) == 2


def test_the_longest_answer_counts_beforehand_where_it_is_limited() -> None:
    assert Chat(Limits(max_total_tokens=10), answer(None), max_tokens=5).ask()
    with pytest.raises(CeilingReached):
        Chat(Limits(max_total_tokens=9), max_tokens=5).ask()


PRICE = Price("m", Decimal(100_000), Decimal(200_000))  # 0.1 and 0.2 dollars a token


def test_dollars_are_exact() -> None:
    # 0.1 + 0.2 spent, and 1.1 for eleven tokens more: in binary fractions that is more than 1.4.
    replies = (answer(Usage(1, 1)), answer(Usage(1, 1)))
    exact = Chat(Limits(max_cost=1.4), *replies, price=PRICE)
    exact.ask()
    assert exact.ask()
    short = Chat(Limits(max_cost=1.39), *replies, price=PRICE)
    short.ask()
    with pytest.raises(CeilingReached) as caught:
        short.ask()
    assert "may spend $1.39 in a conversation (max_cost): $0.30 so far" in caught.value.message


def test_a_warning_comes_once_before_the_turn_is_over() -> None:
    chat = Chat(Limits(max_total_tokens=100), *[answer(Usage(1, 19))] * 4, answer(Usage(1, 1)))
    assert [chat.notices() for _ in range(3)] == [[], [], []]
    events = chat.ask()
    assert events[-2] == Notice(
        "80 tokens of 100 tokens spent in this conversation (80 % of max_total_tokens)"
    )
    chat.model.replies = [answer(Usage(1, 1))]
    assert chat.notices("") == []


def test_what_was_spent_before_is_warned_of_at_the_beginning() -> None:
    chat = Chat(Limits(max_total_tokens=100), answer(Usage(1, 1)))
    chat.ceiling.resume("id1", Amount(85), [])
    assert isinstance(chat.ask()[0], Notice)


def test_a_new_conversation_begins_at_nothing_and_the_day_goes_on() -> None:
    limits = Limits(max_total_tokens=50, max_total_tokens_per_day=1000)
    chat = Chat(limits, answer(Usage(10, 30)), answer(Usage(10, 30)))
    chat._turns._is_kept = lambda: True  # type: ignore[method-assign]
    chat.ask()
    with pytest.raises(CeilingReached):
        chat.ask()
    chat.conversation = Conversation("id2", chat.agent)
    assert chat.ask()
    chat.day = Amount(1000)
    chat.conversation = Conversation("id3", chat.agent)
    with pytest.raises(CeilingReached) as caught:
        chat.ask()
    assert "1,000 tokens today" in caught.value.message
    assert "tomorrow" in caught.value.hint


def test_a_turn_that_is_not_kept_is_not_sent_under_a_limit_of_the_day() -> None:
    chat = Chat(Limits(max_total_tokens_per_day=1000), answer(Usage(1, 1)))
    with pytest.raises(StoreUnusable):
        chat.ask()
    assert chat.model.asked == 0


@pytest.mark.parametrize(
    ("reply", "tokens"),
    [
        ([CUT], 0),
        ([UsageReported(Usage(10, 1)), CUT], 11),
        ([TextDelta("eight ch"), CUT], 7),
        ([UsageReported(Usage(10)), TextDelta("eight ch"), CUT], 12),
        ([UsageReported(Usage(-10, -1)), CUT], 0),
        ([TextDelta("eight ch"), KeyboardInterrupt()], 7),
    ],
)
def test_a_turn_that_failed_counts_as_far_as_is_known(reply: list[object], tokens: int) -> None:
    chat = Chat(Limits(max_total_tokens=1000), reply)
    with suppress(StreamCutShort, KeyboardInterrupt):
        chat.ask()
    assert chat.ceiling._spent == Amount(tokens)


def test_what_a_pause_cost_counts_when_the_rest_fails() -> None:
    first = [*answer(Usage(10, 5), reason="pause_turn")[1:]]
    chat = Chat(Limits(max_total_tokens=1000), first, [UsageReported(Usage(20, 1)), CUT])
    with suppress(StreamCutShort):
        chat.ask()
    assert chat.ceiling._spent == Amount(36)


def test_a_chat_that_forgets_its_last_answer_is_measured_by_what_came_before() -> None:
    chat = Chat(Limits(max_total_tokens=1000), answer(Usage(100, 1)), answer(Usage(300, 1)))
    chat.ask()
    chat.ask()
    del chat.conversation.messages[2:]
    message = build_user_message("four")
    assert chat.ceiling._estimate(chat.conversation, [message]).tokens == 110


@given(
    st.integers(1, 400),
    st.none() | st.integers(1, 50),
    st.lists(
        st.tuples(
            st.text(max_size=40),
            st.text(min_size=1, max_size=40),
            st.none() | st.tuples(st.integers(0, 60), st.none() | st.integers(0, 60)),
        ),
        max_size=12,
    ),
)
def test_no_request_is_sent_that_would_pass_the_ceiling(
    most: int, max_tokens: int | None, turns: list[tuple[str, str, tuple[int, int | None] | None]]
) -> None:
    chat = Chat(Limits(max_total_tokens=most), max_tokens=max_tokens)
    for asked, answered, usage in turns:
        chat.model.replies = [answer(Usage(*usage) if usage else None, answered)]
        before, sent = chat.ceiling._spent.tokens, chat.model.asked
        message = build_user_message(asked)
        estimate = chat.ceiling._estimate(chat.conversation, [message]).tokens
        with suppress(CeilingReached):
            chat.ask(asked)
        assert (chat.model.asked > sent) == (before + estimate <= most)
        assert chat.ceiling._spent.tokens >= before


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        (TextPart(""), 0),
        (TextPart("12345"), 2),
        (TextPart("\ud83d"), 1),
        (TextFilePart("a name", "1234"), 1),
        (ReasoningPart("1234", "thinking"), 1),
        (OpaquePart("{  }"), 1),
        (ToolCall("id", "name", "{  }"), 2),
        (ToolResult("id", "1234"), 1),
        (ImagePart("image/png", b""), 1600),
        (DocumentPart("a.pdf", b"%PDF-"), 2500),
    ],
)
def test_each_part_is_estimated(part: Part, tokens: int) -> None:
    assert estimate_messages([Message("user", (part,))]) == 4 + tokens
