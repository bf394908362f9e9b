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
    "edit": ("agent_edit:edit", "Change an agent, by options or in an editor."),
    "path": ("agent_path:path", "Print where an agent's file is."),
    "versions": ("agent_versions:versions", "List what an agent's file has ever held."),
    "rollback": ("agent_rollback:rollback", "Write an earlier version back."),
    "rename": ("agent_rename:rename", "Give an agent another name."),
    "copy": ("agent_copy:copy", "Make a new agent from another."),
    "delete": ("agent_delete:delete", "Delete an agent; its versions stay."),
    "restore": ("agent_restore:restore", "Bring a deleted agent back."),
    "export": ("agent_export:export", "Print agents as a manifest."),
    "import": ("agent_import:import_agents", "Take in agents from a file or an address."),
}


@click.group(name="agent", cls=LazyGroup, table=_COMMANDS)
def command() -> None:
    """Agents are Markdown files: settings on top, the system prompt below."""
