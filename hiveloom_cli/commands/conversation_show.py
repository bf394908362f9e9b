"""`hiveloom conversation show` and `export`: all of one conversation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.conversation_view import build_message, build_summary
from hiveloom_cli.commands.naming import complete_conversations
from hiveloom_cli.commands.pricing import add_costs, build_costs, get_number, try_prices
from hiveloom_cli.terminal.kept_list import format_when

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.record import KeptConversation


@click.command()
@click.argument("conversation_id", metavar="ID", shell_complete=complete_conversations)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(app: App, conversation_id: str, *, as_json: bool) -> None:
    """Show what was said, the newest at the end."""
    from hiveloom_cli.terminal.recall import show_messages

    kept = _load(app, conversation_id)
    if as_json:
        _print_json(app, kept)
        return
    summary = kept.summary
    app.streams.print_line(summary.title)
    whom = f"{summary.agent} ({summary.model})" if summary.agent else summary.model
    when = format_when(summary.begun_at)
    app.streams.print_line(f"{summary.id}, with {whom}, begun {when}")
    app.streams.print_line()
    show_messages([row for row in kept.messages if not row.is_replaced], app.streams)


@click.command()
@click.argument("conversation_id", metavar="ID", shell_complete=complete_conversations)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json", "jsonl"]),
    default="markdown",
    show_default=True,
    help="jsonl: one JSON object a line for each message.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def export(app: App, conversation_id: str, form: str, *, as_json: bool) -> None:
    """Print a conversation whole, for a file or another program.

    JSON has everything that is kept, also answers that were replaced by another one.
    """
    kept = _load(app, conversation_id)
    if as_json or form == "json":
        _print_json(app, kept)
    elif form == "jsonl":
        costs = build_costs(kept.messages, try_prices(app))
        for row, cost in zip(kept.messages, costs, strict=True):
            app.streams.print_line(_encode(build_message(row, cost)))
    else:
        from hiveloom_cli.chat.export import format_markdown

        app.streams.print_line(format_markdown(kept).removesuffix("\n"))


def _load(app: App, conversation_id: str) -> KeptConversation:
    return app.conversations.load(app.conversations.find(conversation_id))


def _print_json(app: App, kept: KeptConversation) -> None:
    agent = kept.agent
    costs = build_costs(kept.messages, try_prices(app))
    document: dict[str, Any] = {
        **build_summary(kept.summary),
        "system_prompt": agent.system_prompt,
        "summary": kept.recap.text if kept.recap else None,
        "cost": get_number(add_costs(kept.messages, costs)),
        "messages": [
            build_message(row, cost) for row, cost in zip(kept.messages, costs, strict=True)
        ],
    }
    app.streams.print_line(_encode(document, indent=2))


def _encode(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
