"""The clipboard, through the programs that desktops have for it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_COPY = (("wl-copy",), ("xclip", "-selection", "clipboard"), ("pbcopy",))
_PASTE = (
    ("wl-paste", "--no-newline"),
    ("xclip", "-selection", "clipboard", "-o"),
    ("pbpaste",),
)
_LIMIT_S = 5.0


def copy_text(text: str, environ: Mapping[str, str]) -> str:
    """Put text on the clipboard; return the program that did, "" if there is none that can."""
    for command in _find(_COPY, environ):
        # They stay behind to serve the text: a pipe that they inherit would never end.
        if _run(command, environ, text.encode("utf-8", "replace"), stdout=subprocess.DEVNULL):
            return command[0]
    return ""


def load_text(environ: Mapping[str, str]) -> str:
    """Read the clipboard. Raises `HiveloomError` where there is no program that can."""
    for command in _find(_PASTE, environ):
        if done := _run(command, environ, b"", stdout=subprocess.PIPE):
            return done.stdout.decode("utf-8", "replace")
    raise HiveloomError(
        "there is no clipboard program here that works", hint="install wl-paste, xclip or pbpaste"
    )


def _find(
    commands: Sequence[tuple[str, ...]], environ: Mapping[str, str]
) -> Iterator[tuple[str, ...]]:
    from shutil import which

    return (command for command in commands if which(command[0], path=environ.get("PATH")))


def _run(
    command: tuple[str, ...], environ: Mapping[str, str], content: bytes, *, stdout: int
) -> subprocess.CompletedProcess[bytes] | None:
    """Run a program; None if it failed, or took too long."""
    try:
        done = subprocess.run(  # noqa: S603 -- a fixed list, and no shell
            command,
            input=content,  # never the terminal
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done if done.returncode == 0 else None
