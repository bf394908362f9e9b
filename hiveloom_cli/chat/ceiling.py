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
from hiveloom_cli.chat.estimate import estimate_messages, estimate_text, estimate_tools
from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.errors import StoreUnusable
from hiveloom_cli.protocols.event import (
    ReasoningDelta,
    TextDelta,
    ToolCallReady,
    Usage,
    UsageReported,
    add_usage,
)
from hiveloom_cli.upstream.event import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from hiveloom_cli.agents.limits import Limits
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.prices import Price
    from hiveloom_cli.protocols.message import Message


_NOTHING = Usage(0, 0)


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
        turn = self._turn
        if turn is None:
            return
        asked = self._estimate(conversation, said)
        self._check(asked, self._measure(turn.build_usage() or Usage()))
        turn.begin_request(len(conversation.messages) + len(said), asked.usage)

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
            request = conversation.build_request()
            count, tokens = 0, estimate_text(request.system) + estimate_tools(request.tools)
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
        if turn.messages is not None and turn.last is not None and turn.last.input_tokens:
            self._measured.append((turn.messages, turn.last.input_tokens))

    def _warn(self) -> Iterator[Notice]:
        for passed in find_worn(self._limits, self._spent, self._day):
            if passed.setting not in self._warned:
                self._warned.add(passed.setting)
                spent = self._day if passed.is_daily else self._spent
                yield Notice(build_warning(self._limits, passed, spent))


class _Turn:
    """What is known of the cost of a turn under way.

    `messages` are those of its last request, None where that does not send the conversation;
    `last` is what it cost, as far as it is told.
    """

    def __init__(self, asked: Usage, messages: int | None) -> None:
        self.is_counted = False
        self.last: Usage | None = None
        self._usage: Usage | None = None  # what was reported of all requests so far
        self._guessed = self._missed = _NOTHING  # all requests before this one; those not reported
        self._has_rounds = False
        self._open(messages, asked)

    def _open(self, messages: int | None, asked: Usage) -> None:
        self.messages = messages
        self._asked = asked
        self._pieces: list[str] = []
        self._is_reported = False

    def begin_request(self, messages: int, asked: Usage) -> None:
        """Go on with another request, after tools ran."""
        self._guessed, self._missed = self._add_request()
        self._has_rounds, self.last = True, None
        self._open(messages, asked)

    def note(self, event: Event) -> None:
        """Take in what happens."""
        match event:
            case UsageReported():
                self._usage, self._is_reported = event.usage, True
                if not self._has_rounds:
                    self.last = event.usage
            case TurnEnded():
                self._usage = event.usage or self._usage
                self.last = event.last_usage
            case TextDelta(text) | ReasoningDelta(text):
                self._pieces.append(text)
            case ToolCallReady(call):
                self._pieces += (call.name, call.arguments)

    def build_usage(self) -> Usage | None:
        """Build what counts; None where nothing came."""
        has_begun = self._is_reported or self._pieces
        if self._usage is None and not self._has_rounds and not has_begun:
            return None
        guessed, missed = self._add_request() if has_begun else (self._guessed, self._missed)
        reported = self._usage or Usage()
        return replace(
            reported,
            input_tokens=_join(reported.input_tokens, missed.input_tokens, guessed.input_tokens),
            output_tokens=_join(
                reported.output_tokens, missed.output_tokens, guessed.output_tokens
            ),
        )

    def _add_request(self) -> tuple[Usage, Usage]:
        """Add the request that is under way to what was guessed, and to what was not reported."""
        guess = Usage(self._asked.input_tokens, estimate_text("".join(self._pieces)))
        missed = self._missed if self._is_reported else add_usage(self._missed, guess)
        return add_usage(self._guessed, guess) or _NOTHING, missed or _NOTHING


def _join(reported: int | None, missed: int | None, guessed: int | None) -> int:
    return (guessed or 0) if reported is None else reported + (missed or 0)
