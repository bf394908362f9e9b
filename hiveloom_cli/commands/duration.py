"""Durations on the command line and in variables."""

from __future__ import annotations

import math
from typing import Any

import click

_LONGEST_S = 86_400.0


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
