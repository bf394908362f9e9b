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
    if not streams.is_interactive:
        raise UsageMistake(f"{question} Nobody is there to ask", hint="add --yes")
    streams.stderr.write(f"{question} [y/N] ")
    streams.stderr.flush()
    if streams.stdin.readline().strip().lower() not in ("y", "yes"):
        raise HiveloomError("nothing was changed")
