"""A group of commands that imports a command's module when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(click.Group):
    """`table` maps a command's name to its place and its help line.

    The place is "module:attribute", the module one of this package.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the table's order: the main job first."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module, if there is such a command."""
        if cmd_name not in self._table:
            return None
        place, line = self._table[cmd_name]
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(f"{__package__}.{module}"), attribute)
        command.short_help = line  # what a shell shows beside the name it offers
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._table.items()])
