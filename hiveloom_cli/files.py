"""Files that are never half-written: private folders, atomic replacement, locks."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hiveloom_cli.errors import FileUnreadable, Locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Parsed = TypeVar("_Parsed")

_FOLDER_MODE = 0o700
_SHARED_FILE_MODE = 0o644
_LOCK_TIMEOUT_S = 10.0
_BEYOND = 1 << 40  # a place that no file of ours reaches
_WIPED_AT_ONCE = 1 << 20


def ensure_private_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, readable by their owner alone."""
    if folder.is_dir():
        return
    ensure_private_folder(folder.parent)
    folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)


def save_bytes(path: Path, content: bytes, *, is_private: bool = True) -> None:
    """Replace `path` by `content` in one step: a reader sees the old file or the new one, whole.

    The file is on disk when this returns, and a failure (a full disk, a kill) leaves the old one. A
    private file is readable by its owner alone, and a symbolic link to it is followed; any other
    file keeps its mode, and a link in its place is replaced.
    """
    target = path.resolve() if is_private else path.parent.resolve() / path.name
    if is_private:
        ensure_private_folder(target.parent)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            if not is_private:
                temporary.chmod(_get_mode(target))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(target)  # a full disk has no name, and the other file is gone
        raise
    sync_folder(target.parent)


def load_text(path: Path) -> str:
    """Read a UTF-8 file as it stands, line ends unchanged.

    Raises `FileNotFoundError` as the system does, and what `decode_text` raises.
    """
    return decode_text(path.read_bytes(), path)


def decode_text(content: bytes, path: Path) -> str:
    """Decode what `path` held; raise `FileUnreadable` naming the line for what is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileUnreadable(path, "not UTF-8 text", line=line, hint="save it as UTF-8") from error


class NewerVersion(ValueError):
    """A document was written by a newer version of this program."""


def load_document(path: Path, parse: Callable[[str], _Parsed], *, hint: str) -> _Parsed | None:
    """Read a JSON document of ours with `parse`; None if there is none.

    `parse` raises `ValueError` saying what is wrong. Raises `FileUnreadable` for a document that is
    broken, of the wrong shape, or newer than this program; `hint` says what to do then.
    """
    from json import JSONDecodeError

    try:
        return parse(load_text(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise FileUnreadable(path, problem, hint="check its owner and its mode") from error
    except JSONDecodeError as error:
        raise FileUnreadable(path, f"not JSON: {error.msg}", line=error.lineno, hint=hint) from None
    except NewerVersion:
        problem = "written by a newer hiveloom"
        raise FileUnreadable(path, problem, hint="update this hiveloom") from None
    except RecursionError:
        raise FileUnreadable(path, "nested too deeply", hint=hint) from None
    except ValueError as error:
        raise FileUnreadable(path, str(error), hint=hint) from None


def check_version(document: Any, newest: int) -> None:
    """Return if `document` is an object of a version up to `newest`; raise `ValueError` if not."""
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one class for every fault of a file
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise ValueError('"version" is not a version number')
    if version > newest:
        raise NewerVersion


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


def hold_file(descriptor: int, *, is_shared: bool = False, wait: bool = False) -> bool:
    """Hold an open file against other processes until it is closed; False if another holds it.

    A dead process holds nothing. Those that hold it `is_shared` do not mind each other. Raises
    `OSError` where the file's disk knows no such thing.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _BEYOND, os.SEEK_SET)  # a byte that is held cannot be read
        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True
    import fcntl

    kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wipe_file(path: Path, descriptor: int) -> None:
    """Overwrite a file that is open for writing, close it, and remove it. Raises `OSError`."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        size = os.fstat(descriptor).st_size
        while size > 0:
            size -= os.write(descriptor, bytes(min(size, _WIPED_AT_ONCE)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink(missing_ok=True)


def _get_mode(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return _SHARED_FILE_MODE


def sync_folder(folder: Path) -> None:
    """Have a rename in `folder` survive a power cut; Windows has no such handle and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
