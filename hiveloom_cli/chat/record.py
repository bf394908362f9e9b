"""What is kept of conversations, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.message import Message

# Of an answer: whether all of it came. Of a question: whether anything came of it.
State: TypeAlias = Literal["complete", "incomplete", "unanswered"]


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """Who answers: an agent ("" for none) at a version (0 for unknown), a model, an upstream.

    Without a model it was answered elsewhere, and sent along by whoever goes on with it here.
    `base_url` is without its query, which some services take keys in; `credential` is a name.
    """

    agent: str
    agent_version: int
    model: str
    protocol: str
    base_url: str
    credential: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What is known of an answer once it has ended; None is "not known".

    Both times count from the request that was answered, so that waiting for a retry is not in them.
    """

    usage: Usage | None = None
    first_token_ms: int | None = None
    duration_ms: int | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a person says, and all that has to be known to keep it."""

    conversation_id: str
    agent: Agent
    message: Message
    by: AnsweredBy
    said_at: datetime


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message as it is kept. `by` and `ended` are those of an answer.

    A replaced one is no longer part of the conversation: another answer was asked for.
    """

    number: int
    message: Message
    state: State
    said_at: datetime
    is_replaced: bool = False
    by: AnsweredBy | None = None
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation without what was said in it; `messages` says how many there are."""

    id: str
    agent: str
    model: str
    title: str
    begun_at: datetime
    changed_at: datetime
    messages: int


@dataclass(frozen=True, slots=True)
class KeptRecap:
    """A summary that is sent in the place of all messages up to the one numbered `last`."""

    text: str
    last: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class KeptConversation:
    """A conversation with all that was said; `agent` has the settings that were used last."""

    summary: Summary
    agent: Agent
    messages: tuple[KeptMessage, ...]
    recap: KeptRecap | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which conversations are meant; None leaves a side open. `until` itself is not in it."""

    agent: str | None = None
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A message that a search found; the snippet's pieces say of themselves whether they match.

    `role` is a message's, or `tool` for one that brings results of tools.
    """

    conversation_id: str
    agent: str
    title: str
    role: str
    said_at: datetime
    snippet: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """What one model did on one day. `tokens_per_s` counts the whole wait for an answer."""

    day: str
    model: str
    answers: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    first_token_ms: float | None
    tokens_per_s: float | None


@dataclass(frozen=True, slots=True)
class Used:
    """The tokens of one model at one address on one day."""

    day: str
    model: str
    base_url: str
    usage: Usage
