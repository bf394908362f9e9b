"""What of a turn a client gets to see, in no wire format's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.chat.event import ToolEnded, ToolStarted, TurnEnded
from hiveloom_cli.protocols.event import FinishReason, ReasoningDelta, TextDelta
from hiveloom_cli.protocols.history import list_calls

if TYPE_CHECKING:
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.protocols.message import ToolCall
    from hiveloom_cli.serve.asked import Asked

# Replies whose calls may be cut off in the middle.
_CUT = frozenset({FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.ERROR})


def begins_answer(event: Event) -> bool:
    """Whether a stream begins with an event: before that, a failure can still be an HTTP status."""
    return isinstance(event, TextDelta | ReasoningDelta | ToolStarted | TurnEnded)


class VisibleText:
    """The text of a turn as it comes; what was said before and after tools is kept apart.

    Where the answer has to fit a schema, only the last text of a turn is one that does.
    """

    def __init__(self, asked: Asked) -> None:
        self._is_whole = asked.output is not None
        self._has_text = False
        self._is_parted = False  # tools ran since the last piece

    def take(self, event: Event) -> str:
        """Return what an event adds to the text, "" for nothing."""
        match event:
            case TextDelta(text) if not self._is_whole:
                parted, self._is_parted, self._has_text = self._is_parted, False, True
                return f"\n\n{text}" if parted else text
            case ToolEnded():
                self._is_parted = self._has_text
            case TurnEnded(message) if self._is_whole:
                return message.text
        return ""


def list_shown_calls(ended: TurnEnded, asked: Asked) -> tuple[ToolCall, ...]:
    """List the calls of the client's own tools, which it is to run; none that may be cut off."""
    if ended.finish_reason in _CUT:
        return ()
    names = {tool.name for tool in asked.tools}
    return tuple(call for call in list_calls(ended.message) if call.name in names)


def decide_reason(ended: TurnEnded, asked: Asked) -> FinishReason:
    """Decide why the answer ended: for a client there are no calls but of its own tools."""
    if list_shown_calls(ended, asked):
        return FinishReason.TOOL_CALLS
    if ended.finish_reason in (FinishReason.LENGTH, FinishReason.CONTENT_FILTER):
        return ended.finish_reason
    return FinishReason.STOP
