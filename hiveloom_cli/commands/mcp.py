"""`hiveloom mcp`: the table of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "add": ("mcp_add:add", "Add an MCP server."),
    "list": ("mcp_list:list_servers", "List the MCP servers."),
    "show": ("mcp_show:show", "Show an MCP server, and what it offered last."),
    "test": ("mcp_test:try_server", "Start an MCP server and list its tools."),
    "remove": ("mcp_remove:remove", "Remove an MCP server."),
    "serve": ("mcp_serve:serve", "Be an MCP server: an agent for other programs."),
}


@click.group(name="mcp", cls=LazyGroup, table=_COMMANDS)
def command() -> None:
    """MCP servers bring tools; mcp.json lists them, in the form that other programs use.

    An agent names what it gets of them: `tools: [mcp:github, mcp:tickets/search]`.
    """
