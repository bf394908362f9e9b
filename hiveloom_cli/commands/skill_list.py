"""`hiveloom skill list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.errors import HiveloomError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.skill import Skill

_MOST_SHOWN = 60


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_skills(app: App, *, as_json: bool) -> None:
    """List the skills, and which agents name them."""
    from hiveloom_cli.commands.skill_view import find_users
    from hiveloom_cli.tools.skill_folder import SkillFolder

    loaded = list(SkillFolder(app.paths.skills).load_all())
    broken = [one for one in loaded if isinstance(one, HiveloomError)]
    skills = [one for one in loaded if not isinstance(one, HiveloomError)]
    users = find_users(app)
    if as_json:
        app.streams.print_json([_build_row(skill, users) for skill in skills])
    elif skills:
        _print_table(app, skills, users)
    elif not broken:
        app.streams.print_notice("There is no skill yet: hiveloom skill install PATH")
    if not broken:
        return
    from hiveloom_cli.terminal.report import print_error

    for error in broken:
        print_error(error, app.streams)
    raise click.exceptions.Exit(broken[0].exit_code)


def _build_row(skill: Skill, users: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        "name": skill.name,
        "description": skill.description,
        "used_by": list(users.get(skill.name, ())),
        "path": str(skill.path.parent),
    }


def _print_table(app: App, skills: Sequence[Skill], users: Mapping[str, Sequence[str]]) -> None:
    from hiveloom_cli.terminal.table import format_table
    from hiveloom_cli.terminal.visible import format_one_line

    rows = [
        (
            skill.name,
            ", ".join(users.get(skill.name, ())) or "-",
            format_one_line(skill.description, _MOST_SHOWN),
        )
        for skill in skills
    ]
    app.streams.print_lines(format_table(("NAME", "USED BY", "DESCRIPTION"), rows))
