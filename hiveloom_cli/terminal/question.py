"""Asking before something is destroyed, and which way to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.terminal.streams import Streams


def ask_consent(question: str, *, yes: bool, streams: Streams) -> None:
    """Return if the person agrees, or said so with `--yes`.

    Raises `UsageMistake` where nobody can be asked, and `HiveloomError` if the answer is no.
    """
    if yes:
        return
    if not streams.can_ask:
        raise UsageMistake(f"{question} Nobody is there to ask", hint="add --yes")
    answer = _ask_line(f"{question} [y/N] ", streams)
    if answer.strip().lower() not in ("y", "yes"):
        raise HiveloomError("nothing was changed")


def ask_choice(choices: Mapping[str, str], streams: Streams) -> str:
    """Ask until the person chooses one of `choices`, each a letter and what it stands for.

    Its letter or the beginning of its words will do. Returns the letter, "" at the end of input.
    """
    shown = ", ".join(f"{words} ({letter})" for letter, words in choices.items())
    while answer := _ask_line(f"{shown}? ", streams):
        typed = answer.strip().lower()
        for letter, words in choices.items():
            if typed and (typed == letter or words.startswith(typed)):
                return letter
    return ""


def _ask_line(question: str, streams: Streams) -> str:
    """Return the line that is typed, with its end; without one at the end of input."""
    streams.stderr.write(question)
    streams.stderr.flush()
    try:
        answer = streams.stdin.readline()
    except KeyboardInterrupt:
        streams.break_line()
        raise
    if not answer.endswith("\n"):
        streams.break_line()  # Ctrl-D, after which the question's line is still open
    return answer
