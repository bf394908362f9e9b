"""How MCP servers and their tools are shown: to people, and as JSON. Nothing is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.tools.mcp_launch import format_transport
from hiveloom_cli.tools.mcp_listing import load_listing
from hiveloom_cli.tools.mcp_server import REST, HttpTransport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.mcp_listing import ListedTool
    from hiveloom_cli.tools.mcp_server import McpServer

_HEADER = ("TOOL", "APPROVAL", "READ-ONLY", "DESCRIPTION")
_MOST_DESCRIPTION = 60


def build_server(app: App, server: McpServer) -> dict[str, Any]:
    """Build what `--json` says of a server: names of variables and headers, never their values."""
    transport = server.transport
    is_http = isinstance(transport, HttpTransport)
    tools = load_listing(server, app.outside.cache)
    return {
        "name": server.name,
        "key": server.key,
        "transport": "http" if is_http else "stdio",
        "reached": format_transport(server),
        "env": [] if isinstance(transport, HttpTransport) else list(transport.env),
        "headers": list(transport.headers) if isinstance(transport, HttpTransport) else [],
        "credential": transport.credential if isinstance(transport, HttpTransport) else None,
        "disabled": server.is_disabled,
        "timeout_s": server.timeout_s,
        "approval": {tool: word.value for tool, word in server.approvals.items()},
        "not_obeyed": list(server.loosening),
        "tools": None if tools is None else [tool.name for tool in tools],
        "log": None if is_http else str(app.outside.logs / f"{server.name}.log"),
    }


def build_tool(server: McpServer, tool: ListedTool) -> dict[str, Any]:
    """Build what `--json` says of a tool."""
    from hiveloom_cli.tools.mcp_tools import build_model_name

    return {
        "name": tool.name,
        "reference": f"mcp:{server.name}/{tool.name}",
        "called": build_model_name(server.name, tool.name),
        "description": tool.description,
        "read_only": tool.annotations.get("readOnlyHint") is True,
        "approval": server.decide_approval(tool.name, tool.annotations).value,
        "input_schema": dict(tool.input_schema),
    }


def format_tools(rows: Sequence[dict[str, Any]], changes: Sequence[str] = ()) -> Iterator[str]:
    """Format tools as a table; `changes` says of each what changed, if anything did."""
    from hiveloom_cli.terminal.table import format_table

    shown = any(changes)
    header = (*_HEADER[:3], "CHANGE", _HEADER[3]) if shown else _HEADER
    lines = []
    for place, row in enumerate(rows):
        cells = [row["name"], row["approval"], "yes" if row["read_only"] else "no"]
        if shown:
            cells.append(changes[place] or "-")
        lines.append((*cells, _shorten(row["description"])))
    return format_table(header, lines)


def list_notes(server: McpServer) -> Iterator[str]:
    """Yield what a person may believe of a server's entry, and is not so."""
    if server.loosening:
        words = ", ".join(server.loosening)
        yield (
            f"note: {server.name}: {words} of other programs loosens no approval here;"
            " say `approval` instead"
        )


def describe_approvals(server: McpServer) -> str:
    """Say in a few words what the file says about approvals."""
    words: Iterable[str] = (
        word.value if tool == REST else f"{tool}: {word.value}"
        for tool, word in server.approvals.items()
    )
    return ", ".join(words) or "by tool"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_DESCRIPTION else line[: _MOST_DESCRIPTION - 1] + "…"
