"""`hiveloom agent rollback`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import choose_name, complete_agents, take_name
from hiveloom_cli.commands.numbers import COUNT

if TYPE_CHECKING:
    from hiveloom_cli.app import App


@click.command()
@take_name(complete_agents)
@click.option(
    "--to-version",
    "number",
    type=COUNT,
    metavar="N",
    required=True,
    help="As `hiveloom agent versions` numbers them.",
)
@click.pass_obj
def rollback(app: App, words: tuple[str, ...], name_option: str | None, number: int) -> None:
    """Write back what an earlier version held, as a new version.

    What the file holds now is kept as a version, also what was written into it by hand.
    """
    name = choose_name(words, name_option)
    saved = app.agents.get_store(name).roll_back(name, number)
    if not saved.is_new:
        app.streams.print_line(
            f"{name} holds what version {number} held; nothing was changed: {saved.path}"
        )
        return
    app.streams.print_line(
        f"Rolled {name} back to version {number}, as version {saved.version}: {saved.path}"
    )
    former = saved.version - 1
    app.streams.print_notice(f"To undo it: hiveloom agent rollback {name} --to-version {former}")
