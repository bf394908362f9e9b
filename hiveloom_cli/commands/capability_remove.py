"""`hiveloom capability remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import (
    choose_name,
    complete_agents,
    complete_capabilities,
    take_name,
)
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from typing import Any

    from hiveloom_cli.app import App
    from hiveloom_cli.commands.capability_view import ListName


@click.command()
@click.argument("agent", metavar="AGENT", shell_complete=complete_agents)
@take_name(complete_capabilities)
@click.option("--purge", is_flag=True, help="Remove the tool or the skill itself as well.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(app: App, /, agent: str, **options: Any) -> None:
    """Take a tool or a skill from an agent; what the agent's file held is kept as a version.

    The tool or the skill itself stays, unless --purge is given; that is refused as long as another
    agent names it.
    """
    from hiveloom_cli.agents.editing import Changes
    from hiveloom_cli.commands.capability_view import (
        find_list,
        find_others,
        print_agent_saved,
        save_changes,
    )
    from hiveloom_cli.terminal.question import ask_consent

    name = choose_name(options["words"], options["name_option"])
    key = find_list(app.agents.load(agent).agent, name)
    others = find_others(app, agent, key, name)
    if options["purge"]:
        _check_purge(app, key, name, others)
        ask_consent(f"Remove {name} itself as well?", yes=options["yes"], streams=app.streams)
    saved = save_changes(app, agent, Changes(removed={key: (name,)}))
    print_agent_saved(app, agent, saved)
    if options["purge"]:
        app.streams.print_line(f"Removed {name}: {_purge(app, key, name)}")
    elif not others and ":" not in name:
        command = "skill" if key == "skills" else "tool"
        app.streams.print_notice(
            f"No agent names it now. To remove it: hiveloom {command} remove {name}"
        )


def _check_purge(app: App, key: ListName, name: str, others: list[str]) -> None:
    """Return if the tool or skill itself can be removed; raise `HiveloomError` if not."""
    from hiveloom_cli.commands.capability_skill import open_skills
    from hiveloom_cli.commands.tool_view import open_tools

    hint = "leave --purge out"
    if ":" in name:
        raise UsageMistake(f"{name} is a server's own, and has no file", hint=hint)
    if others:
        raise UsageMistake(f"{', '.join(others)} needs {name} too; nothing was changed", hint=hint)
    folder = open_tools(app) if key == "tools" else open_skills(app)
    folder.check_there(name)


def _purge(app: App, key: ListName, name: str) -> str:
    from hiveloom_cli.commands.capability_skill import open_skills
    from hiveloom_cli.commands.tool_view import open_tools

    if key == "skills":
        return str(open_skills(app).remove(name))
    path = open_tools(app).remove(name)
    app.agreements.remove(name)
    return str(path)
