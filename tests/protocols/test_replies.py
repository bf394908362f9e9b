"""Replies of both protocols: what each shape of bytes means, and that no bytes do harm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.protocols.table import PROTOCOLS
from tests.support.replies import join_text, read_reply
from tests.support.wire import (
    anthropic_error,
    anthropic_event,
    anthropic_reply,
    anthropic_stream,
    openai_chunk,
    openai_error,
    openai_reply,
    openai_stream,
    sse,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.protocols.providers import ProtocolName
from hiveloom_cli.errors import UpstreamError
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.event import ReplyEnded
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.protocols.request import ChatRequest

TEXT = "Zürich 日本 🐝\n\n```\ncode\n```\n"
BOTH: tuple[ProtocolName, ...] = ("openai", "anthropic")
STREAMS: dict[str, Callable[..., list[bytes]]] = {
    "openai": openai_stream,
    "anthropic": anthropic_stream,
}
REPLIES: dict[str, Callable[..., bytes]] = {"openai": openai_reply, "anthropic": anthropic_reply}


@pytest.mark.parametrize("protocol", BOTH)
def test_streamed_and_whole_give_the_same_text(protocol: ProtocolName) -> None:
    streamed = read_reply(protocol, STREAMS[protocol](TEXT))
    whole = read_reply(protocol, [REPLIES[protocol](TEXT)])
    assert join_text(streamed) == join_text(whole) == TEXT
    assert streamed[-1] == whole[-1]
    assert streamed[-1]["ended"] == "stop"


@pytest.mark.parametrize("protocol", BOTH)
def test_blank_lines_before_a_reply_are_passed_over(protocol: ProtocolName) -> None:
    for content in ([REPLIES[protocol](TEXT)], STREAMS[protocol](TEXT)):
        assert join_text(read_reply(protocol, [b"\n\n", b" \r\n", *content])) == TEXT


@pytest.mark.parametrize("protocol", BOTH)
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "reply_not_understood"),
        (b"   \n", "reply_not_understood"),
        (b"<html><title>502 Bad Gateway</title></html>", "reply_not_understood"),
        (b'{"choices": [', "stream_cut_short"),
        (b'{"choices": [,,,,,,,,,,]}', "reply_not_understood"),
        (b"[1, 2]", "reply_not_understood"),
        (b"data: not JSON\n\n", "reply_not_understood"),
        (b"data: 3\n\n", "reply_not_understood"),
        (b"just words", "stream_cut_short"),
        (b": keep-alive\n\n", "stream_cut_short"),
        (openai_error("no such thing", code=404), "upstream_refused"),
        (anthropic_error("Overloaded", kind="overloaded_error"), "upstream_refused"),
        (b'{"error": "Unauthorized"}', "upstream_refused"),
        (sse(json.loads(openai_error("no", code=400))), "upstream_refused"),
        (sse({"message": "in an error event"}, event="error"), "upstream_refused"),
        (sse(json.loads(anthropic_error("Overloaded"))), "upstream_refused"),
    ],
)
def test_what_is_no_answer_is_an_error(protocol: ProtocolName, content: bytes, code: str) -> None:
    assert [entry.get("error") for entry in read_reply(protocol, [content])] == [code]


@pytest.mark.parametrize("protocol", BOTH)
def test_an_error_in_the_middle_keeps_what_came(protocol: ProtocolName) -> None:
    error = sse(json.loads(openai_error("Provider returned error", code=502)))
    seen = read_reply(protocol, [*STREAMS[protocol]("half")[:-3], error])
    assert join_text(seen).startswith("h")
    assert seen[-1]["message"] == "the upstream answered 502 Bad Gateway: Provider returned error"


@pytest.mark.parametrize("protocol", BOTH)
def test_an_empty_answer_is_an_error(protocol: ProtocolName) -> None:
    for content in (STREAMS[protocol](""), [REPLIES[protocol](" \n")]):
        assert read_reply(protocol, content)[-1]["error"] == "answer_empty"


def test_an_answer_cut_before_it_began_names_the_limit() -> None:
    seen = read_reply("openai", openai_stream("", finish_reason="length"))
    assert "token limit" in seen[-1]["message"]
    seen = read_reply("anthropic", anthropic_stream("", stop_reason="refusal"))
    assert "refused" in seen[-1]["message"]


@pytest.mark.parametrize("protocol", BOTH)
def test_a_stream_without_its_end_is_an_error(protocol: ProtocolName) -> None:
    whole = STREAMS[protocol](TEXT)
    cut = whole[:-3] if protocol == "openai" else whole[:-1]
    seen = read_reply(protocol, cut)
    assert join_text(seen) == TEXT
    assert seen[-1]["error"] == "stream_cut_short"


def test_done_without_a_finish_reason_is_an_error() -> None:
    seen = read_reply("openai", openai_stream("hi", finish_reason=None, usage=None))
    assert seen[-1]["error"] == "stream_cut_short"


def test_a_finish_reason_is_enough_without_done() -> None:
    seen = read_reply("openai", openai_stream("hi", done=False))
    assert seen[-1] == {"ended": "stop", "raw": "stop"}


def test_the_first_finish_reason_counts() -> None:
    stream = [
        openai_chunk({"content": "hi"}),
        openai_chunk(finish_reason="length"),
        openai_chunk({"content": ""}, usage={"prompt_tokens": 1, "completion_tokens": 2}),
        openai_chunk(finish_reason="stop"),
        sse("[DONE]"),
    ]
    seen = read_reply("openai", stream)
    assert seen == [
        {"text": "hi"},
        {"usage": [1, 2, None]},
        {"ended": "length", "raw": "length"},
    ]


@pytest.mark.parametrize("choices", [None, [], [None], [{}], [{"delta": None}], "x"])
def test_chunks_with_nothing_in_them_are_passed_over(choices: Any) -> None:
    stream = [openai_chunk(choices=choices), *openai_stream("hi")]
    assert join_text(read_reply("openai", stream)) == "hi"


def test_blocks_of_content_are_text_and_thought() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    stream = [
        openai_chunk({"content": [thinking]}),
        openai_chunk({"content": [{"type": "text", "text": "ah"}]}),
        openai_chunk({"content": ""}, finish_reason="stop"),
    ]
    assert read_reply("openai", stream)[:2] == [{"reasoning": "hm"}, {"text": "ah"}]


def test_reasoning_given_under_two_names_is_read_once() -> None:
    stream = [openai_chunk({"reasoning": "hm", "reasoning_content": "hm"}), *openai_stream("ah")]
    seen = read_reply("openai", stream)
    assert [entry for entry in seen if "reasoning" in entry] == [{"reasoning": "hm"}]


def test_a_character_split_over_two_escapes_is_joined() -> None:
    first, second = b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}', rb'"\udc1d b"'
    stream = [
        b"data: " + first + b"\n\n",
        b'data: {"choices":[{"delta":{"content":' + second + b"}}]}\n\n",
        openai_chunk(finish_reason="stop"),
    ]
    assert join_text(read_reply("openai", stream)) == "a🐝 b"


def test_a_lone_half_becomes_a_replacement_character() -> None:
    stream = [b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n']
    assert join_text(read_reply("openai", [*stream, openai_chunk(finish_reason="stop")])) == "a�"


def test_events_without_a_name_and_unknown_ones_are_read_by_type() -> None:
    stream = [event.partition(b"\n")[2] for event in anthropic_stream(TEXT)]
    stream.insert(2, anthropic_event("from_the_future", index=0))
    stream.insert(4, anthropic_event("content_block_delta", index=9, delta={"type": "text_delta"}))
    stream.insert(
        5, anthropic_event("content_block_start", index=3, content_block={"type": "hologram"})
    )
    assert join_text(read_reply("anthropic", stream)) == TEXT


def test_another_message_inside_the_stream_is_an_error() -> None:
    spliced = [anthropic_event("message_start", message={"id": "msg_2"})]
    seen = read_reply("anthropic", [*anthropic_stream("half")[:4], *spliced])
    assert seen[-1]["error"] == "reply_not_understood"
    same = [anthropic_event("message_start", message={"id": "msg_1"})]
    stream = anthropic_stream(TEXT)
    assert join_text(read_reply("anthropic", [*stream[:4], *same, *stream[4:]])) == TEXT


def test_overlapping_blocks_keep_their_order() -> None:
    text = {"type": "text", "text": ""}
    stream = [
        anthropic_event("message_start", message={"id": "m"}),
        anthropic_event("content_block_start", index=0, content_block={"type": "thinking"}),
        anthropic_event("content_block_start", index=1, content_block=text),
        anthropic_event(
            "content_block_delta", index=1, delta={"type": "text_delta", "text": "said"}
        ),
        anthropic_event(
            "content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "meant"}
        ),
        anthropic_event("message_delta", delta={"stop_reason": "end_turn"}, usage={}),
        anthropic_event("message_stop"),
    ]
    reader = PROTOCOLS["anthropic"].open_reader()
    for event in stream:
        list(reader.feed(event))
    message = reader.build_partial()
    assert message.text == "said"
    assert [type(part).__name__ for part in message.parts] == ["ReasoningPart", "TextPart"]


@pytest.mark.parametrize("protocol", BOTH)
@given(content=st.binary(max_size=200))
def test_any_bytes_give_events_or_an_upstream_error(protocol: ProtocolName, content: bytes) -> None:
    assert read_reply(protocol, [content])


_KEYS = [
    "choices",
    "delta",
    "message",
    "content",
    "type",
    "text",
    "index",
    "usage",
    "error",
    "tool_calls",
    "function",
    "arguments",
    "id",
    "finish_reason",
    "content_block",
    "stop_reason",
    "thinking",
    "refusal",
    "reasoning",
    "code",
    "metadata",
    "raw",
]
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 600) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_types = st.sampled_from(
    ["message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop"]
)


@pytest.mark.parametrize("protocol", BOTH)
@given(values=st.lists(_json, max_size=4), kinds=st.lists(_types, max_size=4), whole=st.booleans())
def test_any_json_gives_events_or_an_upstream_error(
    protocol: ProtocolName, values: list[Any], kinds: list[str], *, whole: bool
) -> None:
    typed = [
        {**value, "type": kind} if isinstance(value, dict) else value
        for value, kind in zip(values, kinds, strict=False)
    ]
    if whole:
        pieces = [json.dumps(value).encode() for value in typed[:1]]
    else:
        pieces = [sse(value) for value in typed + values]
    assert read_reply(protocol, pieces)


@pytest.mark.parametrize("depth", [150, 900, 985, 5000])
def test_what_is_nested_too_deeply_is_told_or_can_be_sent_back(depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    block = f'{{"type":"tool_use","id":"t","name":"f","input":{deep}}}'
    whole = f'{{"content":[{block}],"stop_reason":"tool_use"}}'
    reader = PROTOCOLS["anthropic"].open_reader()
    events = []
    code = ""
    try:
        events = [*reader.feed(whole.encode()), *reader.close()]
    except UpstreamError as error:
        code = error.code
    if depth > 200:
        assert code == "reply_not_understood"
        return
    ended = events[-1]
    assert isinstance(ended, ReplyEnded)
    chat = ChatRequest("m", (build_user_message("hi"), ended.message))
    for protocol in BOTH:
        base_url = parse_base_url("https://h.example", source="X")
        assert PROTOCOLS[protocol].requests.build_request(chat, base_url).content
