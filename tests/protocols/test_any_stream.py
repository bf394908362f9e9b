"""Any stream of either protocol gives the same events, however its bytes are cut."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.replies import describe_part, join_text, read_reply, read_whole
from tests.support.wire import anthropic_event, openai_chunk, sse

if TYPE_CHECKING:
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.providers import ProtocolName

_texts = st.sampled_from(
    [
        "",
        "a",
        "Grüß 🐝",
        "\ud83d",
        "\udc1d",
        "<think>",
        "</think>",
        "</thi",
        "nk>\n",
        "\n",
        "\u2028",
    ]
)
_maybe = st.none() | _texts
_fragments = st.fixed_dictionaries(
    {},
    optional={
        "index": st.none() | st.integers(0, 2),
        "id": st.sampled_from([None, "", "null", "a", "b"]),
        "function": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from([None, "", "f", "g"]),
                "arguments": st.sampled_from([None, "", "{}", '{"a"', ": 1}", {"a": 1}, 3, [1]]),
            },
        ),
    },
)
_details = st.fixed_dictionaries(
    {"type": st.sampled_from(["reasoning.text", "reasoning.encrypted"])},
    optional={"index": st.integers(0, 1), "text": _texts, "data": _texts, "signature": _maybe},
)
_blocks = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": _texts}), max_size=2)
_deltas = st.fixed_dictionaries(
    {},
    optional={
        "content": _maybe | _blocks,
        "reasoning": _maybe,
        "reasoning_content": _maybe,
        "reasoning_details": st.lists(_details, max_size=2),
        "refusal": _maybe,
        "tool_calls": st.none() | st.lists(_fragments, max_size=2),
    },
)
_reasons = st.sampled_from([None, None, None, "stop", "length", "tool_calls", "error", "odd"])
_usages = st.none() | st.fixed_dictionaries({"prompt_tokens": st.integers(0, 9)})
_chat_chunks = st.builds(
    lambda delta, reason, usage: openai_chunk(delta, finish_reason=reason, usage=usage),
    st.none() | _deltas,
    _reasons,
    _usages,
)
_comments = st.sampled_from([b": ping\n\n", b": OPENROUTER PROCESSING\r\n\r\n", b"\n", b"\r\r"])
_ends = st.sampled_from([b"", sse("[DONE]"), sse({"error": {"message": "no"}}), b"data: {"])

_starts = st.sampled_from(
    [
        {"type": "text", "text": "a"},
        {"type": "thinking", "thinking": ""},
        {"type": "redacted_thinking", "data": "E"},
        {"type": "tool_use", "id": "a", "name": "f"},
        {"type": "tool_use", "id": "", "name": "g", "input": {"a": 1}},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "hologram"},
    ]
)
_changes = st.one_of(
    st.builds(lambda text: {"type": "text_delta", "text": text}, _texts),
    st.builds(lambda text: {"type": "thinking_delta", "thinking": text}, _texts),
    st.builds(lambda text: {"type": "signature_delta", "signature": text}, _texts),
    st.builds(
        lambda text: {"type": "input_json_delta", "partial_json": text},
        st.sampled_from(["", "{}", '{"a"', ": 1}"]),
    ),
    st.just({"type": "delta_of_tomorrow"}),
)
_stops = st.sampled_from(["end_turn", "tool_use", "max_tokens", "pause_turn", "refusal", None])
_indexes = st.integers(0, 2)
_message_events = st.one_of(
    st.builds(
        lambda index, start: anthropic_event(
            "content_block_start", index=index, content_block=start
        ),
        _indexes,
        _starts,
    ),
    st.builds(
        lambda index, delta: anthropic_event("content_block_delta", index=index, delta=delta),
        _indexes,
        _changes,
    ),
    st.builds(
        lambda reason: anthropic_event(
            "message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 3}
        ),
        _stops,
    ),
    st.just(anthropic_event("ping")),
    st.just(anthropic_event("message_start", message={"id": "m", "usage": {"input_tokens": 3}})),
    st.just(anthropic_event("message_stop")),
)
_STREAMS: dict[ProtocolName, st.SearchStrategy[bytes]] = {
    "openai": st.builds(
        lambda chunks, end: b"".join(chunks) + end,
        st.lists(_chat_chunks | _comments, max_size=8),
        _ends,
    ),
    "anthropic": st.builds(
        lambda events, end: b"".join(events) + end,
        st.lists(_message_events | _comments, max_size=12),
        _ends,
    ),
}
_BOTH: tuple[ProtocolName, ...] = ("openai", "anthropic")


@pytest.mark.parametrize("protocol", _BOTH)
@given(data=st.data())
def test_any_split_of_a_stream_gives_the_same_events(
    protocol: ProtocolName, data: st.DataObject
) -> None:
    content = data.draw(_STREAMS[protocol])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    pieces = [content[start:end] for start, end in pairwise([0, *cuts, len(content)])]
    seen, message = read_whole(protocol, [content])
    assert (seen, message) == read_whole(protocol, pieces)
    assert seen == read_reply(protocol, [bytes([byte]) for byte in content])
    check_message(message, seen)


def check_message(message: Message, seen: list[dict[str, Any]]) -> None:
    """What is kept can be stored, and holds what was shown."""
    parts = list(map(describe_part, message.parts))
    assert json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")
    for part in parts:
        "".join(str(part.get(name, "")) for name in ("text", "reasoning", "tool_call")).encode()
    kept = "".join(part.get("text", "") or part.get("reasoning", "") for part in parts)
    assert all(letter in kept for letter in join_text(seen))
    ready = [entry["tool_call"] for entry in seen if "tool_call" in entry]
    calls = [part["tool_call"] for part in parts if "tool_call" in part]
    assert ready in ([], calls)
    assert all(call_id and name for call_id, name, _ in calls)
