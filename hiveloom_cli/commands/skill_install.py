"""`hiveloom skill install`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import complete_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.skill_source import SkillSource

_INDENT = 17
_MOST_FILES = 30


@click.command()
@click.argument("source", metavar="PATH", shell_complete=complete_paths)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Replace a skill of that name.")
@click.pass_obj
def install(app: App, source: str, *, yes: bool, force: bool) -> None:
    """Take in a skill, after showing what it brings. Nothing of it is run.

    PATH is a folder with a SKILL.md, such a file alone, or a .zip or .skill archive. It is copied,
    under the name that it gives itself.

    \b
      hiveloom skill install ~/Downloads/release-notes
      hiveloom skill install release-notes.skill --yes
    """
    from hiveloom_cli.commands.skill_view import build_hint
    from hiveloom_cli.terminal.question import ask_consent
    from hiveloom_cli.tools.skill_folder import SkillFolder
    from hiveloom_cli.tools.skill_source import load_source

    found = load_source(Path(source))
    name = found.skill.name
    folder = SkillFolder(app.paths.skills)
    if not force:
        folder.check_free(name)
    app.streams.print_aside("\n".join(_format_request(found, app.streams.measure_width())))
    is_there = os.path.lexists(folder.build_path(name))
    question = f"Replace the skill {name} by it?" if is_there else f"Install the skill {name}?"
    ask_consent(question, yes=yes, streams=app.streams)
    path = folder.save(name, found.files, replace=force)
    app.streams.print_line(f"Installed {name}: {path}")
    app.streams.print_notice(f"Let an agent use it: {build_hint(name)}")


def _format_request(found: SkillSource, width: int) -> Iterator[str]:
    """Yield what a person is shown before they agree, each foreign text folded and bounded."""
    from hiveloom_cli.terminal.question import format_field

    yield "This would be installed; none of it is run:"
    for label, text in _list_fields(found):
        yield from format_field(label, text, indent=_INDENT, width=width)


def _list_fields(found: SkillSource) -> Iterator[tuple[str, str]]:
    from hiveloom_cli.commands.skill_view import format_size, list_settings

    yield from list_settings(found.skill)
    for file in found.files[:_MOST_FILES]:
        runs = ", executable" if file.is_executable else ""
        yield "file", f"{file.path} ({format_size(len(file.content))}{runs})"
    if len(found.files) > _MOST_FILES:
        size = format_size(sum(len(file.content) for file in found.files[_MOST_FILES:]))
        yield "file", f"and {len(found.files) - _MOST_FILES:,} more ({size})"
