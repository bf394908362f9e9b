"""The thread that writes a growing answer ends when the answer does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from hiveloom_cli.chat import draft
from hiveloom_cli.chat.draft import DraftWriter

if TYPE_CHECKING:
    import pytest


def test_an_end_in_the_instant_of_writing_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[str] = []
    writer = DraftWriter(lambda: saved.append("saved"), lambda: 0.0)

    class EndedMeanwhile(threading.Event):
        def clear(self) -> None:
            writer._over.set()
            self.set()
            super().clear()

    monkeypatch.setattr(draft, "_PAUSE_S", 0)
    writer._changed = EndedMeanwhile()
    writer.note_change()
    thread = writer._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
    assert saved == ["saved"]


def test_what_takes_long_to_save_is_saved_less_often() -> None:
    moments = iter([0.0, 0.01, 10.0, 12.0])
    pauses: list[float | None] = []

    class Over(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            return len(pauses) > 2

    def save() -> None:
        writer._changed.set()

    writer = DraftWriter(save, lambda: next(moments))
    writer._over = Over()
    writer.note_change()
    thread = writer._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
    assert pauses == [0.5, 0.5, 40.0]
