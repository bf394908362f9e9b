"""`hiveloom capability edit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.capability_options import check_options, take_capability_settings
from hiveloom_cli.commands.naming import (
    choose_name,
    complete_agents,
    complete_capabilities,
    take_name,
)
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.app import App

_SETTINGS = ("description", "cap_endpoint", "auth_type", "credential_ref", "from_file")


@click.command()
@click.argument("agent", metavar="AGENT", shell_complete=complete_agents)
@take_name(complete_capabilities)
@take_capability_settings
@click.pass_obj
def edit(app: App, /, agent: str, **options: Any) -> None:
    """Change one of an agent's tools or skills, for all agents that name it."""
    from hiveloom_cli.commands.capability_view import find_list, find_others

    name = choose_name(options["words"], options["name_option"])
    key = find_list(app.agents.load(agent).agent, name)
    check_options(options, is_skill=key == "skills")
    if all(options[one] is None for one in _SETTINGS):
        raise UsageMistake(
            "no option says what to change",
            hint=f"hiveloom capability edit {agent} {name} --description TEXT",
        )
    if key == "skills":
        _change_skill(app, name, options)
    else:
        _change_tool(app, name, options)
    if others := find_others(app, agent, key, name):
        app.streams.print_notice(f"note: it is the same for {', '.join(others)}")


def _change_tool(app: App, name: str, options: dict[str, Any]) -> None:
    from hiveloom_cli.commands.tool_edit import change_tool
    from hiveloom_cli.commands.tool_options import load_description
    from hiveloom_cli.commands.tool_view import open_tools
    from hiveloom_cli.tools.tool_editing import ToolChanges

    document = open_tools(app).load(name).document
    given = {"url": options["cap_endpoint"], "credential": options["credential_ref"]}
    settings = {key: value for key, value in given.items() if value is not None}
    is_unset = options["auth_type"] == "none" and "credential" in document.fields
    description = load_description(app, options)
    if description is not None and description.startswith("---"):
        hint = f"hiveloom tool add {name} --force --from-file FILE"
        raise UsageMistake("a whole file is no description", hint=hint)
    unset = ("credential",) if is_unset else ()
    change_tool(app, name, ToolChanges(settings, unset, description))


def _change_skill(app: App, name: str, options: dict[str, Any]) -> None:
    from hiveloom_cli.commands import capability_skill
    from hiveloom_cli.commands.tool_options import load_file

    file = options["from_file"]
    text = None if file is None else load_file(app, file)
    path = capability_skill.change(app, name, text, options["description"])
    app.streams.print_line(f"Changed {name}: {path}")
