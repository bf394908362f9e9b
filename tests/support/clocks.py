"""A clock that tests move by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class ManualClock:
    """Time stands still but for `sleep`, which passes it at once and writes it down."""

    def __init__(self, *, drawn: float = 0.5) -> None:
        self.slept_s: list[float] = []
        self._now = START
        self._drawn = drawn
        self._ids = 0

    def now(self) -> datetime:
        return self._now

    def elapsed_s(self) -> float:
        return (self._now - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self._now += timedelta(seconds=seconds)

    def draw(self) -> float:
        return self._drawn

    def new_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids:010}"
