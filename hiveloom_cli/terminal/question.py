"""Asking before something is destroyed, or used that another has made; and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError, UsageMistake
from hiveloom_cli.terminal.echo import call_on_continue
from hiveloom_cli.terminal.visible import format_one_line, format_visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.terminal.streams import Streams

_MOST_SHOWN = 200  # characters of a foreign text


def ask_consent(question: str, *, yes: bool, streams: Streams) -> None:
    """Return if the person agrees, or said so with `--yes`.

    Raises `UsageMistake` where nobody can be asked, and `HiveloomError` if the answer is no.
    """
    if yes:
        return
    if not streams.can_ask:
        raise UsageMistake(f"nobody is there to ask: {question}", hint="add --yes")
    if not ask_yes(question, streams):
        raise HiveloomError("nothing was changed")


def ask_yes(question: str, streams: Streams) -> bool:
    """Ask a person, who is there, and return whether they said yes; anything else is no."""
    answer = ask_line(f"{question} [y/N] ", streams)
    return answer.strip().lower() in ("y", "yes")


def ask_choice(choices: Mapping[str, str], streams: Streams) -> str:
    """Ask until the person chooses one of `choices`, each a letter and what it stands for.

    Its letter or the beginning of its words will do. Returns the letter, "" at the end of input.
    """
    while answer := ask_line(_format_choices(choices, streams.measure_width()), streams):
        typed = answer.strip().lower()
        for letter, words in choices.items():
            if typed and (typed == letter or words.startswith(typed)):
                return letter
    return ""


def _format_choices(choices: Mapping[str, str], width: int) -> str:
    """Put choices in lines that are broken between two of them, as far as they fit."""
    lines = [""]
    for place, (letter, words) in enumerate(choices.items(), 1):
        shown = f"{words} ({letter}){'?' if place == len(choices) else ','} "
        if lines[-1] and len(lines[-1]) + len(shown) > width:
            lines.append("")
        lines[-1] += shown
    return "\n".join(line.rstrip() for line in lines) + " "


def ask_line(question: str, streams: Streams) -> str:
    """Ask, and return the line that is typed, with its end; without one at the end of input.

    After Ctrl-Z and `fg` it is asked once more.
    """
    shown = format_visible(question)
    try:
        with call_on_continue(lambda: streams.write_aside(shown)):
            streams.stderr.write(shown)
            streams.stderr.flush()
            answer = streams.stdin.readline()
    except KeyboardInterrupt:
        streams.break_line()
        raise
    if not answer.endswith("\n"):
        streams.break_line()  # Ctrl-D, after which the question's line is still open
    return answer


def format_field(label: str, text: str, *, indent: int, width: int) -> Iterator[str]:
    """Yield the lines that show foreign text behind a label, each shorter than `width` cells.

    They are folded here and begin with `indent` spaces, so that no part of the text can stand where
    a line of the program's own begins, however the text is spaced. What is not ASCII counts as
    wide: terminals differ in how wide they draw it, and one that runs out of line goes on in front.
    """
    shown = format_one_line(text, limit=_MOST_SHOWN)
    yield from fold_line(f"  {label}".ljust(indent), shown, indent=indent, width=width)


def format_block(text: str, *, indent: int, width: int) -> Iterator[str]:
    """Yield the lines that show all of a foreign text of several lines, safe as a field is."""
    for line in text.splitlines():
        yield from fold_line(" " * indent, format_visible(line), indent=indent, width=width)


def fold_line(line: str, text: str, *, indent: int, width: int) -> Iterator[str]:
    """Yield `line` and the visible text after it, folded as a field is."""
    cells = len(line)
    for character in text:
        size = 1 if character.isascii() else 2
        if cells + size > max(width - 1, indent + 2):
            yield line.rstrip()
            line, cells = " " * indent, indent
        line += character
        cells += size
    yield line.rstrip()
