"""`hiveloom mcp list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.mcp_view import build_server, describe_approvals, list_notes

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.tools.mcp_server import McpServer

_HEADER = ("NAME", "TOOLS", "APPROVAL", "REACHED BY")


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_servers(app: App, *, as_json: bool) -> None:
    """List the MCP servers, and how many tools each offered last; none is started."""
    from hiveloom_cli.tools.mcp_file import load_mcp_file

    file = load_mcp_file(app.paths.mcp)
    rows = [(server, build_server(app, server)) for server in file.servers.values()]
    if as_json:
        app.streams.print_json([row for _, row in rows])
    elif rows:
        from hiveloom_cli.terminal.table import format_table

        app.streams.print_lines(format_table(_HEADER, [_format(*row) for row in rows]))
    elif not file.faults:
        app.streams.print_notice("There is no MCP server yet: hiveloom mcp add NAME -- COMMAND")
    for server in file.servers.values():
        for line in list_notes(server):
            app.streams.print_notice(line)
    if file.faults:
        from hiveloom_cli.terminal.report import print_error

        for fault in file.faults.values():
            print_error(fault, app.streams)
        raise click.exceptions.Exit(1)


def _format(server: McpServer, row: dict[str, Any]) -> tuple[str, ...]:
    count = "-" if row["tools"] is None else str(len(row["tools"]))
    approval = "disabled" if server.is_disabled else describe_approvals(server)
    return (server.name, count, approval, row["reached"])
