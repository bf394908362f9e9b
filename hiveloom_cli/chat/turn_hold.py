"""One turn at a time in a conversation, whichever process it runs in.

Who goes on with a conversation holds a file of its name as long as the turn runs. A dead process
holds nothing; the empty file that it leaves is taken by the next.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from hiveloom_cli.files import ensure_private_folder, hold_file

if TYPE_CHECKING:
    from pathlib import Path

_FILE_MODE = 0o600
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class TurnHold:
    """A conversation that is held until it is released; twice does no harm."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others have their turns."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        # Windows removes no open file; elsewhere, what is closed first may be another's already.
        if sys.platform == "win32":
            os.close(descriptor)
        with suppress(OSError):
            self._path.unlink()
        if sys.platform != "win32":
            os.close(descriptor)


def take_hold(folder: Path, conversation_id: str) -> TurnHold | None:
    """Hold a conversation; None if somebody does. `folder` need not exist.

    Where no file can be written, no turn can be kept either, and nothing is held.
    """
    path = folder / f"{conversation_id}.turn"
    try:
        ensure_private_folder(folder)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, _FILE_MODE)
            is_held = hold_file(descriptor)
            # Its last holder may have removed it after it was opened here.
            if is_held and os.fstat(descriptor).st_nlink:
                return TurnHold(path, descriptor)
            os.close(descriptor)
            if not is_held:
                return None
    except OSError:
        return TurnHold(path, -1)
