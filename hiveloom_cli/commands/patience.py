"""How long to wait for an upstream, and how often to ask it: options, or variables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.upstream.limits import Patience, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_S = 86_400.0
_TIMEOUTS = Timeouts()
_PATIENCE = Patience()


class Seconds(click.FloatRange):
    """Seconds, more than none and a day at most; fractions are taken."""

    def __init__(self) -> None:
        super().__init__(min=0, max=_LONGEST_S, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return `value` as seconds; "nan" is refused, which every range lets through."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value} is not a number of seconds.", param, ctx)
        return seconds

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """See `click.ParamType.get_metavar`."""
        return "SECONDS"


def take_patience(command: Callable[..., Any]) -> Callable[..., Any]:
    """Declare the options; `choose_timeouts` and `choose_patience` read them."""
    for name, kind, default, text in reversed(_OPTIONS):
        command = click.option(
            f"--{name}",
            type=kind,
            default=default,
            show_default=True,
            envvar=f"HIVELOOM_{name.replace('-', '_').upper()}",
            show_envvar=True,
            help=text,
        )(command)
    return command


def choose_timeouts(options: dict[str, Any]) -> Timeouts:
    """Build the limits of each wait from a command's options."""
    return Timeouts(read_s=options["timeout"], first_byte_s=options["first_byte_timeout"])


def choose_patience(options: dict[str, Any]) -> Patience:
    """Build the limits of all tries from a command's options."""
    return Patience(tries=options["max_tries"], within_s=options["retry_for"])


_OPTIONS = (
    ("timeout", Seconds(), _TIMEOUTS.read_s, "The longest silence in an answer."),
    (
        "first-byte-timeout",
        Seconds(),
        _TIMEOUTS.first_byte_s,
        "The longest silence before one; a local server may load a model first.",
    ),
    ("max-tries", click.IntRange(1, 100), _PATIENCE.tries, "How often a request is sent at most."),
    (
        "retry-for",
        Seconds(),
        _PATIENCE.within_s,
        "How long after the first try another may begin.",
    ),
)
