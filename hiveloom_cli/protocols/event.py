"""What a reply says as it arrives: the vocabulary that both wire formats are read into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from hiveloom_cli.protocols.message import Message, ReasoningPart, ToolCall


class FinishReason(StrEnum):
    """Why a reply ended, in Chat Completions' words where it has one."""

    STOP = "stop"
    LENGTH = "length"  # the limit on output tokens, or the context window, cut it
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"  # refused by the model or by a filter
    PAUSE = "pause_turn"  # Anthropic: send the reply back as it is to go on
    ERROR = "error"  # the upstream gave up in the middle
    OTHER = "other"  # a word that neither specification has


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request; None is "not said". `input_tokens` counts the cached ones too."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None


def add_usage(first: Usage | None, second: Usage | None) -> Usage | None:
    """Add up what two requests cost; what only one of them says counts as it is."""
    if first is None or second is None:
        return first or second
    return Usage(
        _add(first.input_tokens, second.input_tokens),
        _add(first.output_tokens, second.output_tokens),
        _add(first.cached_input_tokens, second.cached_input_tokens),
    )


def _add(first: int | None, second: int | None) -> int | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The answer's next piece of text, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of what the model thinks before it answers, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ThoughtEnded:
    """A block of thoughts is whole: `part` is what its maker takes back, as it came.

    Only Anthropic Messages has such blocks; one may hold no text, or none that can be read.
    """

    part: ReasoningPart


@dataclass(frozen=True, slots=True)
class ToolCallReady:
    """A whole tool call, told only once the reply is complete: a prefix can look whole too."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class UsageReported:
    """What the reply cost so far; a later report replaces an earlier one."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """The terminal event: the reply is complete.

    `raw_reason` is the upstream's own word for why, `explanation` its own text about it, if it gave
    any: Anthropic says there why a model refused. `stop` is the text at which it stopped, as far as
    an upstream tells.
    """

    message: Message
    finish_reason: FinishReason
    raw_reason: str
    explanation: str = ""
    stop: str = ""


ReplyEvent: TypeAlias = (
    TextDelta | ReasoningDelta | ThoughtEnded | ToolCallReady | UsageReported | ReplyEnded
)
