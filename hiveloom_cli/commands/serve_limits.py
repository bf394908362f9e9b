"""How much a server takes on: the options of `hiveloom serve` that bound it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.numbers import Limits, Number

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_S = 3600
BYTES_A_MB = 1 << 20
PORT = Number(Limits(0, 65535, is_whole=True), "N")
_OPTIONS = (
    (
        "max-running",
        Number(Limits(1, 100_000, is_whole=True), "N"),
        256,
        "How many answers at a time; one more is refused with 429",
    ),
    (
        "max-body",
        Number(Limits(0, 1024, is_open=True), "MB"),
        32,
        "The largest request that is read",
    ),
    (
        "grace",
        Number(Limits(0, _MOST_S, is_whole=True), "SECONDS"),
        30,
        "How long answers may go on once it is told to stop",
    ),
)


def take_limits(command: Callable[..., Any]) -> Callable[..., Any]:
    """Declare the options: `max_running`, `max_body` in MB, `grace` in seconds."""
    for name, kind, default, text in reversed(_OPTIONS):
        option = click.option(f"--{name}", type=kind, default=default, help=f"{text} ({default}).")
        command = option(command)
    return command
