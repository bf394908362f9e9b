"""Files below one folder, reached in a way that leads nowhere else.

Each step of a path is taken from the folder before it, by its descriptor, and a link is read and
followed by hand. What is swapped meanwhile, a folder for a link or a file for another, thus never
leads out: there is no moment between a check and what was checked.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from stat import S_IMODE, S_ISDIR, S_ISLNK, S_ISREG, S_IXUSR
from typing import TYPE_CHECKING

from hiveloom_cli.errors import SourceUnusable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ROOT_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# A pipe that takes a file's place meanwhile is not waited for, nor a link in its place followed.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)
_HAS_DESCRIPTORS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd  # not Windows
_DRIVE = re.compile(r"[A-Za-z]:")
_UNUSABLE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DEEPEST = 32
_MOST_STEPS = 200  # with those of links on the way, which may lead in a circle
MOST_FILES = 1000
# What version control, Python and file managers leave in folders.
LITTER = frozenset({".git", "__pycache__", ".DS_Store", "__MACOSX", "Thumbs.db"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that a folder holds: `path` from there with `/`, `size` in bytes.

    What is not `is_plain` is a link, or no file at all.
    """

    path: str
    size: int
    is_plain: bool = True


def parse_steps(name: str) -> tuple[str, ...]:
    """Split the path of a file below a folder. Raises `SourceUnusable` for what is none."""
    steps = tuple(step for step in name.split("/") if step not in ("", "."))
    if not steps:
        raise SourceUnusable(f"“{name}” names no file")
    if name.startswith("/") or _DRIVE.match(name):
        raise SourceUnusable(f"“{name}” is an absolute path, and only what is in the folder counts")
    if ".." in steps:
        raise SourceUnusable(f"“{name}” has a “..”, and only what is in the folder counts")
    if _UNUSABLE.search(name):
        raise SourceUnusable(f"“{name}” has a character that no path here has; use / between names")
    if len(steps) > _DEEPEST:
        raise SourceUnusable(f"“{name}” is deeper than {_DEEPEST} folders")
    return steps


def load_beneath(root: Path, name: str, most_bytes: int) -> tuple[bytes, bool]:
    """Read a plain file below `root`; return what it holds, and whether it may be executed.

    A link is followed as long as it stays below `root`. Raises `FileNotFoundError` and `OSError` as
    the system does, and `SourceUnusable` for what is no plain file, is too large, or leads out.
    """
    descriptor = _open(root, parse_steps(name))
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        status = os.fstat(descriptor)
        if S_ISDIR(status.st_mode):
            raise SourceUnusable(f"“{name}” is a folder")
        if not S_ISREG(status.st_mode):
            raise _build_no_file(name)
        with os.fdopen(os.dup(descriptor), "rb") as file:
            content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        size = max(status.st_size, len(content))
        raise SourceUnusable(f"“{name}” is too large: {size:,} bytes, of {most_bytes:,} at most")
    return content, bool(S_IMODE(status.st_mode) & S_IXUSR)


def load_pieces(root: Path) -> list[Piece]:
    """List what is in `root` and below it, sorted by path, litter left out; follows no link.

    Raises `OSError` as the system does, and `SourceUnusable` for more than anyone lists.
    """
    found: list[Piece] = []
    folders: list[tuple[str, ...]] = [()]
    for count, here in enumerate(folders):
        for name, status in _load_entries(root, here):
            steps = (*here, name)
            if not S_ISDIR(status.st_mode):
                found.append(Piece("/".join(steps), status.st_size, S_ISREG(status.st_mode)))
            elif len(steps) < _DEEPEST:
                folders.append(steps)
            if max(len(found), len(folders), count) > MOST_FILES:
                raise SourceUnusable(f"{root}: more than {MOST_FILES:,} files or folders")
    return sorted(found, key=lambda piece: piece.path)


def _load_entries(root: Path, steps: Sequence[str]) -> list[tuple[str, os.stat_result]]:
    found = []
    with ExitStack() as stack:
        place: int | Path = root.joinpath(*steps)
        if _HAS_DESCRIPTORS:
            place = _open(root, steps)
            stack.callback(os.close, place)
        for entry in islice(stack.enter_context(os.scandir(place)), MOST_FILES + 1):
            if entry.name not in LITTER:
                with suppress(FileNotFoundError):  # removed meanwhile
                    found.append((entry.name, entry.stat(follow_symlinks=False)))
    return found


def _open(root: Path, steps: Sequence[str]) -> int:
    """Open what `steps` lead to from `root`, which may be a link itself."""
    if not _HAS_DESCRIPTORS:
        return _open_checked(root, steps)
    name, left, taken = "/".join(steps), list(steps), 0
    with ExitStack() as stack:

        def keep(descriptor: int) -> int:
            stack.callback(os.close, descriptor)
            return descriptor

        opened = [keep(os.open(root, _ROOT_FLAGS))]
        while left:
            taken += 1
            if taken > _MOST_STEPS:
                raise SourceUnusable(f"“{name}” leads through too many links")
            step = left.pop(0)
            if step == "..":  # of a link's target
                opened.pop()
            elif target := _load_target(step, opened[-1], name):
                left = [*_parse_target(target, name), *left]
            else:
                opened.append(keep(os.open(step, _FLAGS, dir_fd=opened[-1])))
            if not opened:
                raise _build_leads_out(name)
        return os.dup(opened[-1])


def _load_target(step: str, folder: int, name: str) -> str:
    """Return where a link leads; "" for a folder or a plain file, which are all that is opened."""
    mode = os.stat(step, dir_fd=folder, follow_symlinks=False).st_mode
    if S_ISLNK(mode):
        return os.readlink(step, dir_fd=folder)
    if S_ISDIR(mode) or S_ISREG(mode):
        return ""
    raise _build_no_file(name)


def _parse_target(target: str, name: str) -> list[str]:
    if os.path.isabs(target):  # noqa: PTH117 -- a link's text is no path of this process
        raise _build_leads_out(name)
    return [step for step in target.split("/") if step not in ("", ".")]


def _open_checked(root: Path, steps: Sequence[str]) -> int:
    """Open a file where the system knows no descriptors of folders; making links is rare there."""
    path = root.joinpath(*steps)
    descriptor = os.open(path, _FLAGS)
    real = path.resolve()
    if real.is_relative_to(root.resolve()) and os.path.sameopenfile(
        descriptor, again := os.open(real, _FLAGS)
    ):
        os.close(again)
        return descriptor
    os.close(descriptor)
    raise _build_leads_out("/".join(steps))


def _build_leads_out(name: str) -> SourceUnusable:
    return SourceUnusable(f"“{name}” is a link that leads out of the folder")


def _build_no_file(name: str) -> SourceUnusable:
    return SourceUnusable(f"“{name}” is no plain file")
