"""`hiveloom mcp show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.mcp_view import (
    build_server,
    build_tool,
    describe_approvals,
    format_tools,
    list_notes,
)
from hiveloom_cli.commands.naming import choose_name, complete_mcp_servers, take_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.mcp_server import McpServer


@click.command()
@take_name(complete_mcp_servers)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(app: App, words: tuple[str, ...], name_option: str | None, *, as_json: bool) -> None:
    """Show an MCP server, and what it offered when it was last asked; it is not started."""
    from hiveloom_cli.tools.mcp_file import load_mcp_file
    from hiveloom_cli.tools.mcp_listing import load_listing

    file = load_mcp_file(app.paths.mcp)
    server = file.find(choose_name(words, name_option))
    listed = load_listing(server, app.outside.cache)
    row = build_server(app, server)
    tools = None if listed is None else [build_tool(server, tool) for tool in listed]
    if as_json:
        app.streams.print_json({**row, "tools": tools, "path": str(file.path)})
    else:
        fields = {key: text for key, text in _build_fields(server, row).items() if text}
        width = max(map(len, fields)) + 2
        app.streams.print_lines(_format_fields({**fields, "file": str(file.path)}, width))
        if tools:
            app.streams.print_line()
            app.streams.print_lines(format_tools(tools))
        elif tools is None:
            app.streams.print_notice(
                f"What it offers is not known yet: hiveloom mcp test {server.name}"
            )
    for line in list_notes(server):
        app.streams.print_notice(line)


def _build_fields(server: McpServer, row: dict[str, Any]) -> dict[str, str]:
    return {
        "name": server.name,
        "reached by": row["reached"],
        "variables": ", ".join(row["env"]),
        "headers": ", ".join(row["headers"]),
        "credential": row["credential"] or "",
        "approval": describe_approvals(server),
        "disabled": "yes" if server.is_disabled else "",
        "timeout": f"{server.timeout_s:g} s",
        "log": row["log"] or "",
    }


def _format_fields(fields: dict[str, str], width: int) -> Iterator[str]:
    for key, text in fields.items():
        # One line each, so that no text of the file can pass for another field.
        yield f"{key + ':':<{width}} {' '.join(text.splitlines())}"
