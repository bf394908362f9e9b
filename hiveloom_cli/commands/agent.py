"""`hiveloom agent`: the table of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "create": ("agent_create:create", "Create an agent."),
    "list": ("agent_list:list_agents", "List the agents."),
    "show": ("agent_show:show", "Show an agent."),
    "export": ("agent_share:export", "Print agents as a manifest."),
    "import": ("agent_share:import_agents", "Take in agents from a file or an address."),
    "delete": ("agent_delete:delete", "Delete an agent's file."),
}


@click.group(name="agent", cls=LazyGroup, table=_COMMANDS)
def command() -> None:
    """Agents are Markdown files: settings on top, the system prompt below."""
