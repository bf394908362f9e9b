"""`hiveloom conversation list`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.conversation_view import (
    build_filter,
    build_summary,
    take_filter,
    take_limit,
)
from hiveloom_cli.terminal.kept_list import format_when

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.record import Summary


@click.command(name="list")
@take_filter
@take_limit(20)
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_conversations(app: App, /, **options: Any) -> None:
    """List conversations, the one that changed last first."""
    from hiveloom_cli.chat.record import Filter

    wanted = build_filter(options)
    rows = app.conversations.load_list(wanted, options["limit"])
    if options["as_json"]:
        document = [build_summary(row) for row in rows]
        app.streams.print_line(json.dumps(document, ensure_ascii=False, indent=2))
    elif rows:
        _print_rows(app, rows)
    else:
        nothing = "There is no conversation yet: hiveloom chat AGENT"
        is_first = wanted == Filter()
        app.streams.print_notice(nothing if is_first else "There is no such conversation.")
    if len(rows) == options["limit"] and (more := app.conversations.count(wanted) - len(rows)):
        app.streams.print_notice(f"{more:,} more; --limit shows them")


def _print_rows(app: App, rows: list[Summary]) -> None:
    from hiveloom_cli.terminal.table import format_table

    header = ("ID", "WHEN", "AGENT", "MODEL", "MESSAGES", "TITLE")
    cells = [
        (
            row.id,
            format_when(row.changed_at),
            row.agent or "-",
            row.model,
            str(row.messages),
            row.title,
        )
        for row in rows
    ]
    for line in format_table(header, cells):
        app.streams.print_line(line)
