"""Time, randomness and identifiers: the only place that asks the machine for them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_TIME_DIGITS = 9  # 45 bits of milliseconds: sortable until the year 3084
_RANDOM_DIGITS = 4


class Clock(Protocol):
    """What the program asks of time; tests pass one that they move by hand."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def elapsed_s(self) -> float:
        """Return seconds on a clock that never goes back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; Ctrl-C ends the wait at once."""
        ...

    def draw(self) -> float:
        """Return a random number from 0 up to, not including, 1."""
        ...

    def new_id(self) -> str:
        """Return a fresh identifier of 13 characters that sorts by time of making."""
        ...


class SystemClock:
    """The machine's own clock and randomness; `sleep` waits so many seconds, or less."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)

    def elapsed_s(self) -> float:
        """See `Clock.elapsed_s`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        self._sleep(seconds)

    def draw(self) -> float:
        """See `Clock.draw`."""
        return int.from_bytes(os.urandom(4)) / (1 << 32)

    def new_id(self) -> str:
        """See `Clock.new_id`."""
        return build_id(self.now(), int.from_bytes(os.urandom(4)))


def build_id(moment: datetime, randomness: int) -> str:
    """Join a moment (milliseconds) and 20 bits of `randomness` into one identifier."""
    milliseconds = int(moment.timestamp() * 1000)
    return _format_base32(milliseconds, _TIME_DIGITS) + _format_base32(randomness, _RANDOM_DIGITS)


def format_timestamp(moment: datetime) -> str:
    """Write a moment as files of ours hold it: UTC, whole seconds, ISO 8601 with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    """Read what `format_timestamp` wrote; raise `ValueError` for anything else."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _format_base32(number: int, digits: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(digits)))
