"""`hiveloom agent show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.agent_view import build_summary, print_warnings
from hiveloom_cli.commands.naming import choose_name, complete_agents, take_name

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App


@click.command()
@take_name(complete_agents)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(app: App, words: tuple[str, ...], name_option: str | None, *, as_json: bool) -> None:
    """Show an agent."""
    name = choose_name(words, name_option)
    file = app.agents.load(name)
    agent, path = file.agent, file.path
    if as_json:
        document = {
            **build_summary(agent),
            "system_prompt": agent.system_prompt,
            "path": str(path),
        }
        app.streams.print_line(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        for line in _format_agent(agent, path):
            app.streams.print_line(line)
    print_warnings(agent, app.streams)


def _format_agent(agent: Agent, path: Path) -> list[str]:
    settings = {
        key: ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in build_summary(agent).items()
        if value not in (None, "", [])
    }
    width = max(map(len, settings)) + 2
    lines = [f"{key + ':':<{width}} {value}" for key, value in settings.items()]
    lines.append(f"{'file:':<{width}} {path}")
    return [*lines, "", agent.system_prompt] if agent.system_prompt else lines
