"""A browser for the tests of the page: one for each file of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import open_browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give a browser; each server is an origin of its own, so that nothing kept is another's."""
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened
