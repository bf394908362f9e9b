"""`hiveloom agent restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import choose_name, complete_deleted_agents, take_name

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@take_name(complete_deleted_agents)
@click.pass_obj
def restore(app: App, words: tuple[str, ...], name_option: str | None) -> None:
    """Bring a deleted agent back, byte for byte as it was."""
    name = choose_name(words, name_option)
    saved = app.agents.restore(name)
    app.streams.print_line(f"Restored {name}, version {saved.version}: {saved.path}")
