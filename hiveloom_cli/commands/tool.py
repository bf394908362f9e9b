"""`hiveloom tool`: the table of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "add": ("tool_add:add", "Write a tool: an HTTP endpoint, or a command."),
    "list": ("tool_list:list_tools", "List the tools."),
    "show": ("tool_show:show", "Show a tool's file, and which agents name it."),
    "edit": ("tool_edit:edit", "Change a tool, by options or in an editor."),
    "remove": ("tool_remove:remove", "Remove a tool's file."),
    "test": ("tool_test:try_tool", "Run a tool once, without a model."),
}


@click.group(name="tool", cls=LazyGroup, table=_COMMANDS)
def command() -> None:
    """Tools are what agents may call: a file each, settings on top, a description below.

    An agent has those that its own file names:

    \b
      hiveloom agent edit AGENT --add-tool NAME
    """
