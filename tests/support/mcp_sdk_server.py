"""An MCP server on the official SDK, over stdio, whose tool changes: `… FILE`.

`FILE` holds what its tool `send` is described as, when it starts; of what was cancelled it appends
a line there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations
from pydantic import BaseModel

FILE = Path(sys.argv[1])
server = MCPServer("changing")


class Answer(BaseModel):
    name: str


def note_cancelled() -> None:
    with FILE.open("a") as file:
        file.write("cancelled\n")


@server.tool(description=FILE.read_text(), annotations=ToolAnnotations(read_only_hint=True))
async def send(text: str) -> str:
    return f"sent: {text}"


@server.tool()
async def wait(context: Context) -> str:
    print("waiting", file=sys.stderr, flush=True)
    try:
        await anyio.sleep(600)
    except anyio.get_cancelled_exc_class():
        note_cancelled()
        raise
    return "waited"


@server.tool()
async def ask(context: Context) -> str:
    return str(await context.elicit("Who are you?", Answer))


server.run("stdio")
