"""The commands of an interactive chat: one table feeds dispatch, help and completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hiveloom_cli.terminal.streams import Streams


class Chat(Protocol):
    """What a command may do to the chat it is given in; `repl.Repl` is the real one."""

    streams: Streams
    running: bool

    def start_conversation(self) -> None:
        """Forget what was said and begin anew."""
        ...

    def retry(self) -> None:
        """Ask the last message again."""
        ...


def show_help(chat: Chat) -> None:
    """Show these commands."""
    from shutil import get_terminal_size

    for line in format_help(get_terminal_size().columns):
        chat.streams.print_line(line)


def start_new(chat: Chat) -> None:
    """Start a new conversation with the same agent."""
    chat.start_conversation()
    chat.streams.print_line("A new conversation: nothing said so far counts.")


def retry(chat: Chat) -> None:
    """Ask the last message again, in place of what came of it."""
    chat.retry()


def leave(chat: Chat) -> None:
    """Leave the chat (so does Ctrl-D)."""
    chat.running = False


SLASH_COMMANDS: Mapping[str, Callable[[Chat], None]] = {
    "/help": show_help,
    "/new": start_new,
    "/retry": retry,
    "/exit": leave,
    "/quit": leave,
}
_NARROWEST = 12  # a column of help with room for most words
_KEYS = (
    ("Enter", "Send the message; Alt-Enter begins a new line in it."),
    ("Ctrl-C", "Stop the answer; what came is kept."),
)


def parse_command(text: str) -> Callable[[Chat], None] | str | None:
    """Find the command that `text` is: what to call, or what is wrong; None for a message.

    A mistyped command is no message; a path or a comment that begins with "/" is one.
    """
    word, *rest = text.split(maxsplit=1)
    known = word.lower()
    if rest:
        alone = f"{known} stands alone; nothing was sent"
        return alone if known in SLASH_COMMANDS else None
    if word in SLASH_COMMANDS:
        return SLASH_COMMANDS[word]
    if not word.startswith("/") or not word[1:].isalpha():
        return None
    return f"{word} is no command; {_suggest(known)}"


def format_help(columns: int) -> Iterator[str]:
    """Yield the lines of the help, which break between words where `columns` are few."""
    from textwrap import wrap

    names: dict[str, list[str]] = {}
    for name, command in SLASH_COMMANDS.items():
        names.setdefault(get_help(command), []).append(name)
    rows = [*((", ".join(words), what) for what, words in names.items()), *_KEYS]
    width = max(len(label) for label, _ in rows)
    indent = width + 4
    for label, what in rows:
        yield from wrap(
            what,
            max(columns, indent + _NARROWEST),
            initial_indent=f"  {label:<{width}}  ",
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _suggest(word: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, SLASH_COMMANDS, n=1)
    return f"did you mean {close[0]}?" if close else "/help shows them"


def get_help(command: Callable[[Chat], None]) -> str:
    """Return a command's help: the first line of its docstring."""
    return (command.__doc__ or "").partition("\n")[0]
