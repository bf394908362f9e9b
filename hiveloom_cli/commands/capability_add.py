"""`hiveloom capability add`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.capability_options import (
    MARKDOWN,
    check_options,
    take_capability_settings,
)
from hiveloom_cli.commands.naming import choose_name, complete_agents
from hiveloom_cli.errors import AlreadyExists, UsageMistake

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.app import App
    from hiveloom_cli.commands.capability_view import ListName

# Whatever the endpoint takes: what it is told of itself is all that the model knows.
_ANYTHING = {"type": "object", "properties": {}, "additionalProperties": True}


@click.command()
@click.argument("agent", metavar="AGENT", shell_complete=complete_agents)
@click.argument("words", nargs=-1, metavar="[NAME]")
@click.option("--name", "name_option", metavar="NAME", help="The name, if it is not an argument.")
@take_capability_settings
@click.pass_obj
def add(app: App, /, **options: Any) -> None:
    """Write a tool or a skill, and let an agent use it: both or neither.

    A call of the tool is a POST of one JSON object to its endpoint.

    \b
      hiveloom capability add helper --name orders --description "Finds orders." \\
        --cap-endpoint https://shop.example.com/orders \\
        --auth-type api_key --credential-ref shop
      hiveloom capability add helper --name release-notes --auth-type markdown \\
        --description "How release notes are written." --from-file notes.md
    """
    from hiveloom_cli.agents.editing import Changes
    from hiveloom_cli.commands.capability_view import print_agent_saved, save_changes
    from hiveloom_cli.commands.tool_view import print_credential_note

    agent = options["agent"]
    name = choose_name(options["words"], options["name_option"])
    is_skill = _decide_is_skill(options)
    check_options(options, is_skill=is_skill)
    held = app.agents.load(agent).agent  # one that is not there is told before anything is written
    if name in (*held.tools, *held.skills):
        hint = f"hiveloom capability edit {agent} {name}"
        raise AlreadyExists(f"{agent} has a capability named {name} already", hint=hint)
    path = _save_skill(app, name, options) if is_skill else _save_tool(app, name, options)
    key: ListName = "skills" if is_skill else "tools"
    try:
        saved = save_changes(app, agent, Changes(added={key: (name,)}))
    except BaseException:
        _take_back(path, is_skill=is_skill)
        raise
    app.streams.print_line(f"Added {name}: {path}")
    print_agent_saved(app, agent, saved)
    print_credential_note(app, options["credential_ref"], options["cap_endpoint"] or "")


def _decide_is_skill(options: dict[str, Any]) -> bool:
    if options["auth_type"] is not None:
        return bool(options["auth_type"] == MARKDOWN)
    return options["cap_endpoint"] is None and options["from_file"] is not None


def _save_tool(app: App, name: str, options: dict[str, Any]) -> Path:
    from hiveloom_cli.commands.tool_add import check_new_tool
    from hiveloom_cli.commands.tool_view import open_tools

    text = _build_tool_text(app, name, options)
    check_new_tool(app, name, text)
    try:
        return open_tools(app).save(name, text, replace=False)
    except AlreadyExists as error:
        error.hint = f"hiveloom agent edit {options['agent']} --add-tool {name}"
        raise


def _build_tool_text(app: App, name: str, options: dict[str, Any]) -> str:
    from pathlib import Path

    from hiveloom_cli.commands.tool_add import build_tool_text
    from hiveloom_cli.commands.tool_options import load_file
    from hiveloom_cli.front_matter.document import parse_document
    from hiveloom_cli.tools.tool_editing import ToolChanges, edit_tool_text
    from hiveloom_cli.tools.tool_file import parse_tool_name

    path = Path(f"{parse_tool_name(name)}.md")
    text = "" if options["from_file"] is None else load_file(app, options["from_file"])
    settings = {"url": options["cap_endpoint"], "credential": options["credential_ref"]}
    settings = {key: value for key, value in settings.items() if value is not None}
    fallback: dict[str, Any] = {"method": "POST", "input": _ANYTHING}
    if text.startswith("---"):
        fields = parse_document(text, path).fields
        settings |= {key: value for key, value in fallback.items() if key not in fields}
        return edit_tool_text(text, path, ToolChanges(settings, description=options["description"]))
    if "url" not in settings:
        raise UsageMistake(
            "--cap-endpoint is missing",
            hint=f"hiveloom capability add {options['agent']} {name} --cap-endpoint URL",
        )
    if options["description"] is not None and text:
        raise UsageMistake(
            "the description was given twice", hint="give --description or --from-file, not both"
        )
    return build_tool_text(app, name, {**settings, **fallback}, options["description"] or text)


def _save_skill(app: App, name: str, options: dict[str, Any]) -> Path:
    from hiveloom_cli.commands import capability_skill
    from hiveloom_cli.commands.tool_options import load_file

    if options["from_file"] is None:
        raise UsageMistake("a skill's text is missing", hint="--from-file FILE (- for stdin)")
    capability_skill.open_skills(app).build_path(name)
    text = load_file(app, options["from_file"])
    text = capability_skill.build_text(name, text, options["description"])
    return capability_skill.save_new(app, name, text)


def _take_back(path: Path, *, is_skill: bool) -> None:
    path.unlink()
    if is_skill:
        path.parent.rmdir()
