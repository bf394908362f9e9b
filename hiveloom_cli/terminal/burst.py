"""A paste told from typing where the terminal does not say which is which.

What is pasted comes faster than anyone types. A line end in the middle of it sends nothing: it is
part of one message, which Enter sends once the paste is over.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_ONCE_S = 0.03  # what follows a line end within this was not typed
_PAUSE_S = 0.1  # after such a pause a burst is over


class Burst:
    """Watches the keys of one prompt."""

    def __init__(self, elapsed_s: Callable[[], float]) -> None:
        self._elapsed_s = elapsed_s
        self._last_s = float("-inf")
        self._has_line_end = False

    def note_key(self) -> None:
        """Take in that a key has come."""
        now_s = self._elapsed_s()
        if now_s - self._last_s > _PAUSE_S:
            self._has_line_end = False
        self._last_s = now_s

    def take_line_end(self, *, more: bool) -> bool:
        """Whether the line end that has come is part of a paste; `more` keys follow it at once."""
        self._has_line_end = self._has_line_end or more
        self._last_s = self._elapsed_s()
        return self._has_line_end


def is_more_waiting(descriptor: int, within_s: float = _AT_ONCE_S) -> bool:
    """Whether more has been typed, or comes at once."""
    if sys.platform == "win32":
        return False  # a console cannot be waited for; its pastes come in one piece
    from select import select

    try:
        return bool(select([descriptor], [], [], within_s)[0])
    except (OSError, ValueError):
        return False
