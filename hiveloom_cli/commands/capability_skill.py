"""A skill that is given to an agent in one step: a `SKILL.md`, whose text is all there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import AlreadyExists, HiveloomError, SettingsInvalid, UsageMistake
from hiveloom_cli.files import save_bytes
from hiveloom_cli.tools.skill import SKILL_FILE, parse_skill

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.tools.skill_folder import SkillFolder


def open_skills(app: App) -> SkillFolder:
    """Open the folder of skills."""
    from hiveloom_cli.tools.skill_folder import SkillFolder

    return SkillFolder(app.paths.skills)


def build_text(name: str, text: str, description: str | None) -> str:
    """Build a `SKILL.md` of a text, which may be one already; it gets that name.

    Raises `UsageMistake` and `SettingsInvalid`.
    """
    from hiveloom_cli.front_matter.document import format_document
    from hiveloom_cli.tools.tool_editing import ToolChanges, edit_tool_text

    path = Path(SKILL_FILE)
    settings = {"name": name} | ({} if description is None else {"description": description})
    if text.startswith("---"):
        text = edit_tool_text(text, path, ToolChanges(settings))
    else:
        text = format_document(settings, text)
    try:
        skill = parse_skill(text, path)
    except SettingsInvalid as error:
        raise UsageMistake(error.problem, hint=error.hint) from None
    if not skill.body.strip():
        raise UsageMistake("the skill has no text", hint="--from-file FILE")
    return text


def save_new(app: App, name: str, text: str) -> Path:
    """Write a new skill. Raises `AlreadyExists`."""
    from hiveloom_cli.tools.skill_source import SourceFile

    try:
        folder = open_skills(app).save(name, [SourceFile(SKILL_FILE, text.encode())], replace=False)
    except AlreadyExists as error:
        error.hint = f"let an agent use it: hiveloom agent edit AGENT --add-skill {name}"
        raise
    return folder / SKILL_FILE


def change(app: App, name: str, text: str | None, description: str | None) -> Path:
    """Change the text of a skill or what is said of it, and nothing else in its folder."""
    folder = open_skills(app)
    if text is None:
        text = folder.load_skill_text(name)
    elif description is None and not text.startswith("---"):
        description = folder.load(name).description
    path = folder.check_there(name) / SKILL_FILE
    save_bytes(path, build_text(name, text, description).encode())
    return path


def build_row(app: App, name: str) -> dict[str, Any]:
    """Build what `--json` says of a skill; `problem` is null for one that is valid."""
    row: dict[str, Any] = {"name": name, "kind": "skill", "approval": None}
    try:
        skill = open_skills(app).load(name)
    except HiveloomError as error:
        return {**row, "description": None, "path": None, "problem": error.message}
    path = str(skill.path.parent)
    return {**row, "description": skill.description, "path": path, "problem": None}
