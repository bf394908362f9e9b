"""`hiveloom tool add`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.tool_options import load_description, load_settings, take_tool_settings
from hiveloom_cli.errors import HiveloomError, SettingsInvalid, UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.tools.tool import Tool


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME] [-- COMMAND...]")
@click.option("--name", "name_option", metavar="NAME", help="The name, if it is not an argument.")
@take_tool_settings
@click.option("--force", is_flag=True, help="Replace a tool of that name.")
@click.pass_obj
def add(app: App, /, **options: Any) -> None:
    """Write a tool: an HTTP endpoint with --url, or the command that stands after --.

    A command is run as it stands, without a shell; its arguments come as JSON on stdin, or with
    --set arguments=flags as --name=value.

    \b
      hiveloom tool add weather --description "Tells the weather in a city." \\
        --url 'https://api.example.com/v1/weather?city={city}' \\
        --input '{"properties": {"city": {"type": "string"}}, "required": ["city"]}'
      hiveloom tool add changes --description "Lists the commits." -- git log --oneline
    """
    name, command = _split_words(options["words"], options["name_option"])
    settings = load_settings(app, options)
    if command:
        settings = {"command": list(command), **settings}
    text = build_tool_text(app, name, settings, load_description(app, options))
    tool = check_new_tool(app, name, text)
    from hiveloom_cli.commands.tool_view import (
        build_hint,
        note_own_hand,
        open_tools,
        print_credential_note,
    )

    path = open_tools(app).save(name, text, replace=options["force"])
    note_own_hand(app, name, options["approval"])
    app.streams.print_line(f"Added {name}: {path}")
    if command:
        _print_doubt(app, tool)
    print_credential_note(app, settings.get("credential"), str(settings.get("url", "")))
    app.streams.print_notice(f"Let an agent use it: {build_hint(name)}")


def build_tool_text(app: App, name: str, settings: dict[str, Any], description: str | None) -> str:
    """Build a tool's file of settings and description; a description may be a file with settings.

    Raises `UsageMistake` and `SettingsInvalid`.
    """
    from hiveloom_cli.front_matter.document import format_document
    from hiveloom_cli.tools.tool_editing import ToolChanges, edit_tool_text

    if description is None or not description.strip():
        raise UsageMistake(
            "a description is missing: it tells the model what the tool does",
            hint=f'hiveloom tool add {name} --description "…"',
        )
    if description.startswith("---"):
        return edit_tool_text(description, Path(f"{name}.md"), ToolChanges(settings))
    return format_document(settings, description.strip("\r\n"))


def check_new_tool(app: App, name: str, text: str) -> Tool:
    """Make a tool of a text that is not written yet. Raises `UsageMistake` if it is none."""
    from hiveloom_cli.commands.tool_view import parse_tool
    from hiveloom_cli.front_matter.document import parse_document
    from hiveloom_cli.tools.kinds import FILE_KINDS

    path = Path(f"{name}.md")
    try:
        if not FILE_KINDS.keys() & parse_document(text, path).fields.keys():
            hint = f"hiveloom tool add {name} --url URL, or a command after --"
            raise UsageMistake("neither a URL nor a command was given", hint=hint)
        return parse_tool(app, name, text, path)
    except SettingsInvalid as error:
        raise UsageMistake(error.problem, hint=error.hint) from None


def _split_words(words: tuple[str, ...], name_option: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the name, and the words of the command."""
    from hiveloom_cli.commands.agent_options import check_typed
    from hiveloom_cli.tools.tool_file import parse_tool_name

    for word in words:
        check_typed(word)
    if name_option is not None:
        return parse_tool_name(name_option), words
    if not words:
        raise UsageMistake("a name is missing", hint="hiveloom tool add NAME")
    return parse_tool_name(words[0]), words[1:]


def _print_doubt(app: App, tool: Tool) -> None:
    """Tell the person if the tool could not be run as things are."""
    try:
        tool.describe_call({})
    except HiveloomError as error:
        app.streams.print_notice(f"note: {error.message}")
