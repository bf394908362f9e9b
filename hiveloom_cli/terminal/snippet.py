"""What a search found, on one line, with what matched standing out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hiveloom_cli.terminal.visible import format_visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.terminal.streams import Streams

_SPACE = re.compile(r"\s+")


def print_snippet(head: str, pieces: Sequence[tuple[str, bool]], streams: Streams) -> None:
    """Print a line: `head`, then the pieces, of which each says whether it matches."""
    lines = [(_SPACE.sub(" ", format_visible(text)), matches) for text, matches in pieces]
    if not streams.stdout.isatty():
        streams.print_line(head + "".join(text for text, _ in lines))
        return
    from rich.text import Text

    line = Text(head)
    for text, matches in lines:
        line.append(text, "bold reverse" if matches else "")
    streams.open_console(streams.stdout).print(line, soft_wrap=True)
