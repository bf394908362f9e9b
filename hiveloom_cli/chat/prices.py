"""What tokens cost, as the person's `prices.toml` says.

    ["openai/gpt-4o-mini"]      # a model as it is asked for, or a beginning of names: "gpt-4o*"
    input = 0.15                # dollars for a million tokens
    output = 0.6
    cached_input = 0.075        # optional: otherwise as `input`
    host = "openrouter.ai"      # optional: the price holds there alone

A model that costs something else elsewhere has several tables: `[["gpt-4o-mini"]]`. None are built
in: prices change, and a wrong one is worse than none. What is not known is None, never 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.protocols.event import Usage

_MILLION = 1_000_000
_HIGHEST = 1_000_000  # dollars for a million tokens
_NEEDED = ("input", "output")
_NUMBERS = (*_NEEDED, "cached_input")
_KEYS = (*_NUMBERS, "host")


class PricesWrong(ValueError):
    """What is wrong with a list of prices; `line` counts from 1, 0 where it is not known."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens of `model`, which ends in `*` for a beginning of names.

    An empty `host` is any.
    """

    model: str
    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    host: str = ""

    def compute_cost(self, usage: Usage | None) -> Decimal | None:
        """Compute what tokens cost in dollars; None where nothing is known of them."""
        if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
            return None
        # An upstream may count anything; less than nothing would give money back.
        went = max(usage.input_tokens or 0, 0)
        cached = min(max(usage.cached_input_tokens or 0, 0), went)
        cached_price = self.input if self.cached_input is None else self.cached_input
        fresh_cost = (went - cached) * self.input + cached * cached_price
        return (fresh_cost + max(usage.output_tokens or 0, 0) * self.output) / _MILLION


@dataclass(frozen=True, slots=True)
class Prices:
    """All prices that are known."""

    entries: tuple[Price, ...] = ()

    def find(self, model: str, host: str) -> Price | None:
        """Return the price that holds for a model at a host.

        A whole name goes before a beginning, a longer beginning before a shorter one, and of the
        same name the one for this host.
        """
        fitting = [price for price in self.entries if _fits(price, model, host)]
        return max(fitting, key=_rank, default=None)


def parse_prices(text: str) -> Prices:
    """Read a list of prices. Raises `PricesWrong`."""
    import tomllib

    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        # The place stands in the text of the error, and in Python 3.11 nowhere else.
        match = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        problem = str(error)[: match.start()] if match else str(error)
        line = int(match[1]) if match else text.count("\n") + 1
        raise PricesWrong(f"not TOML: {problem}", line) from None
    except RecursionError:
        raise PricesWrong("nested too deeply") from None
    except (ValueError, ArithmeticError):
        raise PricesWrong("not TOML: a number is too long") from None
    return Prices(tuple(_parse_all(document, text)))


def format_cost(cost: Decimal | None) -> str:
    """Write dollars for a person: cents, and below a dollar as many places as say something."""
    if cost is None:
        return "-"
    if not 0 < cost < 1:
        return f"${cost:,.2f}"
    if cost < Decimal("0.0001"):
        return "<$0.0001"
    text = f"${cost:.4f}"
    return text[:-2] + text[-2:].rstrip("0")


def _fits(price: Price, model: str, host: str) -> bool:
    if price.host not in ("", host):
        return False
    if price.model.endswith("*"):
        return model.startswith(price.model[:-1])
    return model == price.model


def _rank(price: Price) -> tuple[bool, int, bool]:
    return not price.model.endswith("*"), len(price.model), bool(price.host)


def _parse_all(document: dict[str, Any], text: str) -> Iterator[Price]:
    for model, found in document.items():
        tables = found if isinstance(found, list) else [found]
        seen = set()
        for place, table in enumerate(tables):
            if not isinstance(table, dict):
                problem = f'{model} is no table; begin one with ["{model}"] on a line of its own'
                raise PricesWrong(problem, _find_line(text, model))
            price = _parse_entry(model, table, text, place)
            if price.host in seen:
                raise PricesWrong(f"two prices of {model} for one host", _find_line(text, model))
            seen.add(price.host)
            yield price


def _parse_entry(model: str, table: dict[str, Any], text: str, place: int) -> Price:
    if any(isinstance(value, dict) for value in table.values()):
        problem = f'{model}: a name with dots needs quotes, as in ["gpt-4.1"]'
        raise PricesWrong(problem, _find_line(text, model))
    for key in (*_NEEDED, *table):
        problem = _find_problem(key, table)
        if problem:
            line = _find_line(text, model, key if key in table else "", place)
            raise PricesWrong(f"{model}: {problem}", line)
    numbers = {key: Decimal(table[key]) for key in _NUMBERS if key in table}
    return Price(model, host=table.get("host", "").lower(), **numbers)


def _find_problem(key: str, table: dict[str, Any]) -> str:
    if key not in table:
        return f"`{key}` is missing"
    value = table[key]
    if key not in _KEYS:
        return f"`{key}` is not known; there are {', '.join(_KEYS)}"
    if key == "host":
        return "" if isinstance(value, str) and value else "`host`: expected a host's name"
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not is_number or not Decimal(value).is_finite() or not 0 <= value <= _HIGHEST:
        return f"`{key}`: expected dollars for a million tokens, from 0 to {_HIGHEST:,}"
    return ""


def _find_line(text: str, model: str, key: str = "", place: int = 0) -> int:
    """Return the line of a key below the header of that model, or of the header; 0 for neither."""
    header = re.compile(rf"\s*\[?\[?\s*[\"']?{re.escape(model)}[\"']?\s*[\].=]")
    lines = text.splitlines()
    headers = [number for number, line in enumerate(lines, 1) if header.match(line)]
    if not headers:
        return 0
    start = headers[min(place, len(headers) - 1)]
    for number, line in enumerate(lines[start:], start + 1):
        if line.lstrip().startswith("["):
            break
        if key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return start
