"""Files that are never half-written: private folders, atomic replacement, locks."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.errors import FileUnreadable, Locked

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER_MODE = 0o700
_LOCK_TIMEOUT_S = 10.0


def ensure_private_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, readable by their owner alone."""
    if folder.is_dir():
        return
    ensure_private_folder(folder.parent)
    folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)


def save_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step: a reader sees the old file or the new one, whole.

    The file is on disk when this returns, is readable by its owner alone, and a failure (a full
    disk, a kill) leaves the old one. A symbolic link is followed, not replaced.
    """
    target = path.resolve()
    ensure_private_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(target)  # a full disk has no name, and the other file is gone
        raise
    _sync_folder(target.parent)


def load_text(path: Path) -> str:
    """Read a UTF-8 file as it stands, line ends unchanged.

    Raises `FileNotFoundError` as the system does, and `FileUnreadable` naming the line for bytes
    that are not UTF-8.
    """
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileUnreadable(path, "not UTF-8 text", line=line, hint="save it as UTF-8") from error


@contextmanager
def open_lock(path: Path, timeout_s: float | None = None) -> Iterator[None]:
    """Hold the lock that belongs to `path` (kept in a file beside it) against other processes.

    Raises `Locked` after that many seconds of waiting, 10 unless told otherwise.
    """
    from filelock import FileLock, Timeout

    ensure_private_folder(path.parent)
    limit_s = _LOCK_TIMEOUT_S if timeout_s is None else timeout_s
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=limit_s, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise Locked(
            f"another hiveloom has held {path} for {limit_s:.0f} s",
            hint="wait for it to finish, then try again",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _sync_folder(folder: Path) -> None:
    # The rename itself must survive a power cut; Windows has no such handle and needs none.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
