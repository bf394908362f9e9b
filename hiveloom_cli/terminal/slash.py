"""The commands of an interactive chat: one table feeds dispatch, help and completion."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from hiveloom_cli.terminal import slash_agent, slash_kept, slash_message, slash_talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hiveloom_cli.terminal.repl import Repl


class Takes(Enum):
    """Whether a command has an argument."""

    NOTHING = auto()
    OPTIONAL = auto()
    NEEDED = auto()


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command: what it does with the chat and its argument, "" for none.

    `argument` is what the help calls the argument; completion goes by it too.
    """

    act: Callable[[Repl, str], None]
    takes: Takes = Takes.NOTHING
    argument: str = ""

    @property
    def help(self) -> str:
        """The first line of what the function says of itself."""
        return (self.act.__doc__ or "").partition("\n")[0]

    def format_usage(self, name: str) -> str:
        """Write what is typed, an argument that can be left out in brackets."""
        argument = f"[{self.argument}]" if self.takes is Takes.OPTIONAL else self.argument
        return f"{name} {argument}".rstrip()


@dataclass(frozen=True, slots=True)
class Call:
    """A command as it was typed."""

    command: SlashCommand
    argument: str = ""

    def run(self, chat: Repl) -> None:
        """Do what was typed."""
        self.command.act(chat, self.argument)


def show_help(chat: Repl, _argument: str) -> None:
    """Show these commands."""
    from shutil import get_terminal_size

    for line in format_help(get_terminal_size().columns):
        chat.streams.print_line(line)


def leave(chat: Repl, _argument: str) -> None:
    """Leave the chat (so does Ctrl-D)."""
    chat.running = False


_OPTIONAL, _NEEDED = Takes.OPTIONAL, Takes.NEEDED
SLASH_COMMANDS: Mapping[str, SlashCommand] = {
    "/help": SlashCommand(show_help),
    "/new": SlashCommand(slash_talk.start_new),
    "/retry": SlashCommand(slash_talk.retry),
    "/edit": SlashCommand(slash_talk.edit),
    "/undo": SlashCommand(slash_talk.undo),
    "/redo": SlashCommand(slash_talk.redo),
    "/fork": SlashCommand(slash_talk.fork, _OPTIONAL, "N"),
    "/attach": SlashCommand(slash_message.attach, _OPTIONAL, "FILE|URL"),
    "/paste": SlashCommand(slash_message.paste),
    "/copy": SlashCommand(slash_message.copy),
    "/save": SlashCommand(slash_message.save, _NEEDED, "FILE"),
    "/history": SlashCommand(slash_kept.show_history),
    "/resume": SlashCommand(slash_kept.resume, _OPTIONAL, "ID"),
    "/search": SlashCommand(slash_kept.search, _NEEDED, "WORDS"),
    "/agent": SlashCommand(slash_agent.switch_agent, _NEEDED, "NAME"),
    "/model": SlashCommand(slash_agent.switch_model, _NEEDED, "MODEL"),
    "/system": SlashCommand(slash_agent.system, _OPTIONAL, "TEXT"),
    "/set": SlashCommand(slash_agent.set_parameter, _OPTIONAL, "KEY=VALUE"),
    "/tools": SlashCommand(slash_agent.show_tools),
    "/compact": SlashCommand(slash_talk.compact),
    "/usage": SlashCommand(slash_agent.show_usage),
    "/debug": SlashCommand(slash_agent.show_request),
    "/exit": SlashCommand(leave),
    "/quit": SlashCommand(leave),
}
_NARROWEST = 12  # a column of help with room for most words
_CLOSE = 0.8  # so close that it is meant as a command, even with more behind it
_KEYS = (
    ("Enter", "Send the message; Alt-Enter begins a new line in it."),
    ("Ctrl-X Ctrl-E", "Write the message in your editor."),
    ("Ctrl-C", "Stop the answer; what came is kept."),
)


def parse_command(text: str) -> Call | str | None:
    """Find the command that `text` is: what to call, or what is wrong; None for a message.

    A mistyped command is no message; a path or a comment that begins with "/" is one.
    """
    word, *rest = text.split(maxsplit=1) or [""]
    argument = rest[0].strip() if rest else ""
    known = word.lower()
    command = SLASH_COMMANDS.get(known)
    if command is None or (word != known and not argument):
        return _judge_unknown(word, bool(argument))
    if argument and command.takes is Takes.NOTHING:
        return f"{known} stands alone; nothing was sent"
    if not argument and command.takes is Takes.NEEDED:
        return f"{known} needs more: {command.format_usage(known)}"
    return Call(command, argument)


def _judge_unknown(word: str, has_more: bool) -> str | None:  # noqa: FBT001 -- a fact of the text
    from difflib import get_close_matches

    if not word.startswith("/") or not word[1:].isalpha():
        return None
    close = get_close_matches(word.lower(), SLASH_COMMANDS, n=1, cutoff=_CLOSE if has_more else 0.6)
    if has_more and not close:
        return None
    return f"{word} is no command; " + (
        f"did you mean {close[0]}?" if close else "/help shows them"
    )


def format_help(columns: int) -> Iterator[str]:
    """Yield the lines of the help, which break between words where `columns` are few.

    Where they are too few for two columns, what a command does stands below it.
    """
    from textwrap import TextWrapper

    names: dict[str, list[str]] = {}
    for name, command in SLASH_COMMANDS.items():
        names.setdefault(command.help, []).append(command.format_usage(name))
    rows = [*((", ".join(words), what) for what, words in names.items()), *_KEYS]
    width = max(len(label) for label, _ in rows)
    indent = width + 4
    is_narrow = columns < indent + _NARROWEST
    wrapper = TextWrapper(
        max(columns, _NARROWEST),
        subsequent_indent=" " * (4 if is_narrow else indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for label, what in rows:
        if is_narrow:
            yield f"  {label}"
        wrapper.initial_indent = " " * 4 if is_narrow else f"  {label:<{width}}  "
        yield from wrapper.wrap(what)
