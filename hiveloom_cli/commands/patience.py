"""How long to wait for an upstream, and how often to ask it: options, or variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.numbers import Limits, Number
from hiveloom_cli.upstream.limits import Patience, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST_S = 86_400.0
_TIMEOUTS = Timeouts()
_PATIENCE = Patience()
_SECONDS = Number(Limits(0, _LONGEST_S, is_open=True), "SECONDS")
_TRIES = Number(Limits(1, 100, is_whole=True), "N")


def take_patience(command: Callable[..., Any]) -> Callable[..., Any]:
    """Declare the options; `choose_timeouts` and `choose_patience` read them."""
    for name, kind, default, text in reversed(_OPTIONS):
        command = click.option(
            f"--{name}",
            type=kind,
            default=f"{default:g}",
            show_default=True,
            envvar=f"HIVELOOM_{name.replace('-', '_').upper()}",
            show_envvar=True,
            help=text,
        )(command)
    return command


def choose_timeouts(options: Mapping[str, Any]) -> Timeouts:
    """Build the limits of each wait from a command's options."""
    return Timeouts(read_s=options["timeout"], first_byte_s=options["first_byte_timeout"])


def choose_patience(options: Mapping[str, Any]) -> Patience:
    """Build the limits of all tries from a command's options."""
    return Patience(tries=options["max_tries"], within_s=options["retry_for"])


_OPTIONS = (
    ("timeout", _SECONDS, _TIMEOUTS.read_s, "The longest silence in an answer."),
    (
        "first-byte-timeout",
        _SECONDS,
        _TIMEOUTS.first_byte_s,
        "The longest silence before one; a local server may load a model first.",
    ),
    ("max-tries", _TRIES, _PATIENCE.tries, "How often a request is sent at most."),
    (
        "retry-for",
        _SECONDS,
        _PATIENCE.within_s,
        "How long after the first try another may begin.",
    ),
)
