"""The commands of an interactive chat: one table feeds dispatch, help and completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hiveloom_cli.terminal.repl import Repl


def show_help(repl: Repl) -> None:
    """Show these commands."""
    width = max(map(len, SLASH_COMMANDS))
    for name, command in SLASH_COMMANDS.items():
        repl.streams.print_line(f"  {name:<{width}}  {get_help(command)}")
    for keys, what in _KEYS:
        repl.streams.print_line(f"  {keys:<{width}}  {what}")


def start_new(repl: Repl) -> None:
    """Start a new conversation with the same agent."""
    repl.start_conversation()
    repl.streams.print_line("A new conversation: nothing said so far counts.")


def leave(repl: Repl) -> None:
    """Leave the chat (so does Ctrl-D)."""
    repl.running = False


SLASH_COMMANDS: Mapping[str, Callable[[Repl], None]] = {
    "/help": show_help,
    "/new": start_new,
    "/exit": leave,
}
_KEYS = (
    ("Enter", "Send the message; Alt-Enter begins a new line in it."),
    ("Ctrl-C", "Stop the answer; what came is kept."),
)


def get_help(command: Callable[[Repl], None]) -> str:
    """Return a command's help: the first line of its docstring."""
    return (command.__doc__ or "").partition("\n")[0]
