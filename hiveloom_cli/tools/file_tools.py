"""The tools that files in the tools folder describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.tools.kinds import open_file_tool
from hiveloom_cli.tools.tool_folder import ToolFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.tools.outside import Outside
    from hiveloom_cli.tools.tool import Tool, ToolCard


class FileTools:
    """The tools of these names: a `Toolset`."""

    instructions = ""

    def __init__(self, names: Sequence[str], outside: Outside) -> None:
        self.problems: list[HiveloomError] = []
        self._names = names
        self._outside = outside

    def load_tools(self) -> list[tuple[ToolCard, Tool]]:
        """Read the files."""
        folder = ToolFolder(self._outside.tools)
        tools: list[tuple[ToolCard, Tool]] = []
        for name in self._names:
            try:
                tool = open_file_tool(folder.load(name), self._outside)
                tools.append((tool.load_card(), tool))
            except HiveloomError as error:
                self.problems.append(error)
        return tools

    def close(self) -> None:
        """Nothing was started."""
