"""Numbers as options take them, with the words that an agent's file has for the same limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click


@dataclass(frozen=True, slots=True)
class Limits:
    """What a number may be; `least` itself is refused if `is_open`, `most` None means no end."""

    least: float
    most: float | None = None
    is_whole: bool = False
    is_open: bool = False

    def has(self, number: float) -> bool:
        """Whether the number is within the limits; "not a number" never is."""
        is_enough = number > self.least if self.is_open else number >= self.least
        return is_enough and not (self.most is not None and number > self.most)

    @property
    def words(self) -> str:
        """Say what is expected."""
        what = "a whole number" if self.is_whole else "a number"
        if self.is_open:
            end = "" if self.most is None else f", {self.most:g} at most"
            return f"{what} above {self.least:g}{end}"
        if self.most is None:
            return f"{what} of at least {self.least:g}"
        return f"{what} from {self.least:g} to {self.most:g}"


if TYPE_CHECKING:
    _ParamType = click.ParamType[float]
else:
    _ParamType = click.ParamType  # not generic in Click 8.2


class Number(_ParamType):
    """A number within limits; the help of its option says which, where a person has to know."""

    name = "number"

    def __init__(self, limits: Limits, metavar: str = "NUMBER") -> None:
        self.limits = limits
        self._metavar = metavar

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return `value` as a number; see `click.ParamType.convert`."""
        try:
            number = int(value) if self.limits.is_whole else float(value)
        except ValueError:
            number = math.nan
        if not self.limits.has(number):
            self.fail(f"expected {self.limits.words}", param, ctx)
        return number

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """See `click.ParamType.get_metavar`."""
        return self._metavar


TEMPERATURE = Number(Limits(0, 2))
TOP_P = Number(Limits(0, 1))
TOKENS = Number(Limits(1, is_whole=True), "N")
COUNT = TOKENS
