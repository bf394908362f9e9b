"""`hiveloom tool edit`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import choose_name, complete_tools, take_name
from hiveloom_cli.commands.tool_options import load_description, load_settings, take_tool_settings
from hiveloom_cli.commands.tool_view import note_own_hand, open_tools, parse_tool
from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.files import load_text

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.app import App
    from hiveloom_cli.commands.draft import Draft
    from hiveloom_cli.tools.tool_editing import ToolChanges

_OVERWRITE = "o"


@click.command()
@take_name(complete_tools)
@take_tool_settings
@click.option("--unset", multiple=True, metavar="KEY", help="Take a setting out of the file.")
@click.pass_obj
def edit(app: App, /, **options: Any) -> None:
    """Change a tool. Without options its file opens in your editor ($VISUAL, $EDITOR).

    Options change their own lines and leave the rest of the file as it is. What is no valid tool
    is not saved.
    """
    name = choose_name(options["words"], options["name_option"])
    changes = _load_changes(app, open_tools(app).check_there(name), options)
    if not changes.is_empty:
        change_tool(app, name, changes)
        return
    if not app.streams.can_ask or not app.streams.stdout.isatty():
        raise UsageMistake(
            "there is no terminal to open an editor on, and no option says what to change",
            hint=f"hiveloom tool edit {name} --description TEXT (hiveloom tool edit --help shows"
            " what else can be changed)",
        )
    _edit_by_hand(app, name)


def _load_changes(app: App, path: Path, options: dict[str, Any]) -> ToolChanges:
    """Read what is to be changed; headers are added to those that there are."""
    from hiveloom_cli.front_matter.document import parse_document
    from hiveloom_cli.tools.tool_editing import ToolChanges

    description = load_description(app, options)
    if description is not None and description.startswith("---"):
        hint = "hiveloom tool add NAME --force --from-file FILE"
        raise UsageMistake("a whole file is no description", hint=hint)
    unset = tuple(key.strip() for key in options["unset"])
    settings = load_settings(app, options)
    if options["headers"] and "headers" not in unset:
        former = parse_document(load_text(path), path).fields.get("headers")
        if former is not None and isinstance(former.value, dict):
            settings["headers"] = {**former.value, **settings["headers"]}
    return ToolChanges(settings, unset, description)


def change_tool(app: App, name: str, changes: ToolChanges) -> None:
    """Change a tool's file as told, if it is a valid tool then; tell the person."""
    from hiveloom_cli.tools.tool_editing import edit_tool_text

    folder = open_tools(app)
    path = folder.build_path(name)
    text = load_text(path)
    edited = edit_tool_text(text, path, changes)
    try:
        parse_tool(app, name, edited, path)
    except SettingsInvalid as error:
        hint = error.hint or f"repair it in an editor: hiveloom tool edit {name}"
        raise UsageMistake(f"{error.problem}; nothing was changed", hint=hint) from None
    if edited == text:
        app.streams.print_line(f"Nothing changed in {name}: {path}")
        return
    folder.save(name, edited, replace=True)
    note_own_hand(app, name, changes.settings.get("approval"), former=text)
    app.streams.print_line(f"Changed {name}: {path}")


def _edit_by_hand(app: App, name: str) -> None:
    from hiveloom_cli.commands.draft import edit_draft, open_draft

    path = open_tools(app).build_path(name)
    with open_draft(app, name, path.read_bytes(), partial(parse_tool, app, name)) as draft:
        edit_draft(app, draft, path, partial(_save, app, draft))


def _save(app: App, draft: Draft, text: str) -> bool:
    """Save the draft; False if the person would rather go on editing it."""
    from hiveloom_cli.commands.draft import AGAIN, CHOICES, choose

    folder, name = open_tools(app), draft.path.stem
    path = folder.build_path(name)
    while (current := path.read_bytes() if path.exists() else None) != draft.base:
        draft.base = current
        verb = "removed" if current is None else "changed"
        app.streams.print_notice(f"{name} was {verb} while you edited it.")
        if choose(app, {_OVERWRITE: "overwrite", **CHOICES}) == AGAIN:
            return False
    former = "" if current is None else current.decode("utf-8", "replace")
    folder.save(name, text, replace=True)
    note_own_hand(app, name, None, former=former)
    app.streams.print_line(f"Changed {name}: {path}")
    return True
