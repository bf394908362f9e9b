"""What happens in a turn: the one stream that every face of the program reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallReady,
    Usage,
    UsageReported,
)

if TYPE_CHECKING:
    from hiveloom_cli.protocols.message import Message, ToolCall, ToolResult
from hiveloom_cli.upstream.event import Notice, RetryWaiting


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
    """The last event of a turn that succeeded. `usage` is None where the upstream said nothing."""

    message: Message
    finish_reason: FinishReason
    usage: Usage | None


Event: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | ToolCallReady
    | ToolStarted
    | ToolEnded
    | RetryWaiting
    | UsageReported
    | Notice
    | TurnEnded
)
