"""`hiveloom capability`: the table of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "add": ("capability_add:add", "Write a tool or a skill, and let an agent use it."),
    "list": ("capability_list:list_capabilities", "List what an agent can use."),
    "show": ("capability_show:show", "Show one of an agent's tools or skills."),
    "edit": ("capability_edit:edit", "Change one of an agent's tools or skills."),
    "remove": ("capability_remove:remove", "Take a tool or a skill from an agent."),
}


@click.group(name="capability", cls=LazyGroup, table=_COMMANDS)
def command() -> None:
    """Tools and skills that an agent's file names are its capabilities.

    The tool or the skill is a file of its own, which other agents can name too: hiveloom tool
    """
