"""Where upstreams bend the specification: every bend ends in the answer or in one clear error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.protocols.message import ReasoningPart
from tests.support.replies import join_text, read_reply, read_whole
from tests.support.wire import (
    anthropic_event,
    anthropic_stream,
    encode_json,
    openai_chunk,
    openai_reply,
    openai_stream,
    sse,
)

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName

DONE = sse("[DONE]")
HI = {"content": "hi"}
ENDED = {"ended": "stop", "raw": "stop"}


def list_usages(*chunks: bytes) -> list[list[int | None]]:
    return [entry["usage"] for entry in read_reply("openai", chunks) if "usage" in entry]


def count(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion}


@pytest.mark.parametrize(
    ("chunks", "usages"),
    [
        pytest.param(
            [
                openai_chunk(HI, usage=None),
                openai_chunk(finish_reason="stop", usage=None),
                openai_chunk(choices=[], usage=count(1, 2)),
            ],
            [[1, 2, None]],
            id="null on every chunk but the last",
        ),
        pytest.param(
            [
                openai_chunk(HI, usage=count(1, 1)),
                openai_chunk(HI, usage=count(1, 2)),
                openai_chunk(finish_reason="stop", usage=count(1, 2)),
            ],
            [[1, 1, None], [1, 2, None]],
            id="the sum so far on every chunk",
        ),
        pytest.param(
            [
                openai_chunk(HI),
                openai_chunk(
                    finish_reason="stop", usage=count(1, 2), x_groq={"usage": count(1, 2)}
                ),
            ],
            [[1, 2, None]],
            id="twice on the finish chunk",
        ),
        pytest.param(
            [openai_chunk(HI, finish_reason="stop", x_groq={"id": "r", "usage": count(1, 2)})],
            [[1, 2, None]],
            id="in Groq's own field alone",
        ),
        pytest.param(
            [openai_chunk(HI, finish_reason="stop"), openai_chunk({}, usage=count(1, 2)), DONE],
            [[1, 2, None]],
            id="on a chunk with an empty choice",
        ),
        pytest.param(
            [
                openai_chunk(
                    HI, finish_reason="stop", usage=count(9, 2) | {"prompt_cache_hit_tokens": 4}
                )
            ],
            [[9, 2, 4]],
            id="with DeepSeek's word for cached tokens",
        ),
        pytest.param(
            [openai_chunk(HI, finish_reason="stop", usage={"prompt_tokens": "many", "cost": 0.1})],
            [[None, None, None]],
            id="with values that are no counts",
        ),
        pytest.param([openai_chunk(HI, finish_reason="stop"), DONE], [], id="never"),
    ],
)
def test_usage_is_found_wherever_it_comes(
    chunks: list[bytes], usages: list[list[int | None]]
) -> None:
    assert list_usages(*chunks) == usages


def test_the_last_usage_of_messages_counts() -> None:
    stream = anthropic_stream("hi", usage={"input_tokens": 3, "output_tokens": 5})
    later = anthropic_event("message_delta", delta={}, usage={"input_tokens": 4})
    seen = read_reply("anthropic", [*stream[:-1], later, stream[-1]])
    usages = [entry["usage"] for entry in seen if "usage" in entry]
    assert usages == [[3, 5, None], [4, 5, None]]


@pytest.mark.parametrize(
    ("chunk", "seen"),
    [
        pytest.param(
            openai_chunk(HI, finish_reason="stop"), [{"text": "hi"}, ENDED], id="together"
        ),
        pytest.param(
            openai_chunk(
                choices=[{"delta": HI, "finish_reason": "stop", "native_finish_reason": "x"}]
            ),
            [{"text": "hi"}, ENDED],
            id="with the provider's own word beside it",
        ),
        pytest.param(
            openai_chunk(choices=[{"message": HI, "delta": None, "finish_reason": "stop"}]),
            [{"text": "hi"}, ENDED],
            id="as a message inside a stream",
        ),
        pytest.param(
            openai_chunk(
                {"content": ["h", {"type": "text", "text": "i"}, {"type": "reference"}, 3]}
            )
            + openai_chunk({"content": None}, finish_reason="stop"),
            [{"text": "h"}, {"text": "i"}, ENDED],
            id="as a list of texts and blocks",
        ),
    ],
)
def test_an_answer_may_come_with_its_finish_reason(chunk: bytes, seen: list[Any]) -> None:
    assert read_reply("openai", [chunk]) == seen


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"id": None, "model": None, "choices": None}, "answer_empty", "without an answer"),
        ({"choices": []}, "answer_empty", "without an answer"),
        ({"choices": [None]}, "answer_empty", "no text"),
        ({"choices": [{"message": None}]}, "answer_empty", "no text"),
        ({"status": "ok"}, "reply_not_understood", "no answer to a chat"),
        ({"provider": {"choices": None}}, "answer_empty", "without an answer"),
        ({"provider": {"choices": [], "error": {"message": "no"}}}, "upstream_refused", "no"),
        ({"choices": None, "error": {"message": "no", "code": 502}}, "upstream_refused", "502"),
    ],
)
def test_a_body_without_an_answer_is_an_error(body: object, code: str, words: str) -> None:
    (entry,) = read_reply("openai", [encode_json(body)])
    assert entry["error"] == code
    assert words in entry["message"]


def test_a_body_that_is_no_message_is_an_error() -> None:
    (entry,) = read_reply("anthropic", [b'{"status": "ok"}'])
    assert entry["error"] == "reply_not_understood"
    empty = encode_json({"type": "message", "content": None, "stop_reason": "end_turn"})
    assert read_reply("anthropic", [empty])[-1]["error"] == "answer_empty"


def test_a_completion_is_found_under_its_provider() -> None:
    nested = encode_json({"provider": json.loads(openai_reply("hi"))})
    assert join_text(read_reply("openai", [nested])) == "hi"
    named = encode_json(json.loads(openai_reply("hi")) | {"provider": "Novita"})
    assert join_text(read_reply("openai", [named])) == "hi"


@pytest.mark.parametrize(
    ("protocol", "stream", "words"),
    [
        ("openai", [openai_chunk(HI), openai_chunk(finish_reason="error"), DONE], "“error”"),
        (
            "openai",
            [openai_chunk(HI), openai_chunk(finish_reason="insufficient_system_resource")],
            "“insufficient_system_resource”",
        ),
        ("openai", [openai_chunk(HI), openai_chunk(x_groq={"error": "too busy"})], "too busy"),
        (
            "openai",
            [openai_chunk(HI), openai_chunk({"content": ""}, error={"message": "gone"}), DONE],
            "gone",
        ),
        ("openai", [openai_chunk(HI), sse("no JSON at all", event="error")], "no JSON at all"),
        ("openai", [openai_chunk(HI), b'data: {"error": "out of memory\nat once"}\n\n'], "memory"),
        (
            "anthropic",
            [*anthropic_stream("hi")[:4], sse("Overloaded", event="error")],
            "Overloaded",
        ),
    ],
)
def test_an_upstream_that_gives_up_is_an_error_that_keeps_the_text(
    protocol: ProtocolName, stream: list[bytes], words: str
) -> None:
    seen, message = read_whole(protocol, stream)
    assert join_text(seen) == message.text == "hi"
    assert not message.complete
    assert seen[-1]["error"] in ("upstream_refused", "stream_cut_short")
    assert words in seen[-1]["message"]


@pytest.mark.parametrize(
    ("protocol", "stream", "words"),
    [
        ("openai", openai_stream("", finish_reason="model_length"), "context window was full"),
        (
            "anthropic",
            anthropic_stream("", stop_reason="model_context_window_exceeded"),
            "context window was full",
        ),
        ("openai", [openai_chunk({"reasoning": "hm"}, finish_reason="stop")], "only reasoning"),
        ("anthropic", [anthropic_event("message_stop")], "“nothing”"),
        ("anthropic", anthropic_stream("", stop_reason="pause_turn"), "“pause_turn”"),
    ],
)
def test_an_empty_answer_says_why(protocol: ProtocolName, stream: list[bytes], words: str) -> None:
    seen = read_reply(protocol, stream)
    assert seen[-1]["error"] == "answer_empty"
    assert words in seen[-1]["message"]


def test_a_call_under_another_word_for_stop_is_ready_in_messages_too() -> None:
    body = {"content": [{"type": "tool_use", "name": "f"}], "stop_reason": "end_turn"}
    assert read_reply("anthropic", [encode_json(body)]) == [
        {"tool_call": ["call_0", "f", "{}"]},
        {"ended": "tool_calls", "raw": "end_turn"},
    ]


def text(index: int, said: str, **more: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "index": index, "text": said, **more}


SECRET = {"type": "reasoning.encrypted", "index": 0, "data": "gAAA"}


@pytest.mark.parametrize(
    ("field", "fragments", "blocks"),
    [
        pytest.param(
            "reasoning_details",
            [text(0, "a"), text(0, "b"), {"type": "reasoning.text", "index": 0, "signature": "E"}],
            [text(0, "ab", signature="E")],
            id="fragments of one block",
        ),
        pytest.param(
            "reasoning_details",
            [text(0, "a"), SECRET, text(0, "b"), text(1, "c"), text(1, "", format="f")],
            [text(0, "ab"), SECRET, text(1, "c", format="f")],
            id="index and type together are the key",
        ),
        pytest.param(
            "reasoning_details",
            [SECRET, SECRET | {"data": "gBBB"}],
            [SECRET, SECRET | {"data": "gBBB"}],
            id="what is encrypted is never joined",
        ),
        pytest.param(
            "thinking_blocks",
            [
                {"type": "thinking", "thinking": "a", "signature": None},
                {"type": "thinking", "thinking": "", "signature": "E"},
                {"type": "thinking", "thinking": "b"},
                {"type": "redacted_thinking", "data": "Em"},
            ],
            [
                {"type": "thinking", "thinking": "a", "signature": "E"},
                {"type": "thinking", "thinking": "b"},
                {"type": "redacted_thinking", "data": "Em"},
            ],
            id="a signature ends a block that has no index",
        ),
    ],
)
def test_blocks_of_reasoning_are_put_together(
    field: str, fragments: list[dict[str, Any]], blocks: list[dict[str, Any]]
) -> None:
    chunks = [openai_chunk({field: [fragment]}) for fragment in fragments]
    _, message = read_whole("openai", [*chunks, *openai_stream("ah")])
    (part,) = [part for part in message.parts if isinstance(part, ReasoningPart)]
    assert part.field == field
    assert json.loads(part.wire) == blocks


def test_reasoning_that_comes_in_blocks_alone_is_shown() -> None:
    chunk = openai_chunk({"reasoning_details": [text(0, "hm"), None, SECRET]})
    seen, message = read_whole("openai", [chunk, *openai_stream("ah")])
    assert seen[0] == {"reasoning": "hm"}
    assert [part.text for part in message.parts if isinstance(part, ReasoningPart)] == ["hm"]
