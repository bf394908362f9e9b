"""`hiveloom mcp test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.mcp_view import build_tool, format_tools, list_notes
from hiveloom_cli.commands.naming import choose_name, complete_mcp_servers, take_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.mcp_listing import ListedTool
    from hiveloom_cli.tools.mcp_server import McpServer


@click.command(name="test")
@take_name(complete_mcp_servers)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def try_server(app: App, words: tuple[str, ...], name_option: str | None, *, as_json: bool) -> None:
    """Start an MCP server, or reach it, and list its tools; say what changed since the last time.

    A tool that its server marks as read-only runs unasked, unless mcp.json says otherwise.
    """
    from hiveloom_cli.tools.mcp_file import load_mcp_file
    from hiveloom_cli.tools.mcp_running import RunningServer

    file = load_mcp_file(app.paths.mcp)
    server = file.find(choose_name(words, name_option))
    running = RunningServer(server, file, app.outside)
    former = running.load_known()
    app.outside.note_wait(f"waiting for the MCP server {server.name} ...")
    try:
        tools = running.list_tools()
    finally:
        running.close()
    _print(app, server, former, tools, as_json=as_json)
    for line in [*running.problems, *list_notes(server)]:
        app.streams.print_notice(line)


def _print(
    app: App,
    server: McpServer,
    former: Sequence[ListedTool] | None,
    tools: Sequence[ListedTool],
    *,
    as_json: bool,
) -> None:
    rows = [build_tool(server, tool) for tool in tools]
    known = {tool.name: tool.text for tool in former or ()}
    changes = [_decide_change(tool, known) if former is not None else "" for tool in tools]
    gone = sorted(known.keys() - {tool.name for tool in tools})
    if as_json:
        shown = [
            {**row, "change": change or None} for row, change in zip(rows, changes, strict=True)
        ]
        app.streams.print_json(
            {"name": server.name, "works": True, "tools": shown, "removed": gone}
        )
        return
    count = f"{len(tools)} tool{'' if len(tools) == 1 else 's'}"
    app.streams.print_line(f"The MCP server {server.name} works: it offers {count}.")
    if rows:
        app.streams.print_lines(format_tools(rows, changes))
    for name in gone:
        app.streams.print_notice(f"no longer there: {name}")


def _decide_change(tool: ListedTool, known: dict[str, str]) -> str:
    if tool.name not in known:
        return "new"
    return "" if known[tool.name] == tool.text else "changed"
