"""Ceilings of what a chat may spend: checked before each request, counted after it.

A turn counts as one request here, however often it has to be sent. What an upstream reports counts
as reported; what it does not, such as an answer that was stopped half-way, counts as estimated.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.chat.budget import (
    Amount,
    build_warning,
    decide_passed,
    explain_passed,
    find_worn,
)
from hiveloom_cli.chat.estimate import estimate_messages, estimate_text
from hiveloom_cli.chat.event import ToolEnded, TurnEnded
from hiveloom_cli.errors import StoreUnusable
from hiveloom_cli.protocols.event import ReasoningDelta, TextDelta, Usage, UsageReported
from hiveloom_cli.upstream.event import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from hiveloom_cli.agents.limits import Limits
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.prices import Price
    from hiveloom_cli.protocols.message import Message


class Ceiling:
    """Holds the turns of one chat to `limits`.

    `price` is needed where money is limited. `load_day` reads what was spent today, by whomever;
    it is asked before each turn where a day is limited, and raises where it cannot be read.
    """

    def __init__(
        self,
        limits: Limits,
        price: Price | None = None,
        *,
        agent: str = "",
        load_day: Callable[[], Amount] = Amount,
    ) -> None:
        self._limits = limits
        self._price = price
        self._agent = agent
        self._load_day = load_day
        self._conversation_id = ""
        self._spent = Amount()
        self._day = Amount()
        # How many messages a request had, and how many tokens they were: the last one that still
        # is a beginning of the conversation tells what the next request is.
        self._measured: list[tuple[int, int]] = []
        self._warned: set[str] = set()
        self._turn: _Turn | None = None

    def resume(
        self, conversation_id: str, spent: Amount, measured: Sequence[tuple[int, int]]
    ) -> None:
        """Go on with a conversation that has spent something already.

        `measured` says of its requests how many messages and how many tokens they had.
        """
        self._conversation_id = conversation_id
        self._spent = spent
        self._measured = [*measured]

    def take_over(self, former: Ceiling) -> None:
        """Go on with what another ceiling has counted, where another model is to answer."""
        self.resume(former._conversation_id, former._spent, former._measured)
        self._warned = {*former._warned}

    def watch(
        self, conversation: Conversation, message: Message | None, events: Generator[Event]
    ) -> Generator[Event]:
        """Yield the events of a turn, unless it would pass a limit: raises `CeilingReached`.

        Without a `message` they are those of making a summary.
        """
        self._begin(conversation)
        asked = self._estimate(conversation, [] if message is None else [message])
        self._check(asked, Amount())
        sent = None if message is None else len(conversation.messages) + 1
        self._turn = turn = _Turn(asked.usage, sent)
        before = conversation.summary
        try:
            with closing(events):
                yield from self._warn()
                yield from self._relay(turn, events)
        finally:
            recap = conversation.summary
            if message is None and recap is not None and recap is not before:
                turn.note(TextDelta(recap.text))
            self._count(turn)
        yield from self._warn()

    def check_next(self, conversation: Conversation, said: Sequence[Message]) -> None:
        """Return if the turn under way may make another request, which sends `said`.

        Raises `CeilingReached`.
        """
        usage = self._turn.build_usage() if self._turn is not None else None
        self._check(self._estimate(conversation, said), self._measure(usage or Usage()))

    def _check(self, asked: Amount, turn: Amount) -> None:
        """Raise `CeilingReached` if what is asked would pass a limit, after what the turn cost."""
        conversation, day = self._spent + turn, self._day + turn
        passed = decide_passed(self._limits, conversation, day, asked)
        if passed:
            spent = day if passed.is_daily else conversation
            raise explain_passed(self._limits, passed, spent, asked, self._agent)

    def guard(self, events: Generator[Event], is_kept: Callable[[], bool]) -> Generator[Event]:
        """Yield the events of a turn once it is kept, where a limit depends on that.

        What is not kept is not counted by anyone else, so that the day's limit would not hold.
        """
        if self._limits.is_daily and not is_kept():
            raise StoreUnusable(
                "a limit per day counts what is kept, and this chat cannot be kept",
                hint="see to what keeps it from being saved, or take the limit out of the agent",
            )
        yield from events

    def _begin(self, conversation: Conversation) -> None:
        if conversation.id != self._conversation_id:
            self._conversation_id = conversation.id
            self._spent, self._measured = Amount(), []
            self._warned = {setting for setting in self._warned if setting.endswith("_per_day")}
        if self._limits.is_daily:
            self._day = self._load_day()

    def _estimate(self, conversation: Conversation, said: Sequence[Message]) -> Amount:
        """Estimate what the next request will cost, its answer only where that has a limit."""
        messages = conversation.messages
        while self._measured and self._measured[-1][0] > len(messages):
            self._measured.pop()
        if self._measured:
            count, tokens = self._measured[-1]
        else:
            count, tokens = 0, estimate_text(conversation.agent.system_prompt)
        tokens += estimate_messages((*messages[count:], *said))
        most = conversation.agent.parameters.max_tokens or 0
        return self._measure(Usage(tokens, most))

    def _measure(self, usage: Usage) -> Amount:
        return Amount.build(usage, self._price)

    def _relay(self, turn: _Turn, events: Generator[Event]) -> Iterator[Event]:
        for event in events:
            turn.note(event)
            if isinstance(event, TurnEnded):
                self._count(turn)
                yield from self._warn()
            yield event

    def _count(self, turn: _Turn) -> None:
        if turn.is_counted:
            return
        turn.is_counted = True
        usage = turn.build_usage()
        if usage is None:
            return
        self._spent += self._measure(usage)
        self._day += self._measure(usage)
        counted = turn.usage.input_tokens if turn.usage is not None else None
        if turn.messages is not None and counted and not turn.is_sum:
            self._measured.append((turn.messages, counted))

    def _warn(self) -> Iterator[Notice]:
        for passed in find_worn(self._limits, self._spent, self._day):
            if passed.setting not in self._warned:
                self._warned.add(passed.setting)
                spent = self._day if passed.is_daily else self._spent
                yield Notice(build_warning(self._limits, passed, spent))


class _Turn:
    """What is known of the cost of a turn under way.

    `messages` are those of its request, None where that does not send the conversation.
    """

    def __init__(self, asked: Usage, messages: int | None) -> None:
        self.messages = messages
        self.usage: Usage | None = None
        self.is_sum = False  # of several requests
        self.is_counted = False
        self._asked = asked
        self._pieces: list[str] = []

    def note(self, event: Event) -> None:
        """Take in what happens."""
        match event:
            case UsageReported():
                self.usage = event.usage
            case TurnEnded():
                self.usage = event.usage or self.usage
            case TextDelta(text) | ReasoningDelta(text):
                self._pieces.append(text)
            case ToolEnded():
                self.is_sum = True

    def build_usage(self) -> Usage | None:
        """Build what counts; None where nothing came."""
        if self.usage is None and not self._pieces:
            return None
        reported = self.usage or Usage()
        came = estimate_text("".join(self._pieces))
        return replace(
            reported,
            input_tokens=_first(reported.input_tokens, self._asked.input_tokens),
            output_tokens=_first(reported.output_tokens, came),
        )


def _first(reported: int | None, estimated: int | None) -> int | None:
    return estimated if reported is None else reported
