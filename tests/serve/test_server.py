"""Where a server listens, and what is said where it cannot."""

from __future__ import annotations

import socket

import pytest

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.serve.server import open_socket


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "a" * 70])
def test_an_address_that_is_none_here_is_refused_with_the_option_that_mends_it(host: str) -> None:
    with pytest.raises(UsageMistake, match=f"cannot listen on {host}, port 0: ") as caught:
        open_socket(host, 0)
    assert caught.value.hint == "choose another: --host ADDRESS"


def test_a_port_that_is_taken_is_refused_with_the_option_that_mends_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageMistake, match="Address already in use") as caught:
            open_socket("127.0.0.1", port)
    assert caught.value.hint == "choose another: --port N"
