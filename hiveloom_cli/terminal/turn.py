"""A turn as a person sees it: rendered while it streams, or raw into a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from hiveloom_cli.chat.event import ApprovalAsked, ToolEnded, ToolStarted, TurnEnded
from hiveloom_cli.errors import StreamCutShort
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ThoughtEnded,
    ToolCallReady,
    UsageReported,
)
from hiveloom_cli.terminal.display import open_display
from hiveloom_cli.terminal.look import DEFAULT_LOOK, Look
from hiveloom_cli.terminal.pace import Pace
from hiveloom_cli.upstream.event import Notice, RetryWaiting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.terminal.display import Display
    from hiveloom_cli.terminal.streams import Streams
    from hiveloom_cli.terminal.tool_view import ToolView


def show_turn(
    events: Iterable[Event],
    streams: Streams,
    look: Look = DEFAULT_LOOK,
    *,
    end_line: bool = False,
) -> TurnEnded:
    """Show a turn while it happens and return its end.

    What had arrived stays on the screen when the turn fails or is interrupted. In a file or a pipe
    an answer is byte for byte what came; with `end_line` it ends in a newline, as one of several.
    """
    pace = Pace(look.clock)
    with open_display(streams, look, end_line=end_line) as display:
        ended = _show_events(events, display, pace, streams)
        if note := _format_reason(ended.finish_reason):
            display.print_notice(note)
        if look.summary:
            display.print_summary(pace.format_summary(ended.usage, look.price))
    return ended


def _show_events(
    events: Iterable[Event], display: Display, pace: Pace, streams: Streams
) -> TurnEnded:
    tools: ToolView | None = None
    for event in events:
        match event:
            case TextDelta(text):
                pace.note_piece()
                display.feed(text)
            case ReasoningDelta(text):
                pace.note_piece()
                display.think(text)
            case Notice() | RetryWaiting():
                display.print_notice(_format_notice(event))
            case ApprovalAsked() | ToolStarted() | ToolEnded():
                tools = tools or _open_tool_view(display, streams)
                tools.show(event)
            case ThoughtEnded() | ToolCallReady() | UsageReported():
                pass
            case TurnEnded():
                return event
            case _:
                assert_never(event)
    raise StreamCutShort("the turn ended without an answer", hint="ask again")


def _open_tool_view(display: Display, streams: Streams) -> ToolView:
    from hiveloom_cli.terminal.tool_view import ToolView

    return ToolView(display, streams)


def _format_notice(event: Notice | RetryWaiting) -> str:
    if isinstance(event, Notice):
        return f"note: {event.text}"
    wait, tries = _format_wait(event.wait_s), f"{event.attempt}/{event.attempts}"
    return f"note: {event.reason}, retrying {wait} ({tries})"


def _format_wait(wait_s: float) -> str:
    return f"in {wait_s:.0f} s" if wait_s >= 1 else "at once"


def _format_reason(reason: FinishReason) -> str:
    match reason:
        case FinishReason.LENGTH:
            return "note: the answer was cut at the token limit; allow more with --max-tokens"
        case FinishReason.CONTENT_FILTER:
            return "note: the model or a filter broke the answer off"
        case _:
            return ""
