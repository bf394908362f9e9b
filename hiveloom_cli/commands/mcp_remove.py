"""`hiveloom mcp remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import choose_name, complete_mcp_servers, take_name

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@take_name(complete_mcp_servers)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(app: App, words: tuple[str, ...], name_option: str | None, *, yes: bool) -> None:
    """Remove an MCP server from mcp.json; everything else in the file stays."""
    from hiveloom_cli.terminal.question import ask_consent
    from hiveloom_cli.tools.mcp_file import check_listed, load_mcp_file, remove_server

    name = choose_name(words, name_option)
    check_listed(load_mcp_file(app.paths.mcp), name)
    ask_consent(f"Remove the MCP server {name}?", yes=yes, streams=app.streams)
    remove_server(app.paths.mcp, name)
    app.agreements.remove(f"mcp:{name}/")
    app.streams.print_line(f"Removed {name}.")
