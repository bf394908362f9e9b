"""A turn's events folded into one value, for readers that want the answer when it is whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from hiveloom_cli.chat.event import ToolEnded, ToolStarted, TurnEnded
from hiveloom_cli.errors import HiveloomError, StreamCutShort
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallReady,
    Usage,
    UsageReported,
)
from hiveloom_cli.upstream.event import Notice, RetryWaiting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.chat.event import Event


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a turn. `usage` is None where the upstream said nothing about it."""

    text: str
    finish_reason: FinishReason
    usage: Usage | None


def fold_answer(events: Iterable[Event]) -> Answer:
    """Read a turn to its end; what had arrived when it failed is the error's `partial`."""
    pieces: list[str] = []
    try:
        for event in events:
            match event:
                case TextDelta(text):
                    pieces.append(text)
                case TurnEnded():
                    return Answer("".join(pieces), event.finish_reason, event.usage)
                case ReasoningDelta() | ToolCallReady() | ToolStarted() | ToolEnded():
                    pass
                case UsageReported() | RetryWaiting() | Notice():
                    pass
                case _:
                    assert_never(event)
    except HiveloomError as error:
        error.partial = "".join(pieces)
        raise
    raise StreamCutShort("the turn ended without an answer", hint="ask again")
