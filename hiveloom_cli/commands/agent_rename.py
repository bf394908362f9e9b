"""`hiveloom agent rename`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import complete_agents

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@click.argument("old", shell_complete=complete_agents)
@click.argument("new")
@click.pass_obj
def rename(app: App, old: str, new: str) -> None:
    """Give an agent another name; its versions go along."""
    saved = app.agents.get_store(old).rename(old, new)
    app.streams.print_line(f"Renamed {old} to {new}: {saved.path}")
