"""`hiveloom tool remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import choose_name, complete_tools, take_name

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@take_name(complete_tools)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(app: App, words: tuple[str, ...], name_option: str | None, *, yes: bool) -> None:
    """Remove a tool's file. Agents that name it stay as they are, and are told of."""
    from hiveloom_cli.commands.tool_view import find_users, open_tools
    from hiveloom_cli.terminal.question import ask_consent

    name = choose_name(words, name_option)
    folder = open_tools(app)
    path = folder.check_there(name)
    users = find_users(app, name)
    named = f" Named by: {', '.join(users)}." if users else ""
    ask_consent(f"Remove the tool {name} ({path})?{named}", yes=yes, streams=app.streams)
    folder.remove(name)
    app.agreements.remove(name)
    app.streams.print_line(f"Removed {name}: {path}")
    for agent in users:
        app.streams.print_notice(
            f"note: {agent} still names it: hiveloom agent edit {agent} --remove-tool {name}"
        )
