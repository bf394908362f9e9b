"""`hiveloom serve`: offering the agents to other programs, and the table of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.lazy import LazyGroup
from hiveloom_cli.commands.patience import take_patience
from hiveloom_cli.commands.serve_limits import PORT, take_limits

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "token": ("serve_token:command", "Create, list, revoke the tokens that let programs in."),
    "install-service": ("serve_service:command", "Print or write the systemd unit that serves."),
}


@click.group(name="serve", cls=LazyGroup, table=_COMMANDS, invoke_without_command=True)
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Where to listen (127.0.0.1).")
@click.option(
    "--port",
    type=PORT,
    default=3000,
    help="The port, 0 to 65535 (3000); 0 takes any that is free.",
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="Another name that it is asked by, such as a proxy's. Can be repeated.",
)
@click.option(
    "--allow-origin",
    multiple=True,
    metavar="ORIGIN",
    help="A web page that may ask, as in https://tools.example.com. Can be repeated.",
)
@click.option(
    "--allow-tool",
    multiple=True,
    metavar="NAME",
    help="Let this tool run, though it usually asks: nobody is there to be asked.",
)
@click.option("--save", is_flag=True, help="Keep what is said, as `hiveloom chat` does.")
@click.option("--no-token", is_flag=True, help="Let anyone on this machine in.")
@click.option(
    "--access-log", metavar="FILE", help="Where to write who came; standard error unless set."
)
@take_limits
@take_patience
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Offer the agents to other programs over HTTP, as OpenAI's and Anthropic's services are asked.

    Each agent is a model of its name, and a browser shows a page to talk to them. Programs show a
    token: one of `hiveloom serve token create`, the one in HIVELOOM_SERVE_TOKEN, or, without any,
    one that is printed at the start.
    """
    if context.invoked_subcommand is not None:
        return
    from hiveloom_cli.commands.serve_extra import check_installed

    check_installed()
    from hiveloom_cli.commands.serve_run import run

    run(context.obj, options)
