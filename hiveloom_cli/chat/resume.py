"""Going on with a conversation that was kept."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from hiveloom_cli.chat.conversation import Conversation, Measured, Recap
from hiveloom_cli.chat.exchanges import is_question
from hiveloom_cli.chat.recovery import NO_ROW
from hiveloom_cli.protocols.event import add_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.chat.record import KeptConversation, KeptMessage
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.message import Message


@dataclass(frozen=True, slots=True)
class Resumed:
    """A conversation that goes on, and what of it is elsewhere than in its messages.

    `rows` are the numbers of its messages, as far as the database has them. `unanswered` is what
    was said last, if nothing came of it; it is not among the messages. `asked` is what was asked
    last, and how many messages stood before it; `last` is that question with what came of it.
    `spent` is what all answers cost, also those that were replaced, and `cost` the dollars for it,
    if anyone knows the prices.
    """

    conversation: Conversation
    rows: tuple[int, ...]
    unanswered: tuple[int, Message] | None
    asked: tuple[Message, int] | None
    last: tuple[KeptMessage, ...]
    spent: Usage | None = None
    cost: Decimal | None = None


def build_resumed(kept: KeptConversation, agent: Agent, *, stream: bool) -> Resumed:
    """Build what goes on, with the agent as it is today."""
    live = [message for message in kept.messages if not message.is_replaced]
    said = [message for message in live if message.state != "unanswered"]
    conversation = Conversation(
        kept.summary.id,
        agent,
        stream=stream,
        messages=[message.message for message in said],
        summary=_build_recap(kept, said),
        measured=_build_measured(kept, said),
    )
    rows = tuple(row.number for row in takewhile(lambda row: row.number != NO_ROW, said))
    spent = add_spent(kept.messages)
    if live and live[-1].state == "unanswered":
        open_one = live[-1]
        unanswered = (open_one.number, open_one.message)
        asked = (open_one.message, len(said))
        return Resumed(conversation, rows, unanswered, asked, (open_one,), spent)
    questions = [place for place, row in enumerate(said) if is_question(row.message)]
    if not questions:
        return Resumed(conversation, rows, None, None, (), spent)
    place = questions[-1]
    asked = (said[place].message, place)
    return Resumed(conversation, rows, None, asked, tuple(said[place:]), spent)


def add_spent(messages: Iterable[KeptMessage]) -> Usage | None:
    """Add up what answers cost, as far as it is known."""
    spent: Usage | None = None
    for row in messages:
        spent = add_usage(spent, row.ended.usage if row.ended else None)
    return spent


def find_version(kept: KeptConversation, agent: str) -> int:
    """Find the version of an agent that answered last; 0 if it is not known, or it was another."""
    by = next((row.by for row in reversed(kept.messages) if row.by is not None), None)
    return by.agent_version if by is not None and by.agent == agent else 0


def _build_recap(kept: KeptConversation, said: Sequence[KeptMessage]) -> Recap | None:
    recap = kept.recap
    if recap is None:
        return None
    places = (place for place, row in enumerate(said, 1) if row.number == recap.last)
    count = next(places, 0)
    return Recap(recap.text, count) if count else None


def _build_measured(kept: KeptConversation, said: Sequence[KeptMessage]) -> Measured | None:
    answers = [(place, row.ended) for place, row in enumerate(said, 1) if row.ended is not None]
    place, last = answers[-1] if answers else (0, None)
    usage = last.usage if last is not None else None
    if usage is None or not usage.input_tokens:
        return None
    if place < 2 or not is_question(said[place - 2].message):
        return None  # tools ran, and all requests of the turn were counted together
    asked_at = max((row.said_at for row in said[:place] if is_question(row.message)), default=None)
    # What making a summary cost is counted with the answer that it was made for.
    if kept.recap is not None and (asked_at is None or kept.recap.made_at >= asked_at):
        return None
    return Measured(usage.input_tokens + (usage.output_tokens or 0), place)
