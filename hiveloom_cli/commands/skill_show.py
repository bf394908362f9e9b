"""`hiveloom skill show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import choose_name, complete_skills, take_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.beneath import Piece
    from hiveloom_cli.tools.skill import Skill


@click.command()
@take_name(complete_skills)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(app: App, words: tuple[str, ...], name_option: str | None, *, as_json: bool) -> None:
    """Show a skill: what it is for, what comes with it, which agents name it, its instructions."""
    show_skill(app, choose_name(words, name_option), as_json=as_json)


def show_skill(app: App, name: str, *, as_json: bool) -> None:
    """Print a skill. Raises `ToolNotFound` and `FileUnreadable`."""
    from hiveloom_cli.commands.skill_view import find_users
    from hiveloom_cli.tools.skill_folder import SkillFolder

    folder = SkillFolder(app.paths.skills)
    skill = folder.load(name)
    pieces = folder.load_pieces(skill.name)
    users = find_users(app).get(skill.name, [])
    if as_json:
        app.streams.print_json(_build_document(skill, pieces, users))
        return
    app.streams.print_lines(_format_settings(skill, pieces, users))
    if skill.body:
        app.streams.print_line()
        app.streams.print_text(skill.body)


def _build_document(skill: Skill, pieces: Sequence[Piece], users: Sequence[str]) -> dict[str, Any]:
    return {
        "name": skill.name,
        "description": skill.description,
        "license": skill.license or None,
        "compatibility": skill.compatibility or None,
        "allowed_tools": skill.allowed_tools or None,
        "allowed_tools_obeyed": False,
        "metadata": dict(skill.metadata),
        "used_by": list(users),
        "path": str(skill.path.parent),
        "files": [{"path": piece.path, "size": piece.size} for piece in pieces],
        "body": skill.body,
    }


def _format_settings(skill: Skill, pieces: Sequence[Piece], users: Sequence[str]) -> Iterator[str]:
    from hiveloom_cli.commands.skill_view import build_hint, format_size, list_settings
    from hiveloom_cli.terminal.visible import format_one_line

    fields = list(list_settings(skill))
    fields += [("used by", ", ".join(users) or f"no agent: {build_hint(skill.name)}")]
    fields += [("folder", str(skill.path.parent))]
    for piece in pieces:
        size = format_size(piece.size) if piece.is_plain else "no plain file"
        fields.append(("file", f"{piece.path} ({size})"))
    width = max(len(label) for label, _ in fields) + 2
    for label, text in fields:
        # One line each, so that no text of the skill's author can pass for another field.
        yield f"{label + ':':<{width}} {format_one_line(text, sys.maxsize)}"
