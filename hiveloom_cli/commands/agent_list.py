"""`hiveloom agent list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.agent_view import (
    build_place,
    build_summary,
    format_hidden,
    print_warnings,
)
from hiveloom_cli.errors import FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.app import App

_PROMPT_SHOWN = 60


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_agents(app: App, *, as_json: bool) -> None:
    """List the agents: the project's, where there is one, and your own."""
    loaded = list(app.load_briefs())
    broken = [entry for _, entry in loaded if isinstance(entry, FileUnreadable)]
    agents = [(store, one) for store, one in loaded if not isinstance(one, FileUnreadable)]
    if as_json:
        rows = [{**build_summary(one), **build_place(store, one.name)} for store, one in agents]
        app.streams.print_json(rows)
    elif agents:
        _print_table(app, agents)
    elif not broken:
        app.streams.print_notice("There is no agent yet: hiveloom agent create")
    _print_notes(app, [agent for _, agent in agents], broken)


def _print_notes(app: App, agents: list[Agent], broken: list[FileUnreadable]) -> None:
    for agent in agents:
        print_warnings(agent, app.streams)
    if hidden := app.agents.load_hidden():
        app.streams.print_notice(format_hidden(hidden))
    if not broken:
        return
    from hiveloom_cli.terminal.report import print_error

    for error in broken:
        print_error(error, app.streams)
    raise click.exceptions.Exit(broken[0].exit_code)


def _print_table(app: App, agents: Sequence[tuple[AgentStore, Agent]]) -> None:
    from hiveloom_cli.terminal.table import format_table

    header: tuple[str, ...] = ("NAME", "MODEL", "DESCRIPTION")
    rows: list[tuple[str, ...]] = [(one.name, one.model, _describe(one)) for _, one in agents]
    if app.agents.project is not None:
        header = ("NAME", "WHERE", *header[1:])
        places = ["project" if store.is_project else "own" for store, _ in agents]
        rows = [(row[0], place, *row[1:]) for row, place in zip(rows, places, strict=True)]
    app.streams.print_lines(format_table(header, rows))


def _describe(agent: Agent) -> str:
    text = agent.description or agent.system_prompt.partition("\n")[0]
    return text if len(text) <= _PROMPT_SHOWN else text[: _PROMPT_SHOWN - 1] + "…"
