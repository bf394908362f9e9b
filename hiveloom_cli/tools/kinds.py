"""The table of tool kinds: how an agent's file names them, and what opens them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hiveloom_cli.tools.outside import Outside
    from hiveloom_cli.tools.tool import Tool, Toolset
    from hiveloom_cli.tools.tool_file import ToolFile


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of toolset: references that begin with `prefix` are its own.

    `opener` is the module in `tools/` and its function: it takes the references, less the prefix,
    and what is outside.
    """

    prefix: str
    opener: str

    def open(self, names: Sequence[str], outside: Outside) -> Toolset:
        """Open the tools of these names, without running or starting anything."""
        opener: Callable[[Sequence[str], Outside], Toolset] = _load(self.opener)
        return opener(names, outside)


SKILL = "skill:"
MCP = "mcp:"
# From the most particular to the rest.
KINDS = (
    Kind(SKILL, "skill_tool:SkillTools"),
    Kind(MCP, "mcp_tools:McpTools"),
    Kind("", "file_tools:FileTools"),
)
# What a tool's file has that no other kind of file has, and what makes a tool of it.
FILE_KINDS: Mapping[str, str] = {
    "url": "http_tool:HttpTool",
    "command": "command_tool:CommandTool",
}


def open_toolsets(references: Sequence[str], outside: Outside) -> Iterator[Toolset]:
    """Open the tools that an agent names, those of each kind together."""
    left = list(dict.fromkeys(references))
    for kind in KINDS:
        own = [reference for reference in left if reference.startswith(kind.prefix)]
        left = [reference for reference in left if reference not in own]
        if own:
            yield kind.open([name[len(kind.prefix) :] for name in own], outside)


def open_file_tool(file: ToolFile, outside: Outside) -> Tool:
    """Make a tool of a file. Raises `SettingsInvalid`."""
    from hiveloom_cli.errors import SettingsInvalid

    found = [key for key in FILE_KINDS if key in file.document.fields]
    if len(found) != 1:
        words = " or ".join(f"`{key}`" for key in FILE_KINDS)
        raise SettingsInvalid(file.path, f"expected either {words}", line=1)
    opener: Callable[[ToolFile, Outside], Tool] = _load(FILE_KINDS[found[0]])
    return opener(file, outside)


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"hiveloom_cli.tools.{module}"), name)
