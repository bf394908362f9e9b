"""The tools of MCP servers: `mcp:github` is all that a server offers, `mcp:github/fork` one tool.

What a server offers is known from the last time, so that a chat starts none; a server runs when one
of its tools is to be approved or called, until the chat ends.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import HiveloomError, McpServerFailed, ToolNotFound
from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.tools.kinds import MCP
from hiveloom_cli.tools.mcp_file import load_mcp_file
from hiveloom_cli.tools.mcp_launch import format_transport
from hiveloom_cli.tools.mcp_result import build_output
from hiveloom_cli.tools.mcp_running import RunningServer, check_installed
from hiveloom_cli.tools.mcp_server import decide_usual
from hiveloom_cli.tools.tool import ToolCard, ToolOutput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hiveloom_cli.stop import Stop
    from hiveloom_cli.tools.mcp_listing import ListedTool
    from hiveloom_cli.tools.outside import Outside
    from hiveloom_cli.tools.tool import Tool

_MOST_NAME = 64  # what upstreams take
_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")
_DIGEST = 8


class McpTools:
    """The tools of these names: a `Toolset`.

    What servers say of themselves is foreign text, and no part of the system prompt.
    """

    instructions = ""

    def __init__(self, names: Sequence[str], outside: Outside) -> None:
        self.problems: list[HiveloomError] = []
        self._names = names
        self._outside = outside
        self._servers: dict[str, RunningServer] = {}

    def load_tools(self) -> list[tuple[ToolCard, Tool]]:
        """Return the tools; a server is started only if it is not known what it offers."""
        wanted: dict[str, list[str]] = {}
        for name in self._names:
            server, _, word = name.partition("/")
            wanted.setdefault(server, []).append(word)
        tools: dict[str, tuple[ToolCard, Tool]] = {}
        for server, names in wanted.items():
            try:
                for card, tool in self._load_server(server, names):
                    tools[card.definition.name] = (card, tool)
            except HiveloomError as error:
                self.problems.append(error)
        return list(tools.values())

    def close(self) -> None:
        """End the servers that were started, all at once."""
        for server in self._servers.values():
            server.begin_close()
        for server in self._servers.values():
            server.close()

    def _load_server(self, name: str, wanted: Sequence[str]) -> Iterator[tuple[ToolCard, Tool]]:
        check_installed()
        running = self._open_server(name)
        known = running.load_known()
        if known is None or not {*wanted} <= {"", *(tool.name for tool in known)}:
            self._outside.note_wait(f"waiting for the MCP server {running.server.name} ...")
            known = running.list_tools()
            self.problems += [McpServerFailed(text) for text in running.problems]
        for word in wanted:
            found = [tool for tool in known if word in ("", tool.name)]
            if word and not found:
                self.problems.append(build_gone(name, word, known))
            for listed in found:
                tool = McpTool(running, listed.name)
                yield tool.build_card(listed), tool

    def _open_server(self, name: str) -> RunningServer:
        file = load_mcp_file(self._outside.mcp)
        running = RunningServer(file.find_enabled(name), file, self._outside)
        return self._servers.setdefault(name, running)


class McpTool:
    """One tool of a server: a `Tool`."""

    def __init__(self, running: RunningServer, name: str) -> None:
        self._running = running
        self._name = name

    def load_card(self) -> ToolCard:
        """Ask the server what the tool is now; it is started for that.

        Raises `ToolNotFound` and `McpServerFailed`.
        """
        known = self._running.list_tools()
        for listed in known:
            if listed.name == self._name:
                return self.build_card(listed)
        raise build_gone(self._running.server.name, self._name, known)

    def build_card(self, listed: ListedTool) -> ToolCard:
        """Build what is known of the tool as it was listed."""
        server = self._running.server
        name = build_model_name(server.name, listed.name)
        return ToolCard(
            reference=f"{MCP}{server.name}/{listed.name}",
            kind=MCP,
            definition=ToolDefinition(name, listed.description, listed.input_schema),
            approval=server.decide_approval(listed.name, listed.annotations),
            definition_text=f"server: {format_transport(server)}\n{listed.text}",
            usual=decide_usual(listed.annotations),
            is_foreign=True,
        )

    def describe_call(self, arguments: Mapping[str, Any]) -> str:
        """Name the tool and its server, and show the arguments as they are sent."""
        server = self._running.server
        words = json.dumps(arguments, ensure_ascii=False, indent=2)
        return f"{self._name} of the MCP server {server.name} ({format_transport(server)})\n{words}"

    def run(self, arguments: Mapping[str, Any], stop: Stop) -> ToolOutput:
        """Call the tool. A server that is gone, or refuses, is an error for the model to read."""
        try:
            return build_output(self._running.call(self._name, arguments, stop))
        except McpServerFailed as error:
            hint = f" ({error.hint})" if error.hint else ""
            return ToolOutput(f"{error.message}{hint}", is_error=True)


def build_model_name(server: str, tool: str) -> str:
    """Build the name that a model calls a tool by: 64 letters, digits, '_' and '-' at most.

    A name that had to be changed ends in a digest of what it was, so that no two tools share one.
    """
    plain = f"{server}__{tool}"
    fitted = _FOREIGN.sub("_", plain)
    if fitted == plain and len(plain) <= _MOST_NAME and plain.count("__") == 1:
        return plain
    from hashlib import sha256

    digest = sha256(f"{server}/{tool}".encode("utf-8", "replace")).hexdigest()[:_DIGEST]
    return f"{fitted[: _MOST_NAME - _DIGEST - 1]}_{digest}"


def build_gone(server: str, tool: str, known: Sequence[ListedTool]) -> ToolNotFound:
    """Build what is said of a tool that its server does not offer."""
    from difflib import get_close_matches

    close = get_close_matches(tool, [one.name for one in known], n=1)
    hint = f"did you mean {MCP}{server}/{close[0]}?" if close else f"hiveloom mcp test {server}"
    return ToolNotFound(f"the MCP server {server} has no tool named {tool}", hint=hint)
