"""All the tools that one agent has, of every kind, by the names that the model calls them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from hiveloom_cli.tools.kinds import open_toolsets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.protocols.request import ToolDefinition
    from hiveloom_cli.tools.outside import Outside
    from hiveloom_cli.tools.tool import Tool, ToolCard, Toolset


class Toolbox:
    """The tools of an agent, as far as they can be had."""

    def __init__(self, toolsets: Sequence[Toolset]) -> None:
        self._toolsets = toolsets
        self._tools: dict[str, tuple[ToolCard, Tool]] = {}
        for toolset in toolsets:
            for card, tool in toolset.load_tools():
                self._tools.setdefault(card.definition.name, (card, tool))

    @property
    def definitions(self) -> tuple[ToolDefinition, ...]:
        """What the model is told of each tool, in the order of the agent's file."""
        return tuple(card.definition for card, _ in self._tools.values())

    @property
    def problems(self) -> tuple[HiveloomError, ...]:
        """Why some tools could not be had, with the fix."""
        return tuple(problem for toolset in self._toolsets for problem in toolset.problems)

    @property
    def cards(self) -> tuple[ToolCard, ...]:
        """What is known of each tool."""
        return tuple(card for card, _ in self._tools.values())

    @property
    def instructions(self) -> str:
        """What the system prompt says of the tools; "" for nothing."""
        return "\n\n".join(filter(None, (toolset.instructions for toolset in self._toolsets)))

    def find(self, name: str) -> Tool | None:
        """Return the tool that the model calls by that name."""
        found = self._tools.get(name)
        return found[1] if found else None

    def close(self) -> None:
        """End what was started, each of them whatever the others do."""
        with ExitStack() as stack:
            for toolset in self._toolsets:
                stack.callback(toolset.close)


def open_toolbox(references: Sequence[str], outside: Outside) -> Toolbox:
    """Open the tools that an agent names: `weather`, `mcp:github`, `skill:release-notes`."""
    return Toolbox(list(open_toolsets(references, outside)))
