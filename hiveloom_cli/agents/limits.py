"""What may be spent on an agent before it is asked nothing more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings in dollars and in tokens, those that went in and came out together; None for none.

    Those without `_per_day` hold for one conversation, the others for all conversations with an
    agent on one day of the person's own calendar.
    """

    max_cost: float | None = None
    max_total_tokens: int | None = None
    max_cost_per_day: float | None = None
    max_total_tokens_per_day: int | None = None

    @property
    def has_cost(self) -> bool:
        """Whether money is limited, so that a price has to be known."""
        return self.max_cost is not None or self.max_cost_per_day is not None

    @property
    def is_daily(self) -> bool:
        """Whether a day is limited, so that all conversations have to be kept."""
        return self.max_cost_per_day is not None or self.max_total_tokens_per_day is not None
