"""An upstream that nobody waits for any more is left at once, from another thread."""

from __future__ import annotations

import gc
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.errors import UpstreamError
from hiveloom_cli.protocols.request import WireRequest
from hiveloom_cli.upstream.dialing import Line
from hiveloom_cli.upstream.transport import RequestsTransport
from tests.support.patience import PATIENCE_S
from tests.support.upstream import Ending, Reply, ScriptedUpstream, json_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS = 20


@pytest.mark.parametrize("pieces", [[], [b"half"]], ids=["before the reply", "in its middle"])
def test_a_cut_ends_a_request_and_its_connection(
    upstream: ScriptedUpstream, pieces: list[bytes]
) -> None:
    upstream.add(Reply([*pieces, 30.0], ending=Ending.CHUNKED, has_head=bool(pieces)))
    line = Line()
    transport = RequestsTransport({}, line=line)
    caught: list[UpstreamError] = []

    def read() -> None:
        request = WireRequest(f"{upstream.origin}/", {}, ())
        try:
            with transport.open_reply(request, None) as arrived:
                list(arrived)
        except UpstreamError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    upstream.wait_for_requests()
    line.cut()
    thread.join(PATIENCE_S)
    assert len(caught) == 1
    assert upstream.hung_up.wait(PATIENCE_S)


def test_what_was_cut_opens_no_other_connection(upstream: ScriptedUpstream) -> None:
    line = Line()
    line.cut()
    transport = RequestsTransport({}, line=line)
    request = WireRequest(f"{upstream.origin}/", {}, ())
    with pytest.raises(UpstreamError), transport.open_reply(request, None):
        pass
    assert not upstream.requests


def test_what_was_left_is_closed_once_the_next_request_goes_out(
    upstream: ScriptedUpstream,
) -> None:
    upstream.add(Reply([b"half", 30.0], ending=Ending.CHUNKED), Reply([b"whole"]))
    line = Line()
    transport = RequestsTransport({}, line=line)
    request = WireRequest(f"{upstream.origin}/", {}, ())
    with transport.open_reply(request, None) as arrived:
        assert next(arrived) == b"half"
    with transport.open_reply(request, None) as arrived:
        assert next(arrived) == b"whole"
        assert upstream.hung_up.wait(PATIENCE_S)
    line.cut()


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Have nothing closed by the collector of memory, which may come late."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_a_connection_that_could_be_used_again_is_closed_with_its_line(
    upstream: ScriptedUpstream,
) -> None:
    upstream.add(*(json_reply(b"{}", status=400) for _ in range(REQUESTS)))
    request = WireRequest(f"{upstream.origin}/", {}, ())
    first = find_free_number()
    for _ in range(REQUESTS):
        line = Line()
        transport = RequestsTransport({}, line=line)
        with suppress(UpstreamError), transport.open_reply(request, None):
            pass
        line.close()
    deadline = time.monotonic() + PATIENCE_S
    while find_free_number() - first >= REQUESTS / 2:  # the upstream closes its ends a little later
        assert time.monotonic() < deadline
        time.sleep(0.01)


def find_free_number() -> int:
    """Return the number that the next open file gets: the lowest that is free."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor
