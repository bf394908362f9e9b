"""`hiveloom agent list`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.agent_view import build_summary, print_warnings

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App

_PROMPT_SHOWN = 60


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_agents(app: App, *, as_json: bool) -> None:
    """List the agents."""
    from hiveloom_cli.errors import FileUnreadable
    from hiveloom_cli.terminal.report import print_error
    from hiveloom_cli.terminal.table import format_table

    loaded = [entry for _, entry in app.agents.load_all()]
    broken = [entry for entry in loaded if isinstance(entry, FileUnreadable)]
    agents = [entry for entry in loaded if not isinstance(entry, FileUnreadable)]
    if as_json:
        rows = [build_summary(agent) for agent in agents]
        app.streams.print_line(json.dumps(rows, ensure_ascii=False, indent=2))
    elif agents:
        for line in format_table(
            ("NAME", "MODEL", "DESCRIPTION"),
            [(agent.name, agent.model, _describe(agent)) for agent in agents],
        ):
            app.streams.print_line(line)
    elif not broken:
        app.streams.print_notice("There is no agent yet: hiveloom agent create")
    for agent in agents:
        print_warnings(agent, app.streams)
    for error in broken:
        print_error(error, app.streams)
    if broken:
        raise click.exceptions.Exit(broken[0].exit_code)


def _describe(agent: Agent) -> str:
    text = agent.description or agent.system_prompt.partition("\n")[0]
    return text if len(text) <= _PROMPT_SHOWN else text[: _PROMPT_SHOWN - 1] + "…"
