"""What of a turn a client gets to see, in no wire format's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.chat.event import ToolEnded, ToolStarted, TurnEnded
from hiveloom_cli.protocols.event import FinishReason, ReasoningDelta, TextDelta, ThoughtEnded
from hiveloom_cli.protocols.history import list_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.protocols.message import ToolCall
    from hiveloom_cli.serve.asked import Asked

_BEGINNINGS = (TextDelta, ReasoningDelta, ThoughtEnded, ToolStarted, TurnEnded)
# Replies whose calls may be cut off in the middle.
_CUT = frozenset({FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.ERROR})


def begins_answer(event: Event) -> bool:
    """Whether a stream begins with an event: before that, a failure can still be an HTTP status."""
    return isinstance(event, _BEGINNINGS)


class PartedText:
    """A text that grows; what comes after a break is kept apart by a blank line."""

    def __init__(self) -> None:
        self._has_begun = False
        self._is_parted = False

    def add(self, text: str) -> str:
        """Return what the next piece adds to the text."""
        parted, self._is_parted, self._has_begun = self._is_parted, False, True
        return f"\n\n{text}" if parted else text

    def part(self) -> None:
        """Make a break, if there is anything before it."""
        self._is_parted = self._has_begun


class VisibleText:
    """The text of a turn as it comes; what was said before and after tools is kept apart.

    Where the answer has to fit a schema, only the last text of a turn is one that does. An answer
    that is not streamed is put together of the same pieces, so that it says the same.
    """

    def __init__(self, asked: Asked) -> None:
        self._is_whole = asked.output is not None
        self._text = PartedText()

    def take(self, event: Event) -> str:
        """Return what an event adds to the text, "" for nothing."""
        match event:
            case TextDelta(text) if not self._is_whole:
                return self._text.add(text)
            case ToolEnded():
                self._text.part()
            case TurnEnded(message) if self._is_whole:
                return message.text
        return ""


def find_end(events: Sequence[Event]) -> TurnEnded:
    """Return the end of a turn, which is the last of its events."""
    end = events[-1]
    if not isinstance(end, TurnEnded):
        raise TypeError("a turn has to have ended")
    return end


def list_shown_calls(ended: TurnEnded, asked: Asked) -> tuple[ToolCall, ...]:
    """List the calls of the client's own tools, which it is to run; none that may be cut off."""
    if ended.finish_reason in _CUT:
        return ()
    names = {tool.name for tool in asked.tools}
    calls = tuple(call for call in list_calls(ended.message) if call.name in names)
    return calls[:1] if asked.one_call else calls


def decide_reason(ended: TurnEnded, asked: Asked) -> FinishReason:
    """Decide why the answer ended: for a client there are no calls but of its own tools."""
    if list_shown_calls(ended, asked):
        return FinishReason.TOOL_CALLS
    if ended.finish_reason in (FinishReason.LENGTH, FinishReason.CONTENT_FILTER):
        return ended.finish_reason
    return FinishReason.STOP


def find_stop(ended: TurnEnded, asked: Asked) -> str | None:
    """Return which of the client's texts the answer stopped at, as far as the upstream tells."""
    return ended.stop if ended.stop in (asked.parameters.stop or ()) else None
