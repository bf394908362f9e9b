"""An agent and the file that it stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.errors import FileUnreadable

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.errors import HiveloomError


@dataclass(frozen=True, slots=True)
class AgentFile:
    """An agent as it was read from `path`, which held `content`.

    `version` is the number of that content, 0 where it could not be kept as one. `is_project` says
    that the file came with the folder that the person works in, and not from themselves.
    """

    agent: Agent
    path: Path
    content: bytes
    version: int
    is_project: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """What writing a file did: the version that it now holds, and whether that is a new one."""

    path: Path
    version: int
    is_new: bool


def load_content(path: Path) -> bytes:
    """Read an agent's file. Raises `FileUnreadable` for what is no file, or cannot be read."""
    try:
        # Reading anything else could fail in strange ways, or wait for ever.
        if not path.is_file():
            raise FileUnreadable(path, _describe(path), hint="remove it, or move it elsewhere")
        return path.read_bytes()
    except OSError as error:
        raise explain_unreadable(path, error) from error


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
