"""Commands about what is said: anew, again, otherwise, back and forth."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.chat.exchanges import find_questions
from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.protocols.event import UsageReported
from hiveloom_cli.protocols.message import TextPart
from hiveloom_cli.terminal.visible import format_one_line
from hiveloom_cli.upstream.event import Notice

if TYPE_CHECKING:
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.terminal.repl import Repl

_QUOTED = 60  # characters of a question


def start_new(chat: Repl, _argument: str) -> None:
    """Start a new conversation with the same agent."""
    chat.start_conversation()
    chat.streams.print_line("A new conversation: nothing said so far counts.")


def retry(chat: Repl, _argument: str) -> None:
    """Ask the last message again, in place of what came of it."""
    chat.retry()


def edit(chat: Repl, _argument: str) -> None:
    """Edit the last message in your editor, and ask it in its place."""
    if chat.asked is None:
        chat.streams.print_notice("(nothing to edit)")
        return
    message = chat.asked[0]
    text = chat.world.edit_text(message.text)
    if not text.strip() or text == message.text:
        chat.streams.print_notice("(nothing changed; /retry asks the same again)")
        return
    attached = (part for part in message.parts if not isinstance(part, TextPart))
    chat.ask_instead(replace(message, parts=(*attached, TextPart(text))))


def compact(chat: Repl, _argument: str) -> None:
    """Have what was said first summarised, to make room."""
    chat.streams.print_notice("summarising … (Ctrl-C stops it)")
    usage: Usage | None = None
    try:
        with closing(chat.answerer.turns.compact(chat.conversation)) as events:
            for event in events:
                if isinstance(event, Notice):
                    chat.streams.print_notice(f"note: {event.text}")
                elif isinstance(event, UsageReported):
                    usage = event.usage
    except KeyboardInterrupt:
        chat.streams.print_notice("(stopped; nothing was changed)")
    finally:
        chat.spent = chat.spent.add(usage, chat.answerer.load_price())


def undo(chat: Repl, _argument: str) -> None:
    """Take back the last exchange: it is not sent any more."""
    message = chat.undo()
    if message is None:
        chat.streams.print_notice("(nothing to take back)")
    else:
        chat.streams.print_line(f"Taken back: {_quote(message)} (/redo puts it back)")


def redo(chat: Repl, _argument: str) -> None:
    """Put back what /undo took back last."""
    message = chat.redo()
    if message is None:
        chat.streams.print_notice("(nothing to put back)")
    else:
        chat.streams.print_line(f"Put back: {_quote(message)}")


def fork(chat: Repl, argument: str) -> None:
    """Go on in a new conversation that begins with this one, or its first N exchanges."""
    questions = find_questions(chat.conversation.messages)
    if not questions:
        chat.streams.print_notice("(nothing was said that a new conversation could begin with)")
        return
    count = _parse_count(argument, len(questions)) if argument else len(questions)
    ends = [*questions, len(chat.conversation.messages)]
    former = chat.conversation.id if chat.answerer.turns.has_saved else ""
    chat.fork(ends[count])
    exchanges = "1 exchange" if count == 1 else f"{count} exchanges"
    kept = f"; the former one is {former}" if former else ""
    chat.streams.print_line(f"A new conversation, which begins with {exchanges}{kept}.")


def _parse_count(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise UsageMistake(
            f"/fork takes a number from 1 to {most}", hint="/history shows the numbers"
        )
    return int(text)


def _quote(message: Message) -> str:
    return f"“{format_one_line(message.text, _QUOTED)}”" if message.text else "what was attached"
