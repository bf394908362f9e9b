"""`hiveloom capability show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import (
    choose_name,
    complete_agents,
    complete_capabilities,
    take_name,
)

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@click.argument("agent", metavar="AGENT", shell_complete=complete_agents)
@take_name(complete_capabilities)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(
    app: App, agent: str, words: tuple[str, ...], name_option: str | None, *, as_json: bool
) -> None:
    """Show one of an agent's tools or skills, with its file."""
    from hiveloom_cli.commands.capability_view import build_row, find_list
    from hiveloom_cli.commands.skill_show import show_skill
    from hiveloom_cli.commands.tool_show import show_tool

    name = choose_name(words, name_option)
    key = find_list(app.agents.load(agent).agent, name)
    if key == "skills":
        show_skill(app, name, as_json=as_json)
    elif ":" not in name:
        show_tool(app, name, as_json=as_json)
    elif as_json:
        app.streams.print_json(build_row(app, key, name))
    else:
        app.streams.print_line(name)
        app.streams.print_notice(f"To try it: hiveloom tool test {name}")
