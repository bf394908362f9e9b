"""The access log: a line of JSON for each request, without anything that was said or shown."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from hiveloom_cli.files import ensure_private_folder

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 1024  # a path that is longer was not asked for by mistake


@dataclass(slots=True)
class AccessEntry:
    """A request and how it went, as far as that is known by now.

    `path` has no query. `token` is the id of the token, never the token; `refused` says why the
    guard answered by itself. `status` None: nothing was answered. `bytes` are those of the body
    that was sent; `is_complete` is False if the client left, or the answer broke off.
    """

    time: str
    request_id: str
    method: str
    path: str
    client: str
    token: str | None = None
    agent: str | None = None
    status: int | None = None
    bytes: int = 0
    duration_ms: int = 0
    refused: str | None = None
    is_complete: bool = False


def format_entry(entry: AccessEntry) -> str:
    """Format one line, in ASCII, so that nothing of a request's begins another or steers anything.

    What is too long is cut.
    """
    row = {
        name: value[:_LONGEST] if isinstance(value, str) else value
        for name, value in asdict(entry).items()
    }
    row["complete"] = row.pop("is_complete")
    return json.dumps(row).replace("\x7f", "\\u007f") + "\n"


class Recorder(Protocol):
    """Takes note of requests, once they are over."""

    def write(self, entry: AccessEntry) -> None:
        """Take note of one."""
        ...


class AccessLog:
    """A `Recorder` that writes lines to a stream; None for no log.

    A log that cannot be written stops nothing.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, entry: AccessEntry) -> None:
        """Write a request down."""
        if self._stream is None:
            return
        with suppress(OSError, ValueError):  # a full disk, a closed pipe
            self._stream.write(format_entry(entry))
            self._stream.flush()


def open_log_file(path: Path) -> TextIO:
    """Open a file to append to, readable by its owner alone if it is new. Raises `OSError`."""
    ensure_private_folder(path.parent)
    if not path.exists():
        path.touch(mode=0o600)
    return path.open("a", encoding="ascii", newline="\n")
