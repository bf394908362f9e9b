"""`hiveloom skill remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import choose_name, complete_skills, take_name

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@take_name(complete_skills)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(app: App, words: tuple[str, ...], name_option: str | None, *, yes: bool) -> None:
    """Remove a skill with all its files; of a link in its place, the link alone."""
    from hiveloom_cli.commands.skill_view import find_users
    from hiveloom_cli.terminal.question import ask_consent
    from hiveloom_cli.tools.skill_folder import SkillFolder

    name = choose_name(words, name_option)
    folder = SkillFolder(app.paths.skills)
    path = folder.check_there(name)
    ask_consent(f"Remove the skill {name} ({path})?", yes=yes, streams=app.streams)
    folder.remove(name)
    app.streams.print_line(f"Removed {name}: {path}")
    for agent in find_users(app).get(name, []):
        app.streams.print_notice(
            f"note: {agent} still names it: hiveloom agent edit {agent} --remove-skill {name}"
        )
