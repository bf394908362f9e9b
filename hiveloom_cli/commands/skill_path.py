"""`hiveloom skill path`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import choose_name, complete_skills, take_name

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@take_name(complete_skills)
@click.pass_obj
def path(app: App, words: tuple[str, ...], name_option: str | None) -> None:
    """Print where a skill's folder is, for other programs."""
    from hiveloom_cli.tools.skill_folder import SkillFolder

    name = choose_name(words, name_option)
    app.streams.print_line(str(SkillFolder(app.paths.skills).build_path(name)))
