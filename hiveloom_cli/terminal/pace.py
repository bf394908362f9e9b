"""How long an answer takes, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hiveloom_cli.chat.prices import Price
    from hiveloom_cli.clock import Clock
    from hiveloom_cli.protocols.event import Usage

# An answer that came in one piece, or nearly so, tells nothing of how fast it was made.
_SHORTEST_S = 0.2


class Pace:
    """Times one turn, from its making on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_s = clock.elapsed_s()
        self._first_s: float | None = None
        self._last_s = self._asked_s

    def note_piece(self) -> None:
        """Note that a piece of the reply has come."""
        self._last_s = self._clock.elapsed_s()
        if self._first_s is None:
            self._first_s = self._last_s

    def format_summary(self, usage: Usage | None, price: Price | None = None) -> str:
        """Say what the turn cost: tokens, dollars and speed, as far as known, and its time."""
        counts = _format_counts(usage) if usage else ""
        spent_s = self._clock.elapsed_s() - self._asked_s
        parts = [
            counts,
            _format_dollars(usage, price),
            self._format_speed(usage),
            _format_spent(spent_s),
        ]
        return " · ".join(part for part in parts if part)

    def _format_speed(self, usage: Usage | None) -> str:
        if self._first_s is None or usage is None or not usage.output_tokens:
            return ""
        coming_s = self._last_s - self._first_s
        if coming_s < _SHORTEST_S:
            return ""
        speed = usage.output_tokens / coming_s
        return f"{speed:,.0f} tokens/s" if speed >= 10 else f"{speed:.1f} tokens/s"


def format_wait(seconds: float) -> str:
    """Say a wait that goes on, in whole seconds: "3 s", "2 min 5 s"."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _format_spent(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else format_wait(seconds)


def _format_dollars(usage: Usage | None, price: Price | None) -> str:
    if price is None:
        return ""
    from hiveloom_cli.chat.prices import format_cost

    cost = price.compute_cost(usage)
    return "" if cost is None else format_cost(cost)


def _format_counts(usage: Usage) -> str:
    came, went = usage.input_tokens, usage.output_tokens
    if came is None:
        return "" if went is None else f"{went:,} tokens out"
    return f"{came:,} tokens in" + ("" if went is None else f", {went:,} out")
