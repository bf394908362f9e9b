"""`hiveloom agent copy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import complete_agents

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@click.argument("old", shell_complete=complete_agents)
@click.argument("new")
@click.option("--force", is_flag=True, help="Replace an agent of that name.")
@click.pass_obj
def copy(app: App, old: str, new: str, *, force: bool) -> None:
    """Make a new agent that is as another one; it becomes one of your own.

    One that comes with a project has to be trusted first, as for its use.
    """
    from hiveloom_cli.commands.trusting import load_trusted
    from hiveloom_cli.errors import UsageMistake

    file = load_trusted(app, old)
    own = app.agents.own
    if own.build_path(new) == file.path:
        raise UsageMistake("an agent cannot be copied onto itself", hint="choose another name")
    text = file.content.decode()
    saved = own.save(new, text, replace=force, summary=f"copied from {old}")
    app.streams.print_line(f"Copied {old} to {new}: {saved.path}")
