"""`hiveloom tool show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import choose_name, complete_tools, take_name
from hiveloom_cli.errors import HiveloomError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.app import App


@click.command()
@take_name(complete_tools)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(app: App, words: tuple[str, ...], name_option: str | None, *, as_json: bool) -> None:
    """Show a tool: its kind, whether it asks, which agents name it, and its file."""
    show_tool(app, choose_name(words, name_option), as_json=as_json)


def show_tool(app: App, name: str, *, as_json: bool) -> None:
    """Print a tool. Raises `ToolNotFound`."""
    from hiveloom_cli.commands.tool_view import build_row, find_users, load_card, open_tools
    from hiveloom_cli.files import load_text

    card = load_card(app, name)
    row = build_row(app, name, card)
    text = load_text(open_tools(app).build_path(name))
    users = find_users(app, name)
    if as_json:
        app.streams.print_json({**row, "used_by": users, "text": text})
        return
    app.streams.print_lines(_format_fields(row, users))
    app.streams.print_line()
    app.streams.print_line(text.removesuffix("\n"))
    if isinstance(card, HiveloomError):
        from hiveloom_cli.terminal.report import print_error

        print_error(card, app.streams)


def _format_fields(row: dict[str, Any], users: list[str]) -> Iterator[str]:
    from hiveloom_cli.commands.tool_view import build_hint
    from hiveloom_cli.terminal.visible import format_one_line

    fields = {
        "name": row["name"],
        "kind": row["kind"] or "broken",
        "approval": row["approval"] or "-",
        "used by": ", ".join(users) or f"no agent: {build_hint(row['name'])}",
        "file": row["path"],
    }
    width = max(map(len, fields)) + 2
    for label, text in fields.items():
        yield f"{label + ':':<{width}} {format_one_line(text, sys.maxsize)}"
