"""`hiveloom conversation stats`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.conversation_view import build_filter, take_filter

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.record import Spent

_HEADER = ("DAY", "MODEL", "ANSWERS", "IN", "CACHED", "OUT", "FIRST TOKEN", "TOKENS/S")


@click.command()
@take_filter
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def stats(app: App, /, **options: Any) -> None:
    """Add up what was asked of each model on each day.

    Tokens are as the upstream counted them, the cached ones among those that went in. FIRST TOKEN
    is the mean time to it; TOKENS/S counts the whole wait for an answer.
    """
    from hiveloom_cli.terminal.table import format_table

    rows = app.conversations.load_stats(build_filter(options))
    if options["as_json"]:
        document = [asdict(row) for row in rows]
        app.streams.print_line(json.dumps(document, ensure_ascii=False, indent=2))
    elif rows:
        for line in format_table(_HEADER, [_format_row(row) for row in rows]):
            app.streams.print_line(line)
    else:
        app.streams.print_notice("There is no answer to count.")


def _format_row(row: Spent) -> tuple[str, ...]:
    first, speed = row.first_token_ms, row.tokens_per_s
    return (
        row.day,
        row.model,
        f"{row.answers:,}",
        f"{row.input_tokens:,}",
        f"{row.cached_input_tokens:,}",
        f"{row.output_tokens:,}",
        "-" if first is None else _format_ms(first),
        "-" if speed is None else f"{speed:.0f}",
    )


def _format_ms(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
