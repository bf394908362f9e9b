"""Which ceiling a request would pass, and what is said of it. All of it is pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from hiveloom_cli.chat.prices import format_cost
from hiveloom_cli.errors import CeilingReached
from hiveloom_cli.protocols.event import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.agents.limits import Limits
    from hiveloom_cli.chat.prices import Price

_WARNING = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens, in and out together, and their cost in dollars: 0 where no price is needed.

    `usage` is what one request is made of, where it is one.
    """

    tokens: int = 0
    cost: Decimal = Decimal(0)
    usage: Usage = field(default_factory=Usage, compare=False)

    @classmethod
    def build(cls, usage: Usage, price: Price | None) -> Amount:
        """Build the amount of one request; less than nothing counts as nothing."""
        tokens = max(usage.input_tokens or 0, 0) + max(usage.output_tokens or 0, 0)
        cost = price.compute_cost(usage) if price else None
        return cls(tokens, cost or Decimal(0), usage)

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.cost + other.cost)


@dataclass(frozen=True, slots=True)
class Rule:
    """One of the settings of `Limits`, and what it limits."""

    setting: str
    is_daily: bool
    is_cost: bool

    def get_limit(self, limits: Limits) -> Decimal | None:
        """Return the limit; None for none."""
        limit = getattr(limits, self.setting)
        return None if limit is None else Decimal(str(limit))

    def measure(self, amount: Amount) -> Decimal:
        """Return what of an amount is limited."""
        return amount.cost if self.is_cost else Decimal(amount.tokens)

    def format(self, number: Decimal) -> str:
        """Write what is limited for a person."""
        return format_cost(number) if self.is_cost else f"{number:,} tokens"


_ALL = (
    Rule("max_cost", is_daily=False, is_cost=True),
    Rule("max_total_tokens", is_daily=False, is_cost=False),
    Rule("max_cost_per_day", is_daily=True, is_cost=True),
    Rule("max_total_tokens_per_day", is_daily=True, is_cost=False),
)


def decide_passed(limits: Limits, conversation: Amount, day: Amount, asked: Amount) -> Rule | None:
    """Decide which limit a request would pass after what was spent; None for none."""
    for one in _ALL:
        limit = one.get_limit(limits)
        spent = day if one.is_daily else conversation
        if limit is not None and one.measure(spent + asked) > limit:
            return one
    return None


def find_worn(limits: Limits, conversation: Amount, day: Amount) -> Iterator[Rule]:
    """Yield the limits of which four fifths are spent."""
    for one in _ALL:
        limit = one.get_limit(limits)
        spent = day if one.is_daily else conversation
        if limit is not None and one.measure(spent) >= limit * _WARNING:
            yield one


def build_warning(limits: Limits, one: Rule, spent: Amount) -> str:
    """Say how much of a limit is spent."""
    limit = one.get_limit(limits) or Decimal(1)
    number = one.measure(spent)
    share = int(number * 100 / limit)
    whose = "today" if one.is_daily else "in this conversation"
    return f"{one.format(number)} of {one.format(limit)} spent {whose} ({share} % of {one.setting})"


def explain_passed(
    limits: Limits, one: Rule, spent: Amount, asked: Amount, agent: str
) -> CeilingReached:
    """Build the error that says what the limit is, what was spent, and what raises it."""
    limit = one.get_limit(limits) or Decimal(0)
    whose = f"{agent or 'this model'} may spend {one.format(limit)}"
    where = "a day" if one.is_daily else "in a conversation"
    already = "today" if one.is_daily else "so far"
    return CeilingReached(
        f"{whose} {where} ({one.setting}): {one.format(one.measure(spent))} {already}, and this"
        f" request would be about {one.format(one.measure(asked))} more",
        hint=_advise(one, agent),
    )


def _advise(one: Rule, agent: str) -> str:
    edit = f"hiveloom agent edit {agent} --set {one.setting}=…"
    if one.is_daily:
        return f"wait for tomorrow, or raise it: {edit}"
    option = f"--{one.setting.replace('_', '-')} …"
    again = f"begin a new conversation, or raise it: {option}"
    return f"{again}, or {edit}" if agent else again
