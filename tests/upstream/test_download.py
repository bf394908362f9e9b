"""A file from an address, over real sockets, and each way in which it may not come."""

from __future__ import annotations

import gzip

import pytest

from hiveloom_cli.errors import (
    HiveloomError,
    ReplyNotUnderstood,
    StreamCutShort,
    StreamStalled,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnreachable,
    UsageMistake,
)
from hiveloom_cli.upstream.download import check_address, load_page
from hiveloom_cli.upstream.limits import Timeouts
from hiveloom_cli.upstream.transport import RequestsTransport
from tests.support.clocks import ManualClock
from tests.support.upstream import Ending, Reply, ScriptedUpstream

_SHORT = Timeouts(connect_s=5, first_byte_s=0.2, read_s=0.2)


def load(
    upstream: ScriptedUpstream, path: str = "/a.md", timeouts: Timeouts | None = None
) -> bytes:
    transport = RequestsTransport({}, timeouts or Timeouts())
    return load_page(f"{upstream.origin}{path}", transport, ManualClock())


def fail(upstream: ScriptedUpstream, path: str = "/a.md") -> HiveloomError:
    with pytest.raises(UpstreamError) as caught:
        load(upstream, path, _SHORT)
    assert "the upstream" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint
    return caught.value


def test_a_file_is_fetched_without_any_key(upstream: ScriptedUpstream) -> None:
    upstream.add(Reply([b"---\n", b"model: m\n---\n"]))
    assert load(upstream, "/a.md?token=x") == b"---\nmodel: m\n---\n"
    request = upstream.requests[0]
    assert (request.method, request.path) == ("GET", "/a.md?token=x")
    assert {"authorization", "x-api-key", "cookie"}.isdisjoint(request.headers)


def test_netrc_gives_no_password_away(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("machine 127.0.0.1 login a password b\nmachine localhost login a password b\n")
    monkeypatch.setenv("NETRC", netrc)
    upstream.add(Reply([b"x"]))
    load(upstream)
    assert "authorization" not in upstream.requests[0].headers


def test_a_redirect_is_told_and_not_followed(upstream: ScriptedUpstream) -> None:
    upstream.add(Reply(status=302, headers=(("Location", "https://example.com/b.md?k=1"),)))
    error = fail(upstream, "/a.md?token=x")
    assert error.message.endswith(
        "/a.md points elsewhere (302), and no redirect is followed: https://example.com/b.md"
    )
    assert "token" not in error.message
    assert len(upstream.requests) == 1


def test_an_address_without_a_file_is_told(upstream: ScriptedUpstream) -> None:
    upstream.add(Reply([b"404: Not Found"], status=404))
    error = fail(upstream)
    assert isinstance(error, UpstreamRefused)
    assert error.message == f"{upstream.origin}/a.md answered 404 Not Found: 404: Not Found"


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>x", b"\xef\xbb\xbf\n <html>"])
def test_a_web_page_is_told_as_one(upstream: ScriptedUpstream, page: bytes) -> None:
    upstream.add(Reply([page]))
    error = fail(upstream)
    assert "is a web page, not an agent's file" in error.message
    assert "raw file" in error.hint


def test_the_raw_address_is_named_where_it_is_known() -> None:
    class Page:
        def open_reply(self, request: object, key: object) -> object:
            del request, key
            from contextlib import nullcontext

            return nullcontext([b"<html>"])

    for url, raw in (
        (
            "https://github.com/o/r/blob/main/a.md?plain=1",
            "https://raw.githubusercontent.com/o/r/main/a.md",
        ),
        ("https://gitlab.com/o/r/-/blob/main/a.md", "https://gitlab.com/o/r/-/raw/main/a.md"),
        ("https://gist.github.com/o/0123abcd", "https://gist.github.com/o/0123abcd/raw"),
    ):
        with pytest.raises(ReplyNotUnderstood) as caught:
            load_page(url, Page(), ManualClock())  # type: ignore[arg-type]
        assert caught.value.hint == f"hiveloom agent import {raw}"


@pytest.mark.parametrize("ending", [Ending.LENGTH, Ending.CHUNKED, Ending.CLOSE])
def test_more_than_one_mebibyte_is_too_much(upstream: ScriptedUpstream, ending: Ending) -> None:
    upstream.add(Reply([b"x" * 1024 * 1024], ending=ending))
    assert len(load(upstream)) == 1024 * 1024
    upstream.add(Reply([b"x" * 1024 * 1024, b"x"], ending=ending))
    assert "larger than 1 MiB" in fail(upstream).message


def test_what_is_compressed_counts_as_it_comes_out(upstream: ScriptedUpstream) -> None:
    bomb = gzip.compress(b"x" * 8 * 1024 * 1024)
    upstream.add(Reply([bomb], headers=(("Content-Encoding", "gzip"),)))
    assert "larger than 1 MiB" in fail(upstream).message
    upstream.add(Reply([b"none"], headers=(("Content-Encoding", "gzip"),)))
    assert "compressed in a way that cannot be read" in fail(upstream).message


@pytest.mark.parametrize("ending", [Ending.CUT, Ending.RESET, Ending.SHORT])
def test_a_file_that_breaks_off_is_no_file(upstream: ScriptedUpstream, ending: Ending) -> None:
    upstream.add(Reply([b"---\nmodel: m\n---\n"], ending=ending))
    assert isinstance(fail(upstream), StreamCutShort)


def test_a_server_that_says_nothing_is_left(upstream: ScriptedUpstream) -> None:
    upstream.add(Reply([30.0, b"x"], ending=Ending.CHUNKED))
    assert isinstance(fail(upstream), UpstreamUnreachable | StreamCutShort)
    assert upstream.hung_up.wait(10)


def test_a_server_that_falls_silent_is_left(upstream: ScriptedUpstream) -> None:
    upstream.add(Reply([b"x", 30.0, b"x"], ending=Ending.CHUNKED))
    assert isinstance(fail(upstream), StreamStalled)


def test_a_server_that_dribbles_is_left() -> None:
    clock = ManualClock()

    class Dribble:
        def open_reply(self, request: object, key: object) -> object:
            del request, key
            from contextlib import nullcontext

            return nullcontext(self.pieces())

        def pieces(self) -> object:
            while True:
                clock.sleep(4)
                yield b"x"

    with pytest.raises(StreamStalled, match="within 60 s"):
        load_page("https://example.com/a.md", Dribble(), clock)  # type: ignore[arg-type]
    assert clock.elapsed_s() == 64


def test_nobody_there_is_told() -> None:
    with ScriptedUpstream() as gone:
        pass
    assert "cannot reach" in fail(gone).message


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://example.com/a.md", "over https only"),
        ("http://localhost.example.com/a.md", "over https only"),
        ("http://x.localhost/a.md", "over https only"),
        ("ftp://127.0.0.1x/a.md", "over https only"),
        ("ftp://127.0.0.1/a.md", "over https only"),
        ("file:///etc/passwd", "no address"),
        ("https://", "no address"),
        ("https://[::1", "no address"),
        ("https://host:port/", "no address"),
        ("https://ho st/", "no address"),
        ("https://host/\x07", "no address"),
        ("https://me:secret@host/a.md", "a user name or a password"),
    ],
)
def test_an_address_that_is_not_asked(url: str, problem: str) -> None:
    with pytest.raises(UsageMistake, match=problem) as caught:
        check_address(url)
    assert "secret" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "url", ["https://host/a.md", "http://127.0.0.1:8/a", "http://localhost/a", "http://[::1]/a"]
)
def test_an_address_that_is_asked(url: str) -> None:
    assert check_address(f"{url}#L3") == url
