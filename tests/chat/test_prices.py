"""Prices: what the file may say, which one holds, and what tokens cost by it."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.chat.price_file import load_prices
from hiveloom_cli.chat.prices import Price, Prices, PricesWrong, format_cost, parse_prices
from hiveloom_cli.errors import FileUnreadable
from hiveloom_cli.protocols.event import Usage

if TYPE_CHECKING:
    from pathlib import Path

LIST = """
["openai/gpt-4o-mini"]
input = 0.15
output = 0.6
cached_input = 0.075

["openai/*"]
input = 1
output = 2

["openai/gpt*"]
input = 3
output = 4
host = "Router.example"

[["m"]]
input = 5
output = 5

[["m"]]
input = 0
output = 0
host = "localhost"
"""


@pytest.mark.parametrize(
    ("model", "host", "expected"),
    [
        ("openai/gpt-4o-mini", "any.example", "0.15"),
        ("openai/gpt-4o", "any.example", "1"),
        ("openai/gpt-4o", "router.example", "3"),
        ("openai/gpt-4o-mini", "router.example", "0.15"),
        ("m", "any.example", "5"),
        ("m", "localhost", "0"),
        ("mm", "localhost", None),
        ("OpenAI/gpt-4o", "any.example", None),
    ],
)
def test_the_closest_price_holds(model: str, host: str, expected: str | None) -> None:
    price = parse_prices(LIST).find(model, host)
    assert (price and price.input) == (expected and Decimal(expected))


PRICE = Price("m", Decimal("0.15"), Decimal("0.6"), Decimal("0.075"))


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(1_000_000, 1_000_000, None), "0.75"),
        (Usage(1_000_000, 0, 500_000), "0.1125"),
        (Usage(10, None, None), "0.0000015"),
        (Usage(None, 10, None), "0.000006"),
        (Usage(-5, -5, -5), "0"),
        (Usage(10, 0, 1000), "0.00000075"),
        (Usage(0, 0, 0), "0"),
        (Usage(), None),
        (None, None),
    ],
)
def test_tokens_cost_what_the_price_says_to_the_last_place(
    usage: Usage | None, cost: str | None
) -> None:
    assert PRICE.compute_cost(usage) == (cost and Decimal(cost))


def test_cached_tokens_cost_as_much_as_others_where_no_price_is_given() -> None:
    price = Price("m", Decimal(1), Decimal(1))
    assert price.compute_cost(Usage(1_000_000, 0, 1_000_000)) == 1


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[m\n", 1, "not TOML"),
        ("\n\n[m]\ninput = \n", 4, "not TOML"),
        ("x = " + "[" * 5000, 0, "nested too deeply"),
        ("[m]\ninput = 1\n", 1, "`output` is missing"),
        ("[a]\ninput = 1\noutput = 1\n[m]\ninput = 1\noutput = true\n", 6, "`output`: expected"),
        ("[m]\ninput = -1\noutput = 1\n", 2, "from 0 to 1,000,000"),
        ("[m]\ninput = nan\noutput = 1\n", 2, "from 0 to 1,000,000"),
        ("[m]\ninput = 1e999999\noutput = 1\n", 2, "from 0 to 1,000,000"),
        ("[m]\ninput = '1'\noutput = 1\n", 2, "`input`: expected dollars"),
        ("[m]\ninput = 1\noutput = 1\nouput = 1\n", 4, "`ouput` is not known"),
        ("[m]\ninput = 1\noutput = 1\nhost = 1\n", 4, "`host`"),
        ("[gpt-4.1]\ninput = 1\noutput = 1\n", 1, 'needs quotes, as in ["gpt-4.1"]'),
        ("m = 1\n", 1, 'begin one with ["m"]'),
        ("[[m]]\ninput = 1\noutput = 1\n[[m]]\ninput = 1\noutput = 1\n", 1, "two prices"),
        ("[[m]]\ninput = 1\noutput = 1\n[[m]]\ninput = 1\nhost='a'\n", 4, "`output` is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(PricesWrong) as caught:
        parse_prices(text)
    assert said in str(caught.value)
    assert caught.value.line == line


@given(st.text())
def test_any_text_is_a_list_or_wrong(text: str) -> None:
    with contextlib.suppress(PricesWrong):
        assert isinstance(parse_prices(text), Prices)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_tokens_never_cost_less(went: int, cached: int, came: int) -> None:
    cost = PRICE.compute_cost(Usage(went, came, cached))
    more = PRICE.compute_cost(Usage(went + 1, came + 1, cached))
    assert cost is not None
    assert more is not None
    assert 0 <= cost < more


def test_a_file_that_is_not_there_has_no_prices(tmp_path: Path) -> None:
    assert load_prices(tmp_path / "prices.toml") == Prices()


@pytest.mark.parametrize("content", [b"[m\n", b"\xff", b"[m]\ninput = 1\n"])
def test_a_broken_file_is_told_with_path_line_and_fix(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prices.toml"
    path.write_bytes(content)
    with pytest.raises(FileUnreadable) as caught:
        load_prices(path)
    assert caught.value.message.startswith(f"{path}:1: ")
    assert caught.value.hint


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable):
        load_prices(tmp_path)


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (None, "-"),
        ("0", "$0.00"),
        ("0.00000001", "<$0.0001"),
        ("0.0123", "$0.0123"),
        ("1234.5", "$1,234.50"),
    ],
)
def test_dollars_are_written_for_a_person(cost: str | None, text: str) -> None:
    assert format_cost(None if cost is None else Decimal(cost)) == text
