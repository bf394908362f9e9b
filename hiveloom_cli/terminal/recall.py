"""What was said, shown again: questions quoted, answers rendered or, in a pipe, as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.protocols.message import ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.chat.record import KeptMessage
    from hiveloom_cli.protocols.message import Part
    from hiveloom_cli.terminal.streams import Streams

_MARKS = {
    "incomplete": "(incomplete: the answer broke off)",
    "unanswered": "(unanswered)",
}


def show_messages(messages: Iterable[KeptMessage], streams: Streams) -> None:
    """Show messages on stdout, with an empty line between them."""
    for place, kept in enumerate(messages):
        if place:
            streams.print_line()
        if kept.message.role == "user":
            for line in kept.message.text.splitlines():
                streams.print_line(f"> {line}".rstrip())
        else:
            _show_answer(kept.message.text, streams)
        for line in filter(None, map(_format_tool, kept.message.parts)):
            streams.print_line(line)
        if kept.state in _MARKS:
            streams.print_line(_MARKS[kept.state])


def _show_answer(text: str, streams: Streams) -> None:
    if not text:
        return
    if not streams.stdout.isatty():
        streams.print_line(text.rstrip("\n"))
        return
    from hiveloom_cli.terminal.markdown import MarkdownStream

    with MarkdownStream(streams.open_console(streams.stdout)) as markdown:
        markdown.feed(text)


def _format_tool(part: Part) -> str:
    from hiveloom_cli.terminal.visible import format_one_line

    match part:
        case ToolCall():
            # The name is as foreign as the rest: a model can make up any.
            return f"[{format_one_line(f'{part.name} {part.arguments}', 200)}]"
        case ToolResult():
            return f"[→ {format_one_line(part.content, 200)}]"
        case _:
            return ""
