"""`hiveloom tool list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.errors import FileUnreadable, HiveloomError

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.tools.tool import ToolCard

_MOST_SHOWN = 60


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_tools(app: App, *, as_json: bool) -> None:
    """List the tools that files describe, also those whose files are broken."""
    from hiveloom_cli.commands.tool_view import build_row, load_card, open_tools

    cards = {name: load_card(app, name) for name in open_tools(app).load_names()}
    if as_json:
        app.streams.print_json([build_row(app, name, card) for name, card in cards.items()])
    elif cards:
        from hiveloom_cli.terminal.table import format_table

        rows = [_format_row(name, card) for name, card in cards.items()]
        app.streams.print_lines(format_table(("NAME", "KIND", "APPROVAL", "DESCRIPTION"), rows))
    else:
        app.streams.print_notice("There is no tool yet: hiveloom tool add --help")


def _format_row(name: str, card: ToolCard | HiveloomError) -> tuple[str, ...]:
    from hiveloom_cli.terminal.visible import format_one_line

    if isinstance(card, HiveloomError):
        return name, "broken", "-", _format_fault(card)
    description = format_one_line(card.definition.description, _MOST_SHOWN)
    return name, card.kind, card.approval.value, description


def _format_fault(error: HiveloomError) -> str:
    """Say what is wrong, with the line; the file is known by its name."""
    if not isinstance(error, FileUnreadable):
        return error.message
    return f"line {error.line}: {error.problem}" if error.line else error.problem
