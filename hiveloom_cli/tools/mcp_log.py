"""What a server says on its standard error: a file that begins anew with each start."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from hiveloom_cli.files import ensure_private_folder

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO, TextIO

_MOST_BYTES = 1_000_000
_PIECE = 65_536
_TAIL = 4_096
_END_S = 1.0
_DROPPED = b"[what came before was dropped]\n"


class ServerLog:
    """A log at `path`, readable by its owner alone; when it grows too long, the older part goes.

    `pipe` is for the server, and for it alone: the log ends when nobody holds it any more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        ensure_private_folder(path.parent)
        file = os.fdopen(_create(path), "wb", buffering=0)
        reading, writing = os.pipe()
        self.pipe: TextIO = os.fdopen(writing, "w", encoding="utf-8")
        self._thread = threading.Thread(
            target=_copy, args=(os.fdopen(reading, "rb", buffering=0), file), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Let go of the pipe, and wait a moment for what the server still has to say."""
        self.release()
        self._thread.join(_END_S)

    def release(self) -> None:
        """Let go of the pipe, which the server has by now."""
        with suppress(OSError):
            self.pipe.close()

    def load_last_line(self) -> str:
        """Return the last line that is there, "" for none."""
        try:
            content = self.path.read_bytes()[-_TAIL:]
        except OSError:
            return ""
        lines = content.decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _create(path: Path) -> int:
    while True:
        path.unlink(missing_ok=True)  # an old one may be another's to read
        with suppress(FileExistsError):  # another process starts the same server just now
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _copy(source: BinaryIO, file: BinaryIO) -> None:
    size = 0
    with source, file, suppress(OSError):  # a full disk does not stop a server
        while piece := source.read(_PIECE):
            if size + len(piece) > _MOST_BYTES:
                file.seek(0)
                file.truncate()
                size = file.write(_DROPPED)
            size += file.write(piece)
