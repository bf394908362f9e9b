"""`hiveloom agent delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import choose_name, complete_agents, take_name

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@take_name(complete_agents)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(app: App, words: tuple[str, ...], name_option: str | None, *, yes: bool) -> None:
    """Delete an agent's file; its versions stay, and it can be restored."""
    from hiveloom_cli.terminal.question import ask_consent

    name = choose_name(words, name_option)
    store = app.agents.get_store(name)
    path = store.build_path(name)
    question = f"Delete the agent {name} ({path})? Its versions stay."
    ask_consent(question, yes=yes, streams=app.streams)
    store.delete(name)
    app.streams.print_line(f"Deleted {name}: {path}")
    if store.versions.has(name):
        app.streams.print_notice(f"To restore it: hiveloom agent restore {name}")
