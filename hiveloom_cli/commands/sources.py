"""A file that agents are taken in from, or what is piped in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hiveloom_cli.app import App


def load_source(app: App, source: str) -> tuple[bytes, Path]:
    """Read a file, or stdin for `-`; return what it holds, and what errors call it.

    Raises `OSError` as the system does, and `FileUnreadable` for what is too large.
    """
    from hiveloom_cli.agents.agent_file import MOST_BYTES, check_size
    from hiveloom_cli.agents.incoming import STDIN

    if source == "-":
        path = Path(STDIN)
        content = app.streams.stdin.buffer.read(MOST_BYTES + 1)
    else:
        path = Path(source)
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    check_size(content, path)
    return content, path
