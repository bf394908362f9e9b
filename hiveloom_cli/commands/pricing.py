"""What several commands do with prices: read them, apply them, tell how one is added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from hiveloom_cli.app import App
    from hiveloom_cli.chat.prices import Prices
    from hiveloom_cli.chat.record import KeptMessage, Used


def try_prices(app: App) -> Prices:
    """Read the prices; where their file is broken, say so and go on without any."""
    from hiveloom_cli.chat.prices import Prices

    try:
        return app.load_prices()
    except FileUnreadable as error:
        app.streams.print_notice(f"warning: {error.message}; no cost is known until it is correct")
        return Prices()


def how_to_add(app: App, model: str) -> str:
    """Say how a price is added."""
    lines = f'["{model}"], input = … and output = …, in dollars for a million tokens'
    return f"write into {app.paths.prices}, a line each: {lines}"


def build_day_costs(used: Iterable[Used], prices: Prices) -> dict[tuple[str, str], Decimal | None]:
    """Build the cost of each day and model; None where tokens were counted that have no price."""
    costs: dict[tuple[str, str], Decimal | None] = {}
    for row in used:
        if row.usage.input_tokens is None and row.usage.output_tokens is None:
            continue
        key = (row.day, row.model)
        price = prices.find(row.model, get_host(row.base_url))
        cost = price.compute_cost(row.usage) if price else None
        before = costs.get(key, 0)
        costs[key] = None if cost is None or before is None else cost + before
    return costs


def build_costs(messages: Sequence[KeptMessage], prices: Prices) -> list[Decimal | None]:
    """Build the cost of each message; None where it is not known, or not an answer."""
    return [_compute_cost(message, prices) for message in messages]


def add_costs(messages: Sequence[KeptMessage], costs: Sequence[Decimal | None]) -> Decimal | None:
    """Add up what answers cost; None if tokens of any have no price, or none were counted."""
    counted = [
        cost
        for message, cost in zip(messages, costs, strict=True)
        if message.ended is not None and message.ended.usage is not None
    ]
    known = [cost for cost in counted if cost is not None]
    return sum(known[1:], known[0]) if known and len(known) == len(counted) else None


def get_number(cost: Decimal | None) -> float | None:
    """Return a cost as JSON has it."""
    return None if cost is None else float(cost)


def get_host(base_url: str) -> str:
    """Return the host of a base URL that was kept; "" where it has none."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""


def _compute_cost(message: KeptMessage, prices: Prices) -> Decimal | None:
    if message.by is None or message.ended is None:
        return None
    price = prices.find(message.by.model, get_host(message.by.base_url))
    return price.compute_cost(message.ended.usage) if price else None
