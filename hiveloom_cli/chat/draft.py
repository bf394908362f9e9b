"""An answer while it grows, and its way to the disk beside the stream."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hiveloom_cli.chat.event import ToolEnded
from hiveloom_cli.protocols.event import ReasoningDelta, TextDelta, ToolCallReady
from hiveloom_cli.protocols.message import Message, ReasoningPart, TextPart, ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.protocols.message import Part, ToolResult

_PAUSE_S = 0.5


class Draft:
    """The messages that a turn's events make so far, none of them complete.

    Thoughts alone make none: a turn of which no more came leaves nothing in the conversation.
    """

    def __init__(self) -> None:
        self._messages: list[list[Part | list[str]]] = []
        self._reasoning: list[str] = []
        self._lock = threading.Lock()

    def feed(self, event: Event) -> bool:
        """Take the next event; return whether it changes what is to be kept."""
        with self._lock:
            match event:
                case ReasoningDelta(text):
                    self._reasoning.append(text)
                    return bool(self._messages)
                case TextDelta(text):
                    self._add_text(text)
                case ToolCallReady(call):
                    self._get_answer().append(call)
                case ToolEnded():
                    self._add_result(event.result)
                case _:
                    return False
            return True

    def build_messages(self) -> list[Message]:
        """Build the messages so far; another thread may be feeding."""
        with self._lock:
            return [_build_message(parts) for parts in self._messages]

    def _add_text(self, text: str) -> None:
        parts = self._get_answer()
        if parts and isinstance(parts[-1], list):
            parts[-1].append(text)
        else:
            parts.append([text])

    def _add_result(self, result: ToolResult) -> None:
        # The next answer follows the results of all the calls of this one.
        if not self._messages or _is_answer(self._messages[-1]):
            self._messages.append([])
        self._messages[-1].append(result)

    def _get_answer(self) -> list[Part | list[str]]:
        if not self._messages or not _is_answer(self._messages[-1]):
            self._messages.append([])
        parts = self._messages[-1]
        if self._reasoning:
            parts.append(ReasoningPart("".join(self._reasoning), ""))
            self._reasoning.clear()
        return parts


class DraftWriter:
    """Calls `save` in a thread of its own, half a second at most after something was to be saved.

    An upstream that stalls keeps nothing from the disk that it sent, and a disk that is slow or
    held by another process does not keep an answer from the screen. `save` does not raise.
    """

    def __init__(self, save: Callable[[], None]) -> None:
        self._save = save
        self._changed = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def note_change(self) -> None:
        """Note that there is something new."""
        self._changed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Return when nothing is being saved, nor will be."""
        self._over.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        # Asked anew each time: what wakes this thread at the end may have been cleared just before.
        while not self._over.is_set():
            self._changed.wait()
            if self._over.wait(_PAUSE_S):
                return
            self._changed.clear()
            self._save()


def _is_answer(parts: list[Part | list[str]]) -> bool:
    return not parts or isinstance(parts[0], list | ToolCall | ReasoningPart)


def _build_message(parts: list[Part | list[str]]) -> Message:
    whole = tuple(TextPart("".join(part)) if isinstance(part, list) else part for part in parts)
    if _is_answer(parts):
        return Message("assistant", whole, complete=False)
    return Message("user", whole)
