"""Every way in which a connection can fail, over both protocols, streamed and not.

Each case is a reply and what is left of the turn: the text that was shown and kept, and words of
the error. No words: the fault costs nothing.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.upstream.limits import Timeouts
from tests.support.faults import Wire, check_outcome, take_turn
from tests.support.upstream import Ending, Reply, ScriptedUpstream
from tests.support.wire import split_text

if TYPE_CHECKING:
    from tests.support.upstream import Piece

Build = Callable[[Wire], Reply]
Case = tuple[Build, str, tuple[str, ...]]

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BROKE = ("connection broke in the middle", "ask again")
ENDED = ("ended in the middle", "ask again")
NOT_HTTP = ("does not speak HTTP", "base URL")
UNREADABLE = ("compressed in a way that cannot be read",)
TOO_LARGE = ("the upstream sent", "64 MiB")
SILENT_S = 20.0


def raw(*pieces: Piece, ending: Ending = Ending.CLOSE) -> Build:
    return lambda _: Reply(list(pieces), ending=ending, has_head=False)


def raw_answer(head: bytes) -> Build:
    return lambda wire: Reply([head, wire.build_answer("whole")], 200, (), Ending.CLOSE, False)  # noqa: FBT003 - the reply's last field


def nothing(ending: Ending) -> Build:
    return lambda wire: wire.reply(0.05, ending=ending)


def half(ending: Ending, *pause: float) -> Build:
    return lambda wire: wire.reply(wire.build_half("half"), *pause, ending=ending)


def whole(ending: Ending) -> Build:
    return lambda wire: wire.reply(wire.build_answer("whole"), 0.05, ending=ending)


def encoded(
    encode: Callable[[bytes], bytes], encoding: str, *, status: int = 200, text: str = "whole"
) -> Build:
    def build(wire: Wire) -> Reply:
        body = encode(wire.build_answer(text))
        return wire.reply(body, status=status, headers=[("Content-Encoding", encoding)])

    return build


def deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]  # without the frame that the encoding's name promises


def twice(body: bytes) -> bytes:
    return gzip.compress(gzip.compress(body))


def with_more(body: bytes) -> bytes:
    return gzip.compress(body) + b"more"


@cache
def blow_up(_: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    blank = b"\n" * 1_000_000
    return b"".join([*(packer.compress(blank) for _ in range(100)), packer.flush()])


LEFT: dict[str, Case] = {
    "reset before headers": (raw(0.05, ending=Ending.RESET), "", ("cannot reach", "reset by peer")),
    "closed before headers": (raw(0.05), "", ("closed the connection without an answer",)),
    "half a head": (raw(OK + b"Content-Ty"), "", ("empty reply",)),
    "another protocol": (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "", NOT_HTTP),
    "garbage": (raw(bytes(range(256))), "", NOT_HTTP),
    "a status that is none": (raw(b"HTTP/1.1 abc OK\r\n\r\n"), "", NOT_HTTP),
    "a body without a head": (raw_answer(b""), "", NOT_HTTP),
    "a header without end": (raw(OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n"), "", NOT_HTTP),
    "headers without end": (raw(OK + b"X: 1\r\n" * 300 + b"\r\n"), "", NOT_HTTP),
    "two lengths": (
        raw(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        "",
        ("multiple unmatching values",),
    ),
    "reset after headers": (nothing(Ending.RESET), "", BROKE),
    "closed after headers": (nothing(Ending.CUT), "", BROKE),
    "short after headers": (nothing(Ending.SHORT), "", BROKE),
    "half-closed after headers": (nothing(Ending.HALF), "", BROKE),
    "a chunk size that is none": (raw(CHUNKED + b"zz\r\nhello"), "", BROKE),
    "a chunk of negative size": (raw(CHUNKED + b"-5\r\nhello"), "", BROKE),
    "a chunk size without end": (raw(CHUNKED + b"1" * 70_000), "", BROKE),
    "a chunk beyond all memory": (raw(CHUNKED + b"f" * 16 + b"\r\nhello"), "", BROKE),
    "reset in the middle": (half(Ending.RESET, 0.2), "half", BROKE),
    "cut in the middle": (half(Ending.CUT), "half", BROKE),
    "short in the middle": (half(Ending.SHORT), "half", BROKE),
    "half-closed in the middle": (half(Ending.HALF), "half", BROKE),
    "ended in mid-event by closing": (half(Ending.CLOSE), "half", ENDED),
    "ended in mid-event by a last chunk": (half(Ending.CHUNKED), "half", ENDED),
    "ended in mid-event by its length": (half(Ending.LENGTH), "half", ENDED),
    "compressed garbage": (encoded(lambda _: b"no gzip at all", "gzip"), "", UNREADABLE),
    "compressed too often": (encoded(gzip.compress, ", ".join(["gzip"] * 6)), "", UNREADABLE),
    "a compressed bomb": (encoded(blow_up, "gzip"), "", TOO_LARGE),
    "a compressed bomb as an error": (
        encoded(blow_up, "gzip", status=500),
        "",
        ("500 Internal Server Error: it gave no reason",),
    ),
    "an error compressed into garbage": (
        encoded(lambda _: b"no gzip at all", "gzip", status=400),
        "",
        ("400 Bad Request: it gave no reason",),
    ),
    # What follows costs nothing.
    "reset after the end": (whole(Ending.RESET), "whole", ()),
    "closed without a last chunk": (whole(Ending.CUT), "whole", ()),
    "short after the end": (whole(Ending.SHORT), "whole", ()),
    "half-closed after the end": (whole(Ending.HALF), "whole", ()),
    "ended by closing": (whole(Ending.CLOSE), "whole", ()),
    "a length that is none": (raw_answer(OK + b"Content-Length: abc\r\n\r\n"), "whole", ()),
    "a header that is none": (raw_answer(OK + b"no colon here\r\n\r\n"), "whole", ()),
    "line feeds alone": (raw_answer(b"HTTP/1.1 200 OK\nX: 1\n\n"), "whole", ()),
    "HTTP/1.0": (raw_answer(b"HTTP/1.0 200 OK\r\n\r\n"), "whole", ()),
    "100 Continue first": (
        raw_answer(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"\r\n"),
        "whole",
        (),
    ),
    "gzip": (encoded(gzip.compress, "gzip"), "whole", ()),
    "gzip twice": (
        encoded(twice, "gzip, gzip"),
        "whole",
        (),
    ),
    "gzip with more behind": (
        encoded(with_more, "gzip"),
        "whole",
        (),
    ),
    "deflate": (encoded(zlib.compress, "deflate"), "whole", ()),
    "deflate without its frame": (encoded(deflate, "deflate"), "whole", ()),
    "deflate with more behind": (
        encoded(lambda body: zlib.compress(body) + b"more", "deflate"),
        "whole",
        (),
    ),
    "an encoding that was not used": (encoded(bytes, "br"), "whole", ()),
}


@pytest.fixture(params=["openai", "anthropic"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["streamed", "whole"])
def wire(request: pytest.FixtureRequest, protocol: str) -> Wire:
    return Wire("anthropic" if protocol == "anthropic" else "openai", streamed=request.param)


def decide_text(wire: Wire, text: str) -> str:
    """An answer that came half in one piece is no answer: nothing of it can be shown."""
    return "" if text == "half" and not wire.streamed else text


@pytest.mark.parametrize("name", LEFT)
def test_what_a_broken_connection_leaves(wire: Wire, name: str) -> None:
    build, text, said = LEFT[name]
    check_outcome(take_turn(build(wire), wire), decide_text(wire, text), said)


SILENCES: dict[str, tuple[Build, str, tuple[str, ...]]] = {
    "before the headers": (raw(SILENT_S), "", ("no answer within 0.3 s", "--first-byte-timeout")),
    "before the first byte": (
        lambda wire: wire.reply(SILENT_S),
        "",
        ("no answer within 0.3 s", "--first-byte-timeout"),
    ),
    "in the middle": (
        half(Ending.CHUNKED, SILENT_S),
        "half",
        ("no byte for 0.4 s", "--timeout SECONDS"),
    ),
    "in the middle of what closing ends": (
        half(Ending.CLOSE, SILENT_S),
        "half",
        ("no byte for 0.4 s", "--timeout SECONDS"),
    ),
    "in the middle of what its length ends": (
        half(Ending.SHORT, SILENT_S),
        "half",
        ("no byte for 0.4 s", "--timeout SECONDS"),
    ),
    "in an error": (
        lambda wire: wire.reply(b"out of", SILENT_S, status=400),
        "",
        ("400 Bad Request: out of",),
    ),
}


@pytest.mark.parametrize("name", SILENCES)
def test_a_silence_ends_at_its_limit(wire: Wire, name: str) -> None:
    build, text, said = SILENCES[name]
    timeouts = Timeouts(first_byte_s=0.3, read_s=0.4)
    if text:
        timeouts = Timeouts(first_byte_s=5, read_s=0.4)
    if not said[0].startswith("no "):
        timeouts = Timeouts(first_byte_s=5, read_s=0.4)
    check_outcome(take_turn(build(wire), wire, timeouts), decide_text(wire, text), said)


def test_a_short_pause_is_no_silence(wire: Wire) -> None:
    answer = wire.build_answer("whole")
    reply = wire.reply(0.3, answer[:40], 0.3, answer[40:])
    check_outcome(take_turn(reply, wire, Timeouts(first_byte_s=5, read_s=5)), "whole")


def test_the_first_byte_has_its_own_limit(wire: Wire) -> None:
    answer = wire.build_answer("whole")
    # Not even a last chunk is to come after it, which might come late.
    reply = wire.reply(0.6, answer, ending=Ending.LENGTH)
    check_outcome(take_turn(reply, wire, Timeouts(first_byte_s=10, read_s=0.3)), "whole")


def test_one_byte_at_a_time_is_an_answer(wire: Wire) -> None:
    answer = wire.build_answer("Zürich 🐝")
    reply = wire.reply(*[bytes([byte]) for byte in answer])
    check_outcome(take_turn(reply, wire), "Zürich 🐝")


def test_a_line_of_ten_megabytes_is_an_answer(wire: Wire) -> None:
    text = "x" * 10_000_000
    answer = wire.build_json(text)
    if wire.streamed:
        answer = b"".join(wire.build_events("#")).replace(b'"#"', b'"' + text.encode() + b'"')
    check_outcome(take_turn(wire.reply(answer), wire), text)


def test_a_character_between_two_reads_is_whole(wire: Wire) -> None:
    answer = wire.build_answer("🐝")
    place = answer.index("🐝".encode()) + 2
    check_outcome(take_turn(wire.reply(answer[:place], 0.1, answer[place:]), wire), "🐝")


def test_bytes_that_are_no_utf8_are_replaced(wire: Wire) -> None:
    answer = wire.build_answer("aXb").replace(b"X", b"\xff\xfe")
    check_outcome(take_turn(wire.reply(answer), wire), "a\ufffd\ufffdb")


def test_a_redirect_reaches_no_other_origin(wire: Wire) -> None:
    with ScriptedUpstream() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            headers = [("Location", f"{elsewhere.origin}/v1?token=1")]
            reply = wire.reply(b"moved", status=status, headers=headers)
            said = (f"answered {status}", elsewhere.origin, "never sent along", "base URL")
            check_outcome(take_turn(reply, wire), "", said)
        assert elsewhere.requests == []


@pytest.mark.parametrize("location", ["", "http://[bad", "http://e\x1b[2J/", "//", "::"])
def test_a_redirect_to_nowhere_is_told(wire: Wire, location: str) -> None:
    reply = wire.reply(b"moved", status=307, headers=[("Location", location)])
    check_outcome(take_turn(reply, wire), "", ("answered 307",))


def test_a_redirect_is_not_read(wire: Wire) -> None:
    """Nothing in its body matters, and it could be of any size or take any time."""
    reply = wire.reply(b"moved", SILENT_S, status=302, headers=[("Location", "/elsewhere")])
    check_outcome(take_turn(reply, wire), "", ("points to /elsewhere",))


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/html", "application/octet-stream", "application/json", "a;;=", ""],
)
def test_a_wrong_content_type_costs_nothing(wire: Wire, kind: str) -> None:
    headers = (("Content-Type", kind),) if kind else ()
    reply = Reply([wire.build_answer("whole")], 200, headers)
    check_outcome(take_turn(reply, wire), "whole")


def test_the_texts_of_this_matrix_are_cut_up() -> None:
    """An answer in one event would prove little."""
    assert len(split_text("whole")) > 1
