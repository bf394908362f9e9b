"""What was shown of turns that are not over, each in a plain file beside the database.

Each piece is written before it is shown, and not synced: that takes microseconds and no lock of the
database, and what the system has taken outlives the process. So one that is killed leaves all that
it had shown, while the database has it up to half a second before. The database remains what a
power cut leaves.

A file is held as long as its process lives, and removed once the turn is in the database. It is
JSON, one value a line: whose turn it is, then the pieces. A last line that is not whole counts as
nothing, and so does what comes after a broken one.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.chat.draft import Draft
from hiveloom_cli.chat.message_json import build_block, parse_block
from hiveloom_cli.chat.record import AnsweredBy
from hiveloom_cli.files import ensure_private_folder, hold_file, wipe_file
from hiveloom_cli.protocols.message import ReasoningPart, TextPart, ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hiveloom_cli.chat.draft import Piece
    from hiveloom_cli.protocols.message import Message

_VERSION = 1
_FILE_MODE = 0o600
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class DraftHead:
    """Whose turn it is: the number of its question, and of the answer that it replaces.

    `said_at` is in milliseconds, as the database has it.
    """

    conversation_id: str
    turn: int
    former: tuple[int, ...]
    by: AnsweredBy
    said_at: int


@dataclass(frozen=True, slots=True)
class LeftDraft:
    """What a file says that is there. One that `is_live` is just being written."""

    head: DraftHead
    messages: tuple[Message, ...]
    is_live: bool


class DraftFile:
    """The file of a turn under way; it is made when the first piece comes."""

    def __init__(self, folder: Path, head: DraftHead) -> None:
        self._folder = folder
        self._head = head
        self._path: Path | None = None
        self._descriptor = -1
        self._is_over = False

    def append(self, piece: Piece) -> bool:
        """Write a piece, which survives the process from here on; return whether that was so.

        After a failure no more is written, so that nothing is missing in the middle.
        """
        if self._is_over:
            return False
        try:
            if self._descriptor < 0:
                self._make()
            self._write(build_block(piece))
        except OSError:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Leave the file for whoever opens the conversation next, or to oblivion if it is gone."""
        self._is_over = True
        if self._descriptor < 0:
            return
        if not os.fstat(self._descriptor).st_nlink:
            self.remove()  # the conversation was deleted meanwhile
            return
        os.close(self._descriptor)
        self._descriptor = -1

    def remove(self) -> None:
        """Remove the file: all that it has is elsewhere, or is to be nowhere."""
        self._is_over = True
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0 and self._path is not None:
            # Whoever meets it later finds that it says nothing new.
            with suppress(OSError):
                wipe_file(self._path, descriptor)

    def _make(self) -> None:
        ensure_private_folder(self._folder)
        name, number = f"{self._head.conversation_id}-{self._head.turn}", 0
        while self._descriptor < 0:
            self._path = self._folder / f"{name}.{number}"
            try:
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS
                descriptor = os.open(self._path, flags, _FILE_MODE)
            except FileExistsError:
                number += 1
                continue
            # Another process may have found it, still empty, and removed it.
            if hold_file(descriptor, wait=True) and os.fstat(descriptor).st_nlink:
                self._descriptor = descriptor
            else:
                os.close(descriptor)
        self._write({"version": _VERSION, **asdict(self._head)})

    def _write(self, value: object) -> None:
        line = json.dumps(value).encode() + b"\n"
        if os.write(self._descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class DraftFolder:
    """The folder of all turns under way, and of those that were never ended. It need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, head: DraftHead) -> DraftFile:
        """Prepare the file of a turn."""
        return DraftFile(self._folder, head)

    def load(self, conversation_id: str) -> list[LeftDraft]:
        """Read what there is of a conversation; what cannot be read is left out."""
        found = []
        for path in self._find(conversation_id):
            with suppress(OSError), os.fdopen(os.open(path, os.O_RDONLY | _FLAGS), "rb") as file:
                is_live = not hold_file(file.fileno(), is_shared=True)
                found.append(_parse(file.read(), is_live=is_live))
        return [left for left in found if left and left.head.conversation_id == conversation_id]

    def is_live(self, conversation_id: str) -> bool:
        """Whether a turn of a conversation is just being written."""
        for path in self._find(conversation_id):
            with suppress(OSError), os.fdopen(os.open(path, os.O_RDONLY | _FLAGS), "rb") as file:
                if not hold_file(file.fileno(), is_shared=True):
                    return True
        return False

    def recover(self, conversation_id: str, save: Callable[[LeftDraft], None]) -> None:
        """Have `save` take over what dead processes left of a conversation, and remove it."""
        for path in self._find(conversation_id):
            with suppress(OSError):
                _recover(path, save)

    def load_ids(self) -> list[str]:
        """Read of which conversations there is something, be it a hold that nobody has any more."""
        with suppress(OSError):
            names = (path.name.partition(".")[0] for path in self._folder.iterdir())
            return sorted({name.partition("-")[0] for name in names})
        return []

    def remove(self, conversation_id: str) -> None:
        """Remove what there is of a conversation, also of a turn under way. Raises `OSError`."""
        for path in self._find(conversation_id):
            with suppress(FileNotFoundError):
                wipe_file(path, os.open(path, os.O_RDWR | _FLAGS))

    def _find(self, conversation_id: str) -> Iterator[Path]:
        try:
            paths = sorted(self._folder.iterdir())
        except OSError:
            return
        for path in paths:
            if path.name.startswith(f"{conversation_id}-"):
                yield path


def _recover(path: Path, save: Callable[[LeftDraft], None]) -> None:
    descriptor = os.open(path, os.O_RDWR | _FLAGS)
    try:
        if not hold_file(descriptor):
            return
        with os.fdopen(os.dup(descriptor), "rb") as file:
            content = file.read()
        left = _parse(content, is_live=False)
        if left is not None:
            save(left)
        elif b"\n" in content and not content.startswith(b"\0"):
            return  # a newer version may know what it is; else, it was hardly begun, or wiped
        wiped, descriptor = descriptor, -1
        wipe_file(path, wiped)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _parse(content: bytes, *, is_live: bool) -> LeftDraft | None:
    """Read a file; None for one of which not even the head is whole."""
    head, *lines = content.split(b"\n")[:-1] or [b""]
    draft = Draft()
    try:
        values = json.loads(head)
        if values.pop("version") != _VERSION:
            return None
        by, former = AnsweredBy(**values.pop("by")), tuple(values.pop("former"))
        parsed = DraftHead(by=by, former=former, **values)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    with suppress(ValueError, TypeError):
        for line in lines:
            piece = parse_block(json.loads(line))
            if not isinstance(piece, TextPart | ReasoningPart | ToolCall | ToolResult):
                break
            draft.add(piece)
    return LeftDraft(parsed, tuple(draft.build_messages()), is_live)
