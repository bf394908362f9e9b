"""Commands about conversations: this one so far, and those that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.terminal.echo import show_typing
from hiveloom_cli.terminal.kept_list import format_when, print_found
from hiveloom_cli.terminal.question import ask_line
from hiveloom_cli.terminal.recall import show_messages
from hiveloom_cli.terminal.visible import format_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.chat.record import Summary
    from hiveloom_cli.terminal.repl import Repl

_NARROWEST = 40


def show_history(chat: Repl, _argument: str) -> None:
    """Show this conversation so far, a line for each message but those that bring results."""
    from hiveloom_cli.chat.exchanges import is_question
    from hiveloom_cli.protocols.message import ToolCall

    number = 0
    width = max(_NARROWEST, chat.streams.measure_width()) - 1
    for message in chat.conversation.messages:
        if is_question(message):
            number += 1
            head = f"{number:>3}  > "
        elif message.role == "user":
            continue
        else:
            head = "     "
        mark = "" if message.complete else " (incomplete)"
        called = ", ".join(part.name for part in message.parts if isinstance(part, ToolCall))
        said = message.text.lstrip() or (f"→ {called}" if called else "(attached)")
        text = format_one_line(said, width - len(head) - len(mark))
        chat.streams.print_line(f"{head}{text}{mark}")
    if not number:
        chat.streams.print_notice("(nothing was said so far)")


def resume(chat: Repl, argument: str) -> None:
    """Go on with a kept conversation, or choose one of the last."""
    wanted = argument or _choose(chat)
    if not wanted:
        return
    answerer, resumed = chat.world.resume(wanted)
    chat.resume(answerer, resumed)
    chat.streams.print_line(
        f"{resumed.conversation.id}, with {answerer.name},"
        f" {len(resumed.conversation.messages)} messages:"
    )
    show_messages(resumed.last, chat.streams)


def _choose(chat: Repl) -> str:
    """Return the id that the person chooses; "" for none."""
    rows = [row for row in chat.world.load_recent() if row.id != chat.conversation.id]
    if not rows:
        chat.streams.print_notice("(no other conversation is kept)")
        return ""
    _print_choices(chat, rows)
    if not chat.streams.can_ask:
        chat.streams.print_notice("(/resume ID goes on with one)")
        return ""
    with show_typing(chat.streams.stdin):
        typed = ask_line(f"Which one (1 to {len(rows)}; Enter for none)? ", chat.streams).strip()
    if not typed:
        return ""
    if typed.isascii() and typed.isdigit() and len(typed) < 4:
        if 1 <= int(typed) <= len(rows):
            return rows[int(typed) - 1].id
        raise HiveloomError(f"there is no number {typed} in the list", hint="/resume")
    return typed


def _print_choices(chat: Repl, rows: Sequence[Summary]) -> None:
    width = max(_NARROWEST, chat.streams.measure_width()) - 1
    for number, row in enumerate(rows, start=1):
        line = f"{number:>3}  {row.id}  {format_when(row.changed_at)}  {row.title}"
        chat.streams.print_line(format_one_line(line, width))


def search(chat: Repl, argument: str) -> None:
    """Search all kept conversations; /resume goes on with one."""
    from shlex import split

    try:
        words = split(argument)
    except ValueError:  # a quotation mark alone
        words = argument.split()
    found = chat.world.search(words)
    print_found(found, chat.streams)
    if not found:
        chat.streams.print_notice("Nothing was found.")
