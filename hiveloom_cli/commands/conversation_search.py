"""`hiveloom conversation search`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.conversation_view import (
    build_filter,
    take_filter,
    take_limit,
)
from hiveloom_cli.terminal.kept_list import print_found

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.record import Found


@click.command()
@click.argument("words", nargs=-1, required=True)
@take_filter
@take_limit(20)
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def search(app: App, /, **options: Any) -> None:
    """Find messages with all of WORDS, the newest first.

    Words in quotes have to follow each other; one that ends in * is the beginning of a word.
    Letters and digits count, and neither case nor accents do.

    \b
      hiveloom conversation search disk full
      hiveloom conversation search "disk is full" --since 7d
      hiveloom conversation search 'config*'
    """
    limit = options["limit"]
    found = app.conversations.search(options["words"], build_filter(options), limit + 1)
    if options["as_json"]:
        document = [_build_row(row) for row in found[:limit]]
        app.streams.print_line(json.dumps(document, ensure_ascii=False, indent=2))
    elif found:
        print_found(found[:limit], app.streams)
    else:
        app.streams.print_notice("Nothing was found.")
    if len(found) > limit:
        app.streams.print_notice("There is more; --limit shows it.")


def _build_row(row: Found) -> dict[str, Any]:
    from hiveloom_cli.clock import format_timestamp

    return {
        "conversation_id": row.conversation_id,
        "title": row.title,
        "agent": row.agent or None,
        "role": row.role,
        "said_at": format_timestamp(row.said_at),
        "snippet": "".join(text for text, _ in row.snippet),
        "matches": [text for text, matches in row.snippet if matches],
    }
