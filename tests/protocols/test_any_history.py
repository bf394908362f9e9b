"""Any history at all gives a body that both protocols take."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
)
from hiveloom_cli.protocols.openai_chat.reasoning import echo_reasoning
from hiveloom_cli.protocols.request import ChatRequest, Parameters, ToolDefinition
from hiveloom_cli.protocols.table import PROTOCOLS
from tests.support.official import check_official

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName

_BASES: dict[ProtocolName, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
}
_PROTOCOL_NAMES: tuple[ProtocolName, ...] = ("openai", "anthropic")
_OPAQUE = '{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}'
_THOUGHT = '{"type": "thinking", "thinking": "", "signature": "E"}'

_texts = st.text(max_size=20)
_makers = st.sampled_from(["", "here", "there"])
# Few ids, so that calls and results meet, and some that no upstream takes.
_ids = st.sampled_from(["a", "b", "", "functions.f:0", "x" * 80, "ü"])
_names = st.sampled_from(["f", "get.it", "", "g" * 200])
_user_parts = st.one_of(
    st.builds(TextPart, _texts),
    st.builds(ImagePart, st.just("image/png"), st.binary(max_size=8)),
    st.builds(DocumentPart, _texts, st.binary(max_size=8)),
    st.builds(TextFilePart, _texts, _texts),
    st.builds(ToolResult, _ids, _texts, st.booleans()),
)
_assistant_parts = st.one_of(
    st.builds(TextPart, _texts),
    st.builds(ReasoningPart, _texts, st.just("reasoning"), st.just(""), _makers),
    st.builds(ReasoningPart, _texts, st.just("thinking"), st.just(_THOUGHT), _makers),
    st.builds(OpaquePart, st.just(_OPAQUE), _makers),
    st.builds(ToolCall, _ids, _names, st.sampled_from(["", "{}", '{"a": 1}', "[1", "3"])),
)


def _messages(role: str, parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Message]:
    return st.builds(
        Message, st.just(role), st.lists(parts, max_size=4).map(tuple), complete=st.booleans()
    )


_chats = st.builds(
    ChatRequest,
    model=st.just("a-model"),
    messages=st.lists(
        st.one_of(_messages("user", _user_parts), _messages("assistant", _assistant_parts)),
        max_size=6,
    ).map(tuple),
    system=_texts | st.just("long " * 500),
    parameters=st.builds(
        Parameters,
        temperature=st.none() | st.floats(0, 2),
        top_p=st.none() | st.floats(0, 1),
        max_tokens=st.none() | st.integers(1, 10**6),
        stop=st.none() | st.lists(_texts, max_size=3).map(tuple),
    ),
    tools=st.just(())
    | st.just((ToolDefinition("f", "does f", {"type": "object", "properties": {}}),)),
    stream=st.booleans(),
    asked_of=_makers,
)


@pytest.mark.parametrize("protocol", _PROTOCOL_NAMES)
@given(chat=_chats)
def test_any_history_gives_a_body_that_the_official_types_and_rules_accept(
    protocol: ProtocolName, chat: ChatRequest
) -> None:
    base_url = parse_base_url(_BASES[protocol], source="the test")
    content = PROTOCOLS[protocol].requests.build_request(chat, base_url).content
    assert content is not None
    body = json.loads(content)
    check_official(protocol, body)
    if protocol == "openai":
        check_chat_order(body["messages"])
    else:
        check_messages_order(body)


@given(chat=_chats, field=st.sampled_from(["reasoning_content", "reasoning", "reasoning_details"]))
def test_reasoning_can_be_put_on_any_body(chat: ChatRequest, field: str) -> None:
    base_url = parse_base_url(_BASES["openai"], source="the test")
    body = PROTOCOLS["openai"].requests.build_request(chat, base_url).body
    assert body is not None
    check_chat_order(echo_reasoning(dict(body), chat, field)["messages"])


def check_chat_order(messages: list[dict[str, Any]]) -> None:
    """Each call has its result right behind it, each result its call; other turns alternate."""
    taken: list[str] = []
    expected: list[str] = []
    previous = ""
    for message in messages:
        role = message["role"]
        if role == "tool":
            assert message["tool_call_id"] == expected.pop(0)
        else:
            assert expected == []
            assert role != previous or role == "system"
        if role == "assistant":
            assert message["content"] or message["tool_calls"]
            expected = [call["id"] for call in message.get("tool_calls", [])]
            taken += expected
            check_chat_calls(message)
        previous = role
    assert expected == []
    assert len(taken) == len(set(taken))


def check_chat_calls(message: dict[str, Any]) -> None:
    for call in message.get("tool_calls", []):
        assert 0 < len(call["id"]) <= 64
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call["function"]["name"])
        assert isinstance(json.loads(call["function"]["arguments"]), dict)


def check_messages_order(body: dict[str, Any]) -> None:
    """Results lead the turn behind their calls; no empty text; at most four marks."""
    taken: list[str] = []
    expected: list[str] = []
    for place, message in enumerate(body["messages"]):
        blocks = message["content"]
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert results == expected
        assert [block["type"] for block in blocks[: len(results)]] == ["tool_result"] * len(results)
        assert blocks
        assert place or message["role"] == "user"
        expected = [block["id"] for block in blocks if block["type"] == "tool_use"]
        taken += expected
        for block in blocks:
            check_block(block)
    assert expected == []
    assert len(taken) == len(set(taken))
    assert "tools" in body or not taken
    assert json.dumps(body).count('"cache_control": ') <= 4


def check_block(block: dict[str, Any]) -> None:
    match block["type"]:
        case "text":
            assert block["text"].strip()
        case "tool_use":
            assert re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"])
            assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", block["name"])
        case "thinking":
            assert "cache_control" not in block
