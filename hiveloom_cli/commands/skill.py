"""`hiveloom skill`: the table of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "install": ("skill_install:install", "Take in a skill from a folder or an archive."),
    "list": ("skill_list:list_skills", "List the skills."),
    "show": ("skill_show:show", "Show a skill, and what comes with it."),
    "path": ("skill_path:path", "Print where a skill's folder is."),
    "remove": ("skill_remove:remove", "Remove a skill."),
}


@click.group(name="skill", cls=LazyGroup, table=_COMMANDS)
def command() -> None:
    """Skills are folders with a SKILL.md: instructions that an agent reads when it needs them.

    They have the open format of https://agentskills.io. An agent uses those that it names:

    \b
      hiveloom skill install ./release-notes
      hiveloom agent edit helper --add-skill release-notes
    """
