"""What a server keeps of its agents' tools between requests, and tells of those it cannot have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.commands.chat_tools import list_references
from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.tools.kinds import MCP
from hiveloom_cli.tools.mcp_file import load_mcp_file
from hiveloom_cli.tools.mcp_pool import ServerPool
from hiveloom_cli.tools.toolbox import open_toolbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.commands.serve_notes import Notes
    from hiveloom_cli.tools.outside import Outside
    from hiveloom_cli.tools.toolbox import Toolbox

_KEPT_S = 300.0  # that an MCP server runs on for nobody
_PAUSE_S = 10.0  # before one that did not start is started again
_TOPIC = "tools"


class ServedTools:
    """Opens the tools of agents for a request each; any thread may. MCP servers are shared.

    What cannot be had is told to whoever runs the server.
    """

    def __init__(self, app: App, notes: Notes) -> None:
        self._notes = notes
        self._pool = ServerPool(app.clock, kept_s=_KEPT_S, pause_s=_PAUSE_S)
        self._outside = replace(app.outside, servers=self._pool, note_wait=lambda _: None)

    def open(self, agent: Agent) -> Toolbox:
        """Open an agent's tools as their files are now; close it when the request has ended."""
        toolbox = open_toolbox(list_references(agent), self._outside)
        self._notes.tell(_TOPIC, agent.name, toolbox.problems)
        return toolbox

    def check(self, agents: Iterable[Agent]) -> None:
        """Tell what of the tools cannot be had as far as files say so; nothing is started."""
        for agent in agents:
            problems = _load_problems(list_references(agent), self._outside)
            self._notes.tell(_TOPIC, agent.name, list(problems))

    def close(self) -> None:
        """End all that was started; nothing is started any more."""
        self._pool.close()


def _load_problems(references: Sequence[str], outside: Outside) -> Iterator[HiveloomError]:
    files = [reference for reference in references if not reference.startswith(MCP)]
    yield from open_toolbox(files, outside).problems
    names = (reference[len(MCP) :] for reference in references if reference.startswith(MCP))
    for name in dict.fromkeys(name.partition("/")[0] for name in names):
        try:
            file = load_mcp_file(outside.mcp)
            file.expand(file.find_enabled(name), outside.environ)
        except HiveloomError as error:
            yield error
