"""A browser for the tests of the page: one for each file of them."""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import open_browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give a browser; what it keeps of an origin stays, so a server that it opens needs `host`."""
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="session")
def addresses() -> Iterator[str]:
    """Give addresses of loopback, none of them twice."""
    return (str(IPv4Address("127.0.0.2") + number) for number in count())


@pytest.fixture
def host(addresses: Iterator[str]) -> str:
    """Give an address that no test before had, as ports come again."""
    return next(addresses)
