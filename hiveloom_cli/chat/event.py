"""What happens in a turn: the one stream that every face of the program reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ThoughtEnded,
    ToolCallReady,
    Usage,
    UsageReported,
)

if TYPE_CHECKING:
    from hiveloom_cli.protocols.message import Message, ToolCall, ToolResult
    from hiveloom_cli.tools.approval import Question
from hiveloom_cli.upstream.event import Notice, RetryWaiting


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """A tool wants to run, and somebody has to say whether it may; whoever does answers `question`.

    Where nobody does, the answer is no.
    """

    call: ToolCall
    question: Question


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool has begun to run."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool has given its result."""

    call: ToolCall
    result: ToolResult


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The last event of a turn that succeeded; `message` is the answer after any tools.

    `usage` is what all of the turn cost, `last_usage` what its last request did, None if not said;
    `stop` is the text at which the model stopped, "" if not said.
    """

    message: Message
    finish_reason: FinishReason
    usage: Usage | None
    last_usage: Usage | None = None
    stop: str = ""


Event: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | ThoughtEnded
    | ToolCallReady
    | ApprovalAsked
    | ToolStarted
    | ToolEnded
    | RetryWaiting
    | UsageReported
    | Notice
    | TurnEnded
)
