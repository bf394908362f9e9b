"""An agent and the file that it stands in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from errno import ELOOP, ENOENT
from stat import S_ISREG
from typing import TYPE_CHECKING

from hiveloom_cli.agents.contents import compute_digest
from hiveloom_cli.errors import FileUnreadable

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.errors import HiveloomError


MOST_BYTES = 10 * 1024 * 1024  # far more than any model reads
_ELSEWHERE = "remove it, or move it elsewhere"
# A pipe that takes the file's place meanwhile is not waited for.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class AgentFile:
    """An agent as it was read from `path`, which held `content`.

    `version` is the number of that content, 0 where it could not be kept as one. `is_project` says
    that the file came with the folder that the person works in, and not from themselves;
    `is_foreign`, that the file or its folder belongs to another user of the machine.
    """

    agent: Agent
    path: Path
    content: bytes
    version: int
    is_project: bool = False
    is_foreign: bool = False

    @property
    def digest(self) -> str:
        """The name that `content` goes by among versions, and among what is trusted."""
        return compute_digest(self.content)


@dataclass(frozen=True, slots=True)
class Saved:
    """What writing a file did: the version that it now holds, and whether that is a new one."""

    path: Path
    version: int
    is_new: bool


def load_content(path: Path) -> bytes:
    """Read an agent's file. Raises `FileUnreadable` for what is none, or cannot be read."""
    return load_owned(path)[0]


def load_owned(path: Path) -> tuple[bytes, int]:
    """Read an agent's file as `load_content` does; return what it holds, and whose it is."""
    try:
        # Opening anything else could wait for ever, or set something off.
        status = os.stat(path)  # noqa: PTH116 -- for each file of a long list
        if not S_ISREG(status.st_mode):
            raise FileUnreadable(path, _describe(path), hint=_ELSEWHERE)
        descriptor = os.open(path, _FLAGS)
        try:
            content = _load_most(descriptor, status.st_size)
            owner = os.fstat(descriptor).st_uid
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in (ENOENT, ELOOP):
            raise FileUnreadable(path, _describe(path), hint=_ELSEWHERE) from error
        raise explain_unreadable(path, error) from error
    check_size(content, path)
    return content, owner


def check_size(content: bytes, path: Path) -> None:
    """Return if a file of agents may hold this; raise `FileUnreadable` if it is too large."""
    if len(content) > MOST_BYTES:
        limit = MOST_BYTES // 1024**2
        problem = f"larger than {limit} MB, which no agent needs"
        raise FileUnreadable(path, problem, hint="look at what it is")


def _load_most(descriptor: int, size: int) -> bytes:
    """Read a file of about that size, to its end, or until it is too large."""
    content = b""
    while piece := os.read(descriptor, min(size, MOST_BYTES) + 1):
        content = content + piece if content else piece
        if len(content) > MOST_BYTES:
            break
    return content


def is_foreign(owner: int, folder: Path) -> bool:
    """Whether a file of that owner, or its folder, belongs to another user than this process."""
    if os.name == "nt":
        return False
    return {owner, folder.stat().st_uid} != {os.getuid()}


def explain_unreadable(path: Path, error: OSError) -> FileUnreadable:
    """Build the error for a file or folder that the system does not let us read."""
    reason = error.strerror or type(error).__name__
    return FileUnreadable(path, f"cannot be read ({reason})", hint="check its owner and its mode")


def explain_not_kept(name: str, error: HiveloomError | OSError) -> str:
    """Say in one sentence why what an agent's file holds could not be made a version."""
    reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error.message
    hint = "" if isinstance(error, OSError) or not error.hint else f" ({error.hint})"
    return f"what {name} holds now could not be kept as a version: {reason}{hint}"


def _describe(path: Path) -> str:
    if path.is_dir():
        return "a folder, and not an agent's file"
    return "not a file" if path.exists() else "a link that leads nowhere"
