"""The person's own list of prices, a file that they write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.chat.prices import Prices, PricesWrong, parse_prices
from hiveloom_cli.errors import FileUnreadable
from hiveloom_cli.files import load_text

if TYPE_CHECKING:
    from pathlib import Path


def load_prices(path: Path) -> Prices:
    """Read the prices; none where there is no file. Raises `FileUnreadable`."""
    try:
        return parse_prices(load_text(path))
    except FileNotFoundError:
        return Prices()
    except PricesWrong as wrong:
        hint = f'edit {path}; lines of a price: ["MODEL"], input = 0.15, output = 0.6'
        raise FileUnreadable(path, str(wrong), line=wrong.line, hint=hint) from None
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise FileUnreadable(path, problem, hint="check its owner and its mode") from error
