"""`hiveloom conversation stats`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.conversation_view import build_filter, take_filter
from hiveloom_cli.commands.pricing import build_day_costs, get_number, how_to_add, try_prices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from hiveloom_cli.app import App
    from hiveloom_cli.chat.record import Spent

_HEADER = ("DAY", "MODEL", "ANSWERS", "IN", "CACHED", "OUT", "COST", "FIRST TOKEN", "TOKENS/S")


@click.command()
@take_filter
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def stats(app: App, /, **options: Any) -> None:
    """Add up what was asked of each model on each day.

    Tokens are as the upstream counted them, the cached ones among those that went in. COST is what
    your prices.toml makes of them, "-" where it has no price. FIRST TOKEN is the mean time to it;
    TOKENS/S counts the whole wait for an answer.
    """
    from hiveloom_cli.terminal.table import format_table

    wanted = build_filter(options)
    rows = app.conversations.load_stats(wanted)
    costs = build_day_costs(app.conversations.load_used(wanted), try_prices(app)) if rows else {}
    if options["as_json"]:
        document = [asdict(row) | {"cost": get_number(_get_cost(costs, row))} for row in rows]
        app.streams.print_line(json.dumps(document, ensure_ascii=False, indent=2))
    elif rows:
        for line in format_table(_HEADER, [_format_row(row, costs) for row in rows]):
            app.streams.print_line(line)
        _print_unpriced(app, rows, costs)
    else:
        app.streams.print_notice("There is no answer to count.")


def _get_cost(costs: Mapping[tuple[str, str], Decimal | None], row: Spent) -> Decimal | None:
    return costs.get((row.day, row.model))


def _print_unpriced(
    app: App, rows: Sequence[Spent], costs: Mapping[tuple[str, str], Decimal | None]
) -> None:
    unpriced = (row for row in rows if row.input_tokens or row.output_tokens)
    model = next((row.model for row in unpriced if _get_cost(costs, row) is None), None)
    if model is not None:
        app.streams.print_notice(
            f"There is no price for {model}; to add one, {how_to_add(app, model)}"
        )


def _format_row(row: Spent, costs: Mapping[tuple[str, str], Decimal | None]) -> tuple[str, ...]:
    from hiveloom_cli.chat.prices import format_cost

    first, speed = row.first_token_ms, row.tokens_per_s
    return (
        row.day,
        row.model,
        f"{row.answers:,}",
        f"{row.input_tokens:,}",
        f"{row.cached_input_tokens:,}",
        f"{row.output_tokens:,}",
        format_cost(_get_cost(costs, row)),
        "-" if first is None else _format_ms(first),
        "-" if speed is None else f"{speed:.0f}",
    )


def _format_ms(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
