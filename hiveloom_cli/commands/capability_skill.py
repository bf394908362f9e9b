"""A skill that is given to an agent in one step: `skills/<name>/SKILL.md`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import AlreadyExists, HiveloomError, ToolNotFound, UsageMistake
from hiveloom_cli.files import save_bytes
from hiveloom_cli.tools.skill import LONGEST_DESCRIPTION, SKILL_FILE
from hiveloom_cli.tools.skill_folder import SkillFolder
from hiveloom_cli.tools.skill_source import SourceFile

if TYPE_CHECKING:
    from hiveloom_cli.app import App


def open_skills(app: App) -> SkillFolder:
    """Open the folder of skills."""
    return SkillFolder(app.paths.skills)


def build_path(app: App, name: str) -> Path:
    """Return where a skill's text is kept. Raises `UsageMistake` for what can name none."""
    return open_skills(app).build_path(name) / SKILL_FILE


def build_text(name: str, text: str, description: str | None) -> str:
    """Build a `SKILL.md` of a text, which may be one already; it gets that name.

    Raises `UsageMistake` and `SettingsInvalid`.
    """
    from hiveloom_cli.front_matter.document import format_document, parse_document
    from hiveloom_cli.tools.tool_editing import ToolChanges, edit_tool_text

    path = Path(SKILL_FILE)
    settings = {"name": name} | ({} if description is None else {"description": description})
    if text.startswith("---"):
        text = edit_tool_text(text, path, ToolChanges(settings))
    else:
        text = format_document(settings, text)
    document = parse_document(text, path)
    field = document.fields.get("description")
    if field is None or not isinstance(field.value, str) or not field.value.strip():
        raise UsageMistake(
            "a description is missing: a model chooses a skill by it", hint="--description TEXT"
        )
    if len(field.value) > LONGEST_DESCRIPTION:
        problem = f"the description is longer than {LONGEST_DESCRIPTION:,} characters"
        raise UsageMistake(problem, hint="leave the details to the text of the skill")
    if not document.body.strip():
        raise UsageMistake("the skill has no text", hint="--from-file FILE")
    return text


def save_new(app: App, name: str, text: str) -> Path:
    """Write a new skill. Raises `AlreadyExists`."""
    file = SourceFile(SKILL_FILE, text.encode())
    try:
        return open_skills(app).save(name, [file], replace=False) / SKILL_FILE
    except AlreadyExists as error:
        error.hint = f"let an agent use it: hiveloom agent edit AGENT --add-skill {name}"
        raise


def save(app: App, name: str, text: str) -> Path:
    """Replace a skill's text; what else its folder holds stays."""
    path = build_path(app, name)
    save_bytes(path, text.encode())
    return path


def load(app: App, name: str) -> str:
    """Read a skill's text. Raises `ToolNotFound` and `FileUnreadable`."""
    return open_skills(app).load_skill_text(name)


def remove(app: App, name: str) -> Path:
    """Remove a skill, if it is there, with all that its folder holds; see `SkillFolder.remove`."""
    with suppress(ToolNotFound):
        open_skills(app).remove(name)
    return build_path(app, name).parent


def build_row(app: App, name: str) -> dict[str, Any]:
    """Build what `--json` says of a skill."""
    row: dict[str, Any] = {"name": name, "kind": "skill", "approval": None, "description": None}
    row |= {"path": None, "problem": None}
    try:
        skill = open_skills(app).load(name)
    except HiveloomError as error:
        return {**row, "problem": error.message}
    return {**row, "path": str(skill.path), "description": skill.description}
