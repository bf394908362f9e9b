"""`hiveloom serve`: offering the agents to other programs, and the table of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.app import App

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "token": ("serve_token:command", "Create, list, revoke the tokens that let programs in."),
}


@click.group(name="serve", cls=LazyGroup, table=_COMMANDS, invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Offer the agents to other programs over HTTP."""
    if context.invoked_subcommand is not None:
        return
    from hiveloom_cli.commands.serve_run import run_server

    app: App = context.obj
    run_server(app)
