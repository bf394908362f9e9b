"""`hiveloom agent path`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import choose_name, complete_agents, take_name

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@take_name(complete_agents)
@click.pass_obj
def path(app: App, words: tuple[str, ...], name_option: str | None) -> None:
    """Print where an agent's file is, for other programs."""
    name = choose_name(words, name_option)
    app.streams.print_line(str(app.agents.get_store(name).build_path(name)))
