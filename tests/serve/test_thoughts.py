"""Thoughts go to the clients that asked for them, and back to the model that had them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from hiveloom_cli.protocols.message import Message, ReasoningPart, TextPart
from hiveloom_cli.serve.thoughts import parse_thoughts, restore_thoughts, seal_thought
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.upstream import anthropic_event, anthropic_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.upstream import ScriptedUpstream

_MAKER = "anthropic https://api.example m"
_LOOKUP: Any = {"name": "lookup", "input_schema": {"type": "object", "properties": {}}}
_QUESTION: Any = {"role": "user", "content": "What time is it?"}
_THOUGHT = {"type": "thinking", "thinking": "A clock is needed.", "signature": "EqQB+/=="}
_HIDDEN = {"type": "redacted_thinking", "data": "EmwK"}
_SILENT = {"type": "thinking", "thinking": "", "signature": "EqQC"}


@pytest.fixture
def served(upstream: ScriptedUpstream) -> Iterator[Served]:
    run_hiveloom("agent", "create", "helper", "--model", "claude-opus-4-8")
    with serve(HIVELOOM_ANTHROPIC_BASE_URL=upstream.anthropic_base_url) as server:
        yield server


def build_thinking_stream() -> list[bytes]:
    """Build a stream of thoughts of every kind, a text, and a call."""
    start, *_ = anthropic_stream("")
    deltas: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [
                {"type": "thinking_delta", "thinking": "A clock "},
                {"type": "thinking_delta", "thinking": "is needed."},
                {"type": "signature_delta", "signature": _THOUGHT["signature"]},
            ],
        ),
        (_HIDDEN, []),
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [{"type": "signature_delta", "signature": _SILENT["signature"]}],
        ),
        ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "I look."}]),
        ({"type": "tool_use", "id": "toolu_1", "name": "lookup", "input": {}}, []),
    ]
    events = [start]
    for index, (block, changes) in enumerate(deltas):
        events.append(anthropic_event("content_block_start", index=index, content_block=block))
        events += [
            anthropic_event("content_block_delta", index=index, delta=delta) for delta in changes
        ]
        events.append(anthropic_event("content_block_stop", index=index))
    reason = {"stop_reason": "tool_use", "stop_sequence": None}
    return [
        *events,
        anthropic_event("message_delta", delta=reason, usage={"output_tokens": 9}),
        anthropic_event("message_stop"),
    ]


def ask(server: Served, said: list[Any], *, streamed: bool, **options: Any) -> list[dict[str, Any]]:
    asked: Any = {"model": "helper", "max_tokens": 500, "messages": said, "tools": [_LOOKUP]}
    with anthropic.Anthropic(base_url=server.origin, api_key=TOKEN, max_retries=0) as client:
        if streamed:
            with client.messages.stream(**asked, **options) as stream:
                message = stream.get_final_message()
        else:
            message = client.messages.create(**asked, **options)
    return [block.to_dict() for block in message.content]


def answer(content: list[dict[str, Any]]) -> list[Any]:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "noon"}
    return [
        _QUESTION,
        {"role": "assistant", "content": content},
        {"role": "user", "content": [result]},
    ]


@pytest.mark.parametrize("streamed", [True, False])
def test_thoughts_go_to_the_client_and_back_to_their_maker_as_they_came(
    served: Served, upstream: ScriptedUpstream, *, streamed: bool
) -> None:
    upstream.add(
        stream_reply(build_thinking_stream()), stream_reply(anthropic_stream("It is noon."))
    )
    thinking = {"type": "adaptive"}
    content = ask(served, [_QUESTION], streamed=streamed, thinking=thinking)
    kinds = ["thinking", "redacted_thinking", "thinking", "text", "tool_use"]
    assert [block["type"] for block in content] == kinds
    assert content[0]["thinking"] == _THOUGHT["thinking"]
    last = ask(served, answer(content), streamed=streamed, thinking=thinking)
    assert [block.get("text") for block in last] == ["It is noon."]
    sent = upstream.requests[-1].json["messages"][1]["content"]
    assert sent[:3] == [_THOUGHT, _HIDDEN, _SILENT]
    assert [block["type"] for block in sent[3:]] == ["text", "tool_use"]


def test_whoever_does_not_ask_for_thoughts_gets_none(
    served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(*(stream_reply(build_thinking_stream()) for _ in range(2)))
    for options in ({}, {"thinking": {"type": "disabled"}}):
        content = ask(served, [_QUESTION], streamed=True, **options)
        assert [block["type"] for block in content] == ["text", "tool_use"]


def test_thoughts_of_another_model_or_server_are_left_out(
    served: Served, upstream: ScriptedUpstream
) -> None:
    upstream.add(stream_reply(build_thinking_stream()))
    thinking = {"type": "enabled", "budget_tokens": 1024}
    content = ask(served, [_QUESTION], streamed=False, thinking=thinking)
    run_hiveloom("agent", "edit", "helper", "--model", "claude-sonnet-5")
    for said in (content, [_THOUGHT, *content[3:]]):
        upstream.add(stream_reply(anthropic_stream("It is noon.")))
        assert ask(served, answer(said), streamed=False, thinking=thinking)
        sent = upstream.requests[-1].json["messages"][1]["content"]
        assert [block["type"] for block in sent] == ["text", "tool_use"]


def _build(text: str, signature: str) -> ReasoningPart:
    wire = {"type": "thinking", "thinking": text, "signature": signature}
    return ReasoningPart(text, "thinking", json.dumps(wire), _MAKER)


def test_a_thought_before_a_tool_of_the_agents_is_not_sent_on() -> None:
    rounds = [(_build("one", "a"), 0), (_build("two", "b"), 2), (_build("three", "c"), 2)]
    blocks = [
        {"type": "thinking", "thinking": part.text, "signature": seal_thought(part, round_)}
        for part, round_ in rounds
    ]
    unsigned = {"type": "thinking", "thinking": "four", "signature": ""}
    read = parse_thoughts([*blocks, unsigned, {"type": "redacted_thinking"}])
    assert [part and part.text for part in read] == [None, "two", "three", None, None]
    message = Message("assistant", (*filter(None, read), TextPart("Well.")))
    assert restore_thoughts([message], _MAKER)[0].parts == (
        _build("two", "b"),
        _build("three", "c"),
        TextPart("Well."),
    )
    (other,) = restore_thoughts([message], "anthropic https://api.example another")
    assert _MAKER not in {part.made_by for part in other.parts if isinstance(part, ReasoningPart)}


def test_what_a_client_gets_names_no_place_and_no_model() -> None:
    seal = seal_thought(_build("one", "a"), 0)
    assert "example" not in seal
    assert seal.endswith(":a")
    assert seal_thought(_build("one", ""), 0) == ""
