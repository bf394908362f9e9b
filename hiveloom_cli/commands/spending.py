"""What a chat may spend: the options, the agent's limits, and what was spent before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.numbers import TOKENS
from hiveloom_cli.commands.pricing import (
    add_costs,
    build_costs,
    get_host,
    how_to_add,
    try_prices,
)
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.budget import Amount
    from hiveloom_cli.chat.ceiling import Ceiling
    from hiveloom_cli.chat.prices import Price, Prices
    from hiveloom_cli.chat.record import Filter, KeptConversation, KeptMessage
    from hiveloom_cli.upstream.resolve import Upstream

_OPTIONS = ("max_cost", "max_total_tokens")


def take_limits(command: Callable[..., Any]) -> Callable[..., Any]:
    """Declare what the conversation may spend; `override_limits` reads it."""
    for declare in (
        click.option(
            "--max-total-tokens",
            type=TOKENS,
            help="The most tokens of the conversation, in and out. Instead of the agent's.",
        ),
        click.option(
            "--max-cost",
            type=float,
            metavar="DOLLARS",
            help="The most that the conversation may cost. Instead of the agent's.",
        ),
    ):
        command = declare(command)
    return command


def override_limits(agent: Agent, options: dict[str, Any]) -> Agent:
    """Put the options in the place of the agent's limits. Raises `UsageMistake`."""
    from hiveloom_cli.agents.schema import find_expected

    given = {key: options[key] for key in _OPTIONS if options[key] is not None}
    for key, value in given.items():
        if expected := find_expected(key, value):
            raise UsageMistake(f"--{key.replace('_', '-')}: expected {expected}")
    return replace(agent, limits=replace(agent.limits, **given))


def open_ceiling(app: App, agent: Agent, upstream: Upstream, *, is_saved: bool) -> Ceiling | None:
    """Open what holds a chat to its limits; None where there are none.

    Raises `UsageMistake` where they could not hold, and `FileUnreadable` for broken prices.
    """
    from hiveloom_cli.agents.limits import Limits

    limits = agent.limits
    if limits == Limits():
        return None
    from hiveloom_cli.chat.ceiling import Ceiling
    from hiveloom_cli.chat.record import Filter

    if limits.is_daily and not is_saved:
        raise UsageMistake(
            f"{agent.name} has a limit per day, which counts what is kept; this chat keeps nothing",
            hint="leave out --no-save and `save: false`, or the limit",
        )
    prices = app.load_prices() if limits.has_cost else None
    price = _get_price(app, prices, agent.model, upstream.base_url.host) if prices else None

    def load_day() -> Amount:
        wanted = Filter(agent=agent.name, since=find_midnight(app.clock.now()))
        return _load_spent(app, wanted, prices)

    return Ceiling(limits, price, agent=agent.name, load_day=load_day)


def resume_ceiling(app: App, ceiling: Ceiling, kept: KeptConversation, agent: Agent) -> None:
    """Have a conversation count with what it has spent already, whoever answered in it."""
    from hiveloom_cli.chat.record import Filter

    id_ = kept.summary.id
    prices = app.load_prices() if agent.limits.has_cost else None
    ceiling.resume(id_, _load_spent(app, Filter(id=id_), prices), _measure(kept))


def find_price(app: App, model: str, upstream: Upstream) -> Price | None:
    """Find the price of a model for showing it; a broken list costs a warning."""
    return try_prices(app).find(model, upstream.base_url.host)


def find_cost(app: App, messages: Sequence[KeptMessage]) -> Decimal | None:
    """Find what kept answers cost, for showing it; None if that is not known of any."""
    return add_costs(messages, build_costs(messages, try_prices(app)))


def find_midnight(now: datetime) -> datetime:
    """Return when the day began, where the machine is."""
    # A time without a zone is read by the rules of that day, also where the clocks changed in it.
    return datetime.combine(now.astimezone().date(), time()).astimezone()


def _get_price(app: App, prices: Prices, model: str, host: str) -> Price:
    price = prices.find(model, host)
    if price is None:
        raise UsageMistake(
            f"a limit in dollars needs the price of {model} at {host}, which is not known",
            hint=how_to_add(app, model),
        )
    return price


def _load_spent(app: App, wanted: Filter, prices: Prices | None) -> Amount:
    from hiveloom_cli.chat.budget import Amount

    total = Amount()
    for used in app.conversations.load_used(wanted, is_guessed=True):
        host = get_host(used.base_url)
        price = None if prices is None else _get_price(app, prices, used.model, host)
        total += Amount.build(used.usage, price)
    return total


def _measure(kept: KeptConversation) -> list[tuple[int, int]]:
    """List how many messages each request had that was counted, and how many tokens they were.

    Where tools ran, all requests of the turn were counted together, so that it says nothing.
    """
    from hiveloom_cli.chat.exchanges import is_question

    said = [row for row in kept.messages if not row.is_replaced and row.state != "unanswered"]
    return [
        (place, row.ended.usage.input_tokens)
        for place, row in enumerate(said)
        if row.ended and row.ended.usage and row.ended.usage.input_tokens
        if place and is_question(said[place - 1].message)
    ]
