"""Request bodies, judged by the types that the official clients are built from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    Message,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
    build_user_message,
)
from hiveloom_cli.protocols.request import ChatRequest, Parameters
from hiveloom_cli.protocols.table import PROTOCOLS, decide_protocol
from tests.support.official import check_official, list_faults

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName

_BASES = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
PROTOCOL_NAMES: tuple[ProtocolName, ...] = ("openai", "anthropic")


def build(protocol: ProtocolName, chat: ChatRequest) -> dict[str, Any]:
    base_url = parse_base_url(_BASES[protocol], source="the test")
    content = PROTOCOLS[protocol].requests.build_request(chat, base_url).content
    assert content is not None
    body: dict[str, Any] = json.loads(content)
    return body


@pytest.mark.parametrize("protocol", PROTOCOL_NAMES)
def test_nothing_is_sent_that_was_not_set(protocol: ProtocolName) -> None:
    chat = ChatRequest("m", (build_user_message("hi"),), stream=False)
    needed = {"model", "messages"} | ({"max_tokens"} if protocol == "anthropic" else set())
    assert set(build(protocol, chat)) == needed


def test_chat_completions_body() -> None:
    chat = ChatRequest(
        "m",
        (build_user_message("hi"), Message("assistant", (TextPart("ho"),))),
        system="be terse",
        parameters=Parameters(temperature=0, top_p=0.5, max_tokens=7, stop=("x",)),
    )
    assert build("openai", chat) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be terse"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "ho"},
        ],
        "temperature": 0,
        "top_p": 0.5,
        "max_tokens": 7,
        "stop": ["x"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_messages_body() -> None:
    chat = ChatRequest(
        "m",
        (build_user_message("hi"),),
        system="be terse",
        parameters=Parameters(temperature=0, max_tokens=7, stop=("x",)),
    )
    assert build("anthropic", chat) == {
        "model": "m",
        "max_tokens": 7,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "system": "be terse",
        "temperature": 0,
        "stop_sequences": ["x"],
        "stream": True,
    }


def test_tool_results_are_messages_of_their_own_or_blocks_that_come_first() -> None:
    history = (
        build_user_message("weather?"),
        Message("assistant", (ToolCall("c1", "f", ""), ToolCall("c2", "f", '{"a": 1}'))),
        Message(
            "user",
            (TextPart("and?"), ToolResult("c1", "sun"), ToolResult("c2", "no", is_error=True)),
        ),
    )
    chat = ChatRequest("m", history)
    openai = build("openai", chat)["messages"]
    assert [message["role"] for message in openai] == ["user", "assistant", "tool", "tool", "user"]
    assert openai[1]["content"] is None
    assert openai[1]["tool_calls"][0]["function"]["arguments"] == "{}"
    anthropic = build("anthropic", chat)["messages"]
    assert anthropic[1]["content"][1]["input"] == {"a": 1}
    assert [block["type"] for block in anthropic[2]["content"]] == [
        "tool_result",
        "tool_result",
        "text",
    ]


PNG, PDF = b"\x89PNG", b"%PDF-1.4"
ATTACHED = build_user_message(
    "what is this?",
    [
        TextFilePart("n.txt", "hi"),
        ImagePart("image/png", PNG, "a.png"),
        DocumentPart("b.txt", PDF),
        DocumentPart("B.PDF", PDF),
    ],
)
TOLD = {"type": "text", "text": "File: n.txt\n```\nhi\n```\n\nwhat is this?"}


@pytest.mark.parametrize("stream", [True, False])
def test_chat_completions_has_what_is_attached_as_data_urls_before_the_text(
    *, stream: bool
) -> None:
    body = build("openai", ChatRequest("m", (ATTACHED,), stream=stream))
    check_official("openai", body)
    data = "data:application/pdf;base64,JVBERi0xLjQ="
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
                {"type": "file", "file": {"filename": "b.txt.pdf", "file_data": data}},
                {"type": "file", "file": {"filename": "B.PDF", "file_data": data}},
                TOLD,
            ],
        }
    ]


@pytest.mark.parametrize("stream", [True, False])
def test_messages_has_what_is_attached_as_blocks_before_the_text(*, stream: bool) -> None:
    body = build("anthropic", ChatRequest("m", (ATTACHED,), stream=stream))
    check_official("anthropic", body)
    image = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="}
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": image},
                {"type": "document", "source": pdf, "title": "b.txt"},
                {"type": "document", "source": pdf, "title": "B.PDF"},
                TOLD,
            ],
        }
    ]


def test_what_is_attached_can_stand_alone() -> None:
    chat = ChatRequest("m", (build_user_message("", [ImagePart("image/png", PNG)]),))
    for protocol in PROTOCOL_NAMES:
        body = build(protocol, chat)
        check_official(protocol, body)
        assert len(body["messages"][0]["content"]) == 1


def test_a_key_is_named_by_its_header_and_is_not_in_the_request() -> None:
    chat = ChatRequest("m", (build_user_message("hi"),))
    request = PROTOCOLS["anthropic"].requests.build_request(
        chat, parse_base_url("https://api.anthropic.com", source="the test")
    )
    assert [(header.name, header.prefix) for header in request.key_headers] == [("x-api-key", "")]
    assert request.url == "https://api.anthropic.com/v1/messages"
    elsewhere = PROTOCOLS["anthropic"].requests.build_request(
        chat, parse_base_url("http://127.0.0.1:8000/v1", source="the test")
    )
    assert elsewhere.url == "http://127.0.0.1:8000/v1/messages"
    assert {header.name for header in elsewhere.key_headers} == {"x-api-key", "Authorization"}


@pytest.mark.parametrize(
    ("model", "protocol"),
    [
        ("claude-sonnet-5", "anthropic"),
        ("claude-", "anthropic"),
        ("anthropic/claude-sonnet-4", "openai"),
        ("Claude-sonnet-5", "openai"),
        ("gpt-4o-mini", "openai"),
        ("my-claude-like", "openai"),
        ("", "openai"),
    ],
)
def test_the_prefix_alone_decides_the_protocol(model: str, protocol: str) -> None:
    assert decide_protocol(model) == protocol


def test_the_judge_sees_what_is_wrong() -> None:
    good = build("openai", ChatRequest("m", (build_user_message("hi"),)))
    for change in ({"n": "2"}, {"unknown": 1}, {"messages": [{"role": "user"}]}, {"stop": [1]}):
        assert list_faults({**good, **change}, CompletionCreateParamsStreaming)
    assert list_faults({"model": "m"}, MessageCreateParamsNonStreaming)
