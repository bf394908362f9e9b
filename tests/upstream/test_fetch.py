"""Fetching what a person names by its URL: no key, no redirect, no more than allowed."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.errors import SourceUnusable, UsageMistake
from hiveloom_cli.upstream.fetch import fetch_url, format_url, is_url
from hiveloom_cli.upstream.limits import Timeouts
from hiveloom_cli.upstream.transport import RequestsTransport
from tests.support.clocks import ManualClock
from tests.support.upstream import Ending, Reply, ScriptedUpstream

if TYPE_CHECKING:
    from pathlib import Path

MOST = 1024 * 1024


def fetch(url: str, most_bytes: int = MOST) -> bytes:
    transport = RequestsTransport({}, Timeouts(connect_s=5, first_byte_s=0.5, read_s=0.5))
    return fetch_url(url, transport, SystemClock(), most_bytes=most_bytes)


def test_the_bytes_come_as_they_are_and_no_key_goes(upstream: ScriptedUpstream) -> None:
    upstream.add(Reply([b"\x00\xff", b"\r\n"], 200, (), Ending.CHUNKED))
    assert fetch(f"{upstream.origin}/a.bin?sig=1") == b"\x00\xff\r\n"
    (request,) = upstream.requests
    assert (request.method, request.path) == ("GET", "/a.bin?sig=1")
    assert not {"authorization", "x-api-key", "cookie"} & set(request.headers)


@pytest.mark.parametrize("ending", [Ending.LENGTH, Ending.CHUNKED, Ending.CLOSE])
def test_exactly_the_limit_is_taken_and_one_byte_more_is_not(
    upstream: ScriptedUpstream, ending: Ending
) -> None:
    upstream.add(Reply([b"x" * 9], 200, (), ending), Reply([b"x" * 10], 200, (), ending))
    assert len(fetch(upstream.origin, 9)) == 9
    with pytest.raises(SourceUnusable, match="is larger than"):
        fetch(upstream.origin, 9)


def test_a_compressed_reply_counts_by_what_it_becomes(upstream: ScriptedUpstream) -> None:
    packed = gzip.compress(bytes(2 * MOST))
    upstream.add(Reply([packed], 200, (("Content-Encoding", "gzip"),)))
    with pytest.raises(SourceUnusable, match="is larger than 1 MB"):
        fetch(upstream.origin)


def test_netrc_gives_no_password_away(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\nmachine localhost login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    upstream.add(Reply([b"x"]))
    fetch(upstream.origin)
    assert "authorization" not in upstream.requests[0].headers


def test_a_fragment_stays_here(upstream: ScriptedUpstream) -> None:
    upstream.add(Reply([b"x"]))
    fetch(f"{upstream.origin}/a.md#L3")
    assert upstream.requests[0].path == "/a.md"


def test_a_redirect_is_told_and_not_followed(upstream: ScriptedUpstream) -> None:
    upstream.add(Reply([], 302, (("Location", "https://other.example/b.png"),)))
    with pytest.raises(SourceUnusable) as caught:
        fetch(f"{upstream.origin}/a.png?sig=secret")
    assert caught.value.message == (
        f"{upstream.origin}/a.png answered 302 and points to https://other.example/b.png"
    )
    assert "no redirect is followed" in caught.value.hint
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply([b"<html><title>Nothing</title>"], 404), "answered 404"),
        (Reply([b"{}"], 500), "answered 500"),
        (Reply([b"half"], 200, (), Ending.SHORT), "stopped in the middle"),
        (Reply([b"half"], 200, (), Ending.CUT), "stopped in the middle"),
        (Reply([b"half"], 200, (), Ending.RESET), "stopped in the middle"),
        (
            Reply([b"none"], 200, (("Content-Encoding", "gzip"),)),
            "what came is compressed in a way",
        ),
        (Reply([b"half", 2.0], 200, (), Ending.CHUNKED), "did not come in time"),
        (Reply([2.0, b"late"], 200, (), Ending.CHUNKED), "did not come in time"),
    ],
)
def test_what_does_not_come_whole_is_told(
    upstream: ScriptedUpstream, reply: Reply, said: str
) -> None:
    upstream.add(reply)
    with pytest.raises(SourceUnusable) as caught:
        fetch(f"{upstream.origin}/a?key=secret")
    assert said in caught.value.message
    assert "secret" not in caught.value.message
    assert "the upstream" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint


def test_what_trickles_for_minutes_is_given_up(upstream: ScriptedUpstream) -> None:
    class HurriedClock(ManualClock):
        def elapsed_s(self) -> float:
            self.sleep(301)
            return super().elapsed_s()

    upstream.add(Reply([b"x"]))
    with pytest.raises(SourceUnusable, match="did not come in time"):
        fetch_url(upstream.origin, RequestsTransport({}), HurriedClock(), most_bytes=MOST)


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(SourceUnusable, match=r"cannot reach http://127\.0\.0\.1:9"):
        fetch("http://127.0.0.1:9/a.png")
    with pytest.raises(SourceUnusable, match="no address is known"):
        fetch("https://nowhere.invalid/a.png")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/a",
        "file:///etc/passwd",
        "https://",
        "https:///a",
        "https://host:99999/",
        "https://host:0/",
        "https://[half/",
        "https://user:swordfish@host/a",
        "https://host:port/",
        "https://ho st/",
        "https://host/a b",
        "https://host/\x1b[31m",
        "http://host/a",
        "http://localhost.example/a",
        "http://x.localhost/a",
        "ftp://127.0.0.1/a",
    ],
)
def test_a_url_that_is_not_to_be_fetched_is_a_usage_mistake(url: str) -> None:
    with pytest.raises(UsageMistake, match="the URL ") as caught:
        fetch(url)
    assert "swordfish" not in caught.value.message


def test_a_url_is_told_from_a_path() -> None:
    assert all(map(is_url, ["https://x", "HTTP://x", "ftp://x", "git+ssh://x"]))
    assert not any(map(is_url, ["a.png", "./https://x", "C:\\a", "/a", "-", "", "a:b", "//x"]))
    assert format_url("https://u:p@h/a?b#c") == "https://h/a"
