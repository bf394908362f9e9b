from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import ReplyNotUnderstood
from hiveloom_cli.protocols import sse
from hiveloom_cli.protocols.sse import ServerSentEvent, SseDecoder


def decode(*pieces: bytes) -> list[tuple[str, str]]:
    decoder = SseDecoder()
    events: list[ServerSentEvent] = []
    for piece in pieces:
        events += decoder.feed(piece)
    events += decoder.close()
    return [(event.name, event.data) for event in events]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [("", "a")]),
        (b"data:a\n\n", [("", "a")]),
        (b"data:  a\n\n", [("", " a")]),
        (b"data: a\r\n\r\n", [("", "a")]),
        (b"data: a\r\rdata: b\r\r", [("", "a"), ("", "b")]),
        (b"data: a\r\n\ndata: b\n\r\n", [("", "a"), ("", "b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", "a")]),
        (b": ping\n\ndata: a\n\n", [("", "a")]),
        (b":\n:\n\n\n\ndata: a\n\n", [("", "a")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [("error", "a"), ("", "b")]),
        (b"data: a\ndata: b\n\n", [("", "a\nb")]),
        (b"data\n\n", [("", "")]),
        (b"id: 7\nretry: 10\ndata: a\nother: x\n\n", [("", "a")]),
        (b"event: lonely\n\ndata: a\n\n", [("", "a")]),
        (b"data: no blank line", [("", "no blank line")]),
        (b"data: one end\n", [("", "one end")]),
        ("data: \u2028\x85\x0b\n\n".encode(), [("", "\u2028\x85\x0b")]),
        (b"data: \xff\n\n", [("", "\ufffd")]),
        (b"", []),
    ],
)
def test_streams_decode_as_the_standard_says(stream: bytes, events: list[tuple[str, str]]) -> None:
    assert decode(stream) == events


def test_a_character_split_over_two_reads_is_whole() -> None:
    stream = "data: Zürich 日本 🐝\n\n".encode()
    for cut in range(len(stream)):
        assert decode(stream[:cut], stream[cut:]) == [("", "Zürich 日本 🐝")]


def test_a_read_without_bytes_between_the_halves_of_a_line_end_changes_nothing() -> None:
    assert decode(b"data: a\r", b"", b"\ndata: b\n\n") == [("", "a\nb")]


_lines = st.sampled_from(
    [b"data: a", b"data: \xf0\x9f\x90\x9d", b"data:", b"event: x", b": c", b"", b"id: 1", b"z"]
)
_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(
    lines=st.lists(st.tuples(_lines, _ends), max_size=12),
    bom=st.booleans(),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
def test_any_split_of_the_bytes_gives_the_same_events(
    lines: list[tuple[bytes, bytes]], *, bom: bool, cuts: list[int]
) -> None:
    stream = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + end for line, end in lines)
    places = sorted(min(cut, len(stream)) for cut in cuts)
    edges = [0, *places, len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    whole = decode(stream)
    assert decode(*pieces) == whole
    assert decode(*(stream[place : place + 1] for place in range(len(stream)))) == whole


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_it_fail(stream: bytes) -> None:
    assert decode(stream) == decode(*(bytes([byte]) for byte in stream))


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    with pytest.raises(ReplyNotUnderstood):
        decode(*[b"data: 012345678901234567890123456789\n"] * 100)
