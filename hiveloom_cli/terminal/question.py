"""Asking before something is destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError, UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.terminal.streams import Streams


def ask_consent(question: str, *, yes: bool, streams: Streams) -> None:
    """Return if the person agrees, or said so with `--yes`.

    Raises `UsageMistake` where nobody can be asked, and `HiveloomError` if the answer is no.
    """
    if yes:
        return
    if not streams.can_ask:
        raise UsageMistake(f"{question} Nobody is there to ask", hint="add --yes")
    streams.stderr.write(f"{question} [y/N] ")
    streams.stderr.flush()
    try:
        answer = streams.stdin.readline()
    except KeyboardInterrupt:
        streams.break_line()
        raise
    if not answer.endswith("\n"):
        streams.break_line()  # Ctrl-D, after which the question's line is still open
    if answer.strip().lower() not in ("y", "yes"):
        raise HiveloomError("nothing was changed")
