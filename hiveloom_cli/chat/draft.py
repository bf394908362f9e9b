"""An answer while it grows, and its way to the disk beside the stream."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from hiveloom_cli.chat.event import ToolEnded
from hiveloom_cli.protocols.event import ReasoningDelta, TextDelta, ToolCallReady
from hiveloom_cli.protocols.message import Message, ReasoningPart, TextPart, ToolCall, ToolResult
from hiveloom_cli.threads import leave_signals_to_main

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.chat.event import Event

Piece: TypeAlias = TextPart | ReasoningPart | ToolCall | ToolResult
_PAUSE_S = 0.5
_REST = 20  # times as long as saving took


def build_piece(event: Event) -> Piece | None:
    """Build what an event adds to what is shown of a turn; None for nothing."""
    match event:
        case TextDelta(text):
            return TextPart(text)
        case ReasoningDelta(text):
            return ReasoningPart(text, "")
        case ToolCallReady(call):
            return call
        case ToolEnded():
            return event.result
        case _:
            return None


@dataclass(slots=True)
class _Growing:
    """A text, or thoughts, of which more may come."""

    is_text: bool
    texts: list[str] = field(default_factory=list)


class Draft:
    """The messages that a turn's pieces make so far, none of them complete."""

    def __init__(self) -> None:
        self._messages: list[list[_Growing | ToolCall | ToolResult]] = []
        self._lock = threading.Lock()

    def add(self, piece: Piece) -> None:
        """Take the next piece."""
        with self._lock:
            is_answer = not isinstance(piece, ToolResult)
            # The next answer follows the results of all the calls of this one.
            if not self._messages or _is_answer(self._messages[-1]) != is_answer:
                self._messages.append([])
            parts = self._messages[-1]
            if isinstance(piece, ToolCall | ToolResult):
                parts.append(piece)
                return
            is_text = isinstance(piece, TextPart)
            last = parts[-1] if parts else None
            if not isinstance(last, _Growing) or last.is_text != is_text:
                last = _Growing(is_text)
                parts.append(last)
            last.texts.append(piece.text)

    def build_messages(self) -> list[Message]:
        """Build the messages so far; another thread may be adding."""
        with self._lock:
            return [_build_message(parts) for parts in self._messages]


class DraftWriter:
    """Calls `save` in a thread of its own, half a second after something was to be saved.

    An upstream that stalls keeps nothing from the disk that it sent, and a disk that is slow or
    held by another process does not keep an answer from the screen. Where saving takes long, it is
    done less often, so that what many turns save leaves time for their beginnings and ends. `save`
    does not raise, and is not called by two threads at once; `elapsed_s` is `Clock.elapsed_s`.
    """

    def __init__(self, save: Callable[[], None], elapsed_s: Callable[[], float]) -> None:
        self._save = save
        self._elapsed_s = elapsed_s
        self._saving = threading.Lock()
        self._changed = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def note_change(self) -> None:
        """Note that there is something new."""
        self._changed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Return when all that is new is saved."""
        with self._saving:
            if self._changed.is_set():
                self._changed.clear()
                self._save()

    def close(self) -> None:
        """Return when nothing is being saved, nor will be."""
        self._over.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        leave_signals_to_main()
        pause_s = _PAUSE_S
        # Asked anew each time: what wakes this thread at the end may have been cleared just before.
        while not self._over.is_set():
            self._changed.wait()
            if self._over.wait(pause_s):
                return
            started_s = self._elapsed_s()
            self.flush()
            pause_s = max(_PAUSE_S, _REST * (self._elapsed_s() - started_s))


def _is_answer(parts: list[_Growing | ToolCall | ToolResult]) -> bool:
    return not isinstance(parts[0], ToolResult)


def _build_message(parts: list[_Growing | ToolCall | ToolResult]) -> Message:
    whole = tuple(_build_part(part) for part in parts)
    if _is_answer(parts):
        return Message("assistant", whole, complete=False)
    return Message("user", whole)


def _build_part(part: _Growing | ToolCall | ToolResult) -> Piece:
    if not isinstance(part, _Growing):
        return part
    text = "".join(part.texts)
    return TextPart(text) if part.is_text else ReasoningPart(text, "")
