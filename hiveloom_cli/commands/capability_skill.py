"""A skill that is given to an agent in one step: `skills/<name>/SKILL.md`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import AlreadyExists, FileUnreadable, ToolNotFound, UsageMistake
from hiveloom_cli.files import load_text, save_bytes

if TYPE_CHECKING:
    from hiveloom_cli.app import App

_SKILL_FILE = "SKILL.md"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_MOST_DESCRIPTION = 1024


def build_path(app: App, name: str) -> Path:
    """Return where a skill's text is kept. Raises `UsageMistake` for what can name none."""
    if not _NAME.fullmatch(name) or len(name) > 64:
        hint = "use small letters and digits, with single '-' between them, 64 at most"
        raise UsageMistake(f"“{name}” cannot name a skill", hint=hint)
    return app.paths.skills / name / _SKILL_FILE


def build_text(name: str, text: str, description: str | None) -> str:
    """Build a `SKILL.md` of a text, which may be one already; it gets that name.

    Raises `UsageMistake` and `SettingsInvalid`.
    """
    from hiveloom_cli.front_matter.document import format_document, parse_document
    from hiveloom_cli.tools.tool_editing import ToolChanges, edit_tool_text

    path = Path(_SKILL_FILE)
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
    if len(field.value) > _MOST_DESCRIPTION:
        problem = f"the description is longer than {_MOST_DESCRIPTION:,} characters"
        raise UsageMistake(problem, hint="leave the details to the text of the skill")
    if not document.body.strip():
        raise UsageMistake("the skill has no text", hint="--from-file FILE")
    return text


def save_new(app: App, name: str, text: str) -> Path:
    """Write a new skill. Raises `AlreadyExists`."""
    path = build_path(app, name)
    if path.parent.exists():
        raise AlreadyExists(
            f"there is a skill named {name} already ({path.parent})",
            hint=f"let an agent use it: hiveloom agent edit AGENT --add-skill {name}",
        )
    save_bytes(path, text.encode())
    return path


def save(app: App, name: str, text: str) -> Path:
    """Replace a skill's text; what else its folder holds stays."""
    path = build_path(app, name)
    save_bytes(path, text.encode())
    return path


def load(app: App, name: str) -> str:
    """Read a skill's text. Raises `ToolNotFound` and `FileUnreadable`."""
    path = build_path(app, name)
    try:
        return load_text(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ToolNotFound(f"there is no skill named {name} ({path})") from None
    except OSError as error:
        raise FileUnreadable(path, f"cannot be read ({error.strerror})") from error


def remove(app: App, name: str) -> Path:
    """Remove a skill with all that its folder holds; of a link in its place, the link alone."""
    from shutil import rmtree

    folder = build_path(app, name).parent
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        rmtree(folder)
    return folder


def build_row(app: App, name: str) -> dict[str, Any]:
    """Build what `--json` says of a skill."""
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.front_matter.document import parse_document

    row: dict[str, Any] = {"name": name, "kind": "skill", "approval": None, "description": None}
    row |= {"path": None, "problem": None}
    try:
        path = build_path(app, name)
        field = parse_document(load(app, name), path).fields.get("description")
    except HiveloomError as error:
        return {**row, "problem": error.message}
    return {**row, "path": str(path), "description": str(field.value) if field else ""}
