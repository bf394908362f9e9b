"""`hiveloom demo`: the whole path, without a key and without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command(name="demo")
@click.pass_obj
def command(app: App) -> None:
    """Show the whole path on this machine: store a key, create agents, chat over both protocols.

    It talks to a built-in server that is not a language model, in a temporary home.
    """
    from hiveloom_cli.demo.walk import run_walk

    run_walk(app.environ, app.streams.write)
