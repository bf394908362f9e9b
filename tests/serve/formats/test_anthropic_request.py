"""Messages requests as the server reads them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from anthropic.types.message_create_params import (
    MessageCreateParamsBase,
    MessageCreateParamsStreaming,
)
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.protocols.anthropic_messages.request import build_request
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    Message,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
)
from hiveloom_cli.protocols.output_schema import OutputSchema
from hiveloom_cli.protocols.request import ChatRequest, Parameters, ToolDefinition
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.formats.anthropic_request import parse_asked, parse_counted
from tests.support.official import list_faults

if TYPE_CHECKING:
    from hiveloom_cli.serve.asked import Asked

_PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
_PDF = b"%PDF-1.7\n" + b"\0" * 20
_SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
_USER = {"role": "user", "content": "Hello"}
_IMAGE = {
    "type": "image",
    "source": {
        "type": "base64",
        "media_type": "image/png",
        "data": base64.b64encode(_PNG).decode(),
    },
}
_TOOL = {"name": "f", "input_schema": {"type": "object"}}
# Every parameter that the official client knows, as it may send it.
_OFFICIAL: dict[str, Any] = {
    "max_tokens": 100,
    "messages": [_USER, {"role": "system", "content": "Be kind."}, _USER],
    "model": "helper",
    "cache_control": {"type": "ephemeral"},
    "container": None,
    "diagnostics": None,
    "inference_geo": "eu",
    "metadata": {"user_id": "u"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": _SCHEMA}},
    "service_tier": "auto",
    "speed": "standard",
    "stop_sequences": ["END"],
    "stream": True,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "thinking": {"type": "disabled"},
    "tool_choice": {"type": "auto"},
    "tools": [_TOOL],
    "user_profile_id": "u",
    "workspace_id": "w",
}


def _parse(*messages: dict[str, Any], **more: Any) -> Asked:
    body = {"model": "helper", "max_tokens": 100, "messages": list(messages or (_USER,))} | more
    return parse_asked(json.dumps(body).encode())


def _user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def test_what_our_own_client_sends_is_read_as_it_was_meant() -> None:
    call = ToolCall("call_1", "f", '{"a": 1}')
    chat = ChatRequest(
        model="helper",
        messages=(
            Message("user", (ImagePart("image/png", _PNG), TextPart("What is it?"))),
            Message("assistant", (TextPart("I look."), call)),
            Message("user", (ToolResult("call_1", "a cat", is_error=True), TextPart("So?"))),
            Message("assistant", (TextPart("A cat."),)),
            Message("user", (DocumentPart("a.pdf", _PDF), TextPart("And this?"))),
        ),
        system="Be brief.",
        parameters=Parameters(0.5, 0.9, 100, ("END",)),
        tools=(ToolDefinition("f", "It does.", {"type": "object", "properties": {}}),),
        output=OutputSchema(_SCHEMA),
    )
    request = build_request(chat, parse_base_url("http://127.0.0.1:1", source="test"))
    asked = parse_asked(request.content or b"")
    assert asked.agent == "helper"
    assert asked.messages == chat.messages
    assert asked.system == chat.system
    assert asked.parameters == chat.parameters
    assert asked.tools == chat.tools
    assert asked.output == chat.output
    assert asked.stream


def test_every_official_parameter_is_known() -> None:
    assert {*get_type_hints(MessageCreateParamsBase), "stream"} == _OFFICIAL.keys()
    assert list_faults(_OFFICIAL, MessageCreateParamsStreaming) == []
    asked = parse_asked(json.dumps(_OFFICIAL).encode())
    assert asked.parameters == Parameters(max_tokens=100, stop=("END",))
    assert [tool.name for tool in asked.tools] == ["f"]
    assert asked.output == OutputSchema(_SCHEMA)
    assert asked.system == "Be brief.\n\nBe kind."
    assert asked.messages == (Message("user", (TextPart("Hello\n\nHello"),)),)


def test_thoughts_and_blocks_of_other_servers_are_left_out() -> None:
    asked = _parse(
        _USER,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "text", "text": "Yes."},
            ],
        },
        _USER,
    )
    assert asked.messages[1] == Message("assistant", (TextPart("Yes."),))


def test_a_result_is_its_text_and_what_no_text_holds_follows_it() -> None:
    content = [{"type": "text", "text": "one"}, _IMAGE, {"type": "text", "text": "two"}]
    call = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    asked = _parse(
        _USER,
        {"role": "assistant", "content": [call]},
        _user({"type": "tool_result", "tool_use_id": "t1", "content": content}),
    )
    assert asked.messages[-1].parts == (
        ToolResult("t1", "one\ntwo"),
        ImagePart("image/png", _PNG),
    )


def test_documents_are_read_from_whatever_holds_them() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(_PDF)}
    pdf["data"] = base64.b64encode(_PDF).decode()
    text = {"type": "text", "media_type": "text/plain", "data": "words"}
    blocks = {"type": "content", "content": [{"type": "text", "text": "more"}]}
    found = [{"type": "text", "text": "found"}]
    asked = _parse(
        _user(
            {"type": "document", "source": pdf, "title": "a.pdf"},
            {"type": "document", "source": text, "context": "from a book"},
            {"type": "document", "source": blocks},
            {"type": "search_result", "title": "t", "source": "u", "content": found},
        )
    )
    assert asked.messages[0].parts == (
        DocumentPart("a.pdf", _PDF),
        TextPart("from a book"),
        TextFilePart("document.txt", "words"),
        TextPart("more"),
        TextFilePart("t", "u\n\nfound"),
    )


def test_no_tools_are_taken_where_none_may_be_called() -> None:
    assert _parse(tools=[_TOOL], tool_choice={"type": "none"}).tools == ()


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        (None, None),
        ({"type": "auto"}, None),
        ({"type": "none"}, None),
        ({"type": "any"}, ""),
        ({"type": "tool", "name": "f"}, "f"),
    ],
)
def test_a_call_can_be_demanded(choice: object, name: str | None) -> None:
    assert _parse(tools=[_TOOL], tool_choice=choice).must_call == name


def test_a_client_may_want_one_call_at_a_time() -> None:
    assert _parse(tool_choice={"type": "auto", "disable_parallel_tool_use": True}).one_call
    assert not _parse(tool_choice={"type": "auto"}).one_call


@pytest.mark.parametrize("kind", ["enabled", "adaptive", "between_tools", "of-tomorrow"])
def test_thoughts_are_shown_to_who_asks_for_them(kind: str) -> None:
    assert _parse(thinking={"type": kind, "budget_tokens": 1024}).thoughts
    assert not _parse(thinking={"type": "disabled"}).thoughts
    assert not _parse(thinking=None).thoughts


def test_as_many_tools_are_read_as_clients_have_with_all_their_servers() -> None:
    tools = [{**_TOOL, "name": f"tool_{number}"} for number in range(300)]
    assert len(_parse(tools=tools).tools) == 300


def test_a_schema_is_read_under_its_older_name_too() -> None:
    assert _parse(output_format={"type": "json_schema", "schema": _SCHEMA}).output == OutputSchema(
        _SCHEMA
    )


def test_what_is_only_counted_needs_no_limit() -> None:
    counted = parse_counted(json.dumps({"model": "helper", "messages": [_USER]}).encode())
    assert counted.messages == (Message("user", (TextPart("Hello"),)),)
    with pytest.raises(Rejection, match="messages: it is required"):
        parse_counted(b'{"model": "helper"}')


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"max_tokens": None}, "max_tokens: it is required"),
        ({"max_tokens": 0}, "max_tokens: a whole number"),
        ({"model": None}, "model: it is required"),
        ({"temperature": 1.5}, "temperature: a number from 0 to 1"),
        ({"stop_sequences": "END"}, "stop_sequences: an array"),
        ({"messages": None}, "messages: it is required"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages.0.role: “tool”"),
        ({"messages": [_USER, {"role": "assistant", "content": "a"}]}, "messages: the last"),
        ({"messages": [_user({"type": "text", "text": " "})]}, "messages: the last"),
        ({"messages": [_user({"type": "audio"})]}, "messages.0.content.0.type: “audio”"),
        (
            {"messages": [_user({"type": "image", "source": {"type": "url", "url": "https://a"}})]},
            "messages.0.content.0.source: nothing is fetched",
        ),
        (
            {"messages": [_user({"type": "document", "source": {"type": "file"}})]},
            "messages.0.content.0.source: no files",
        ),
        ({"messages": [_user({"type": "tool_result"})]}, "messages.0.content.0.tool_use_id: it is"),
        ({"tools": [{"type": "web_search_20250305"}]}, "tools.0.type: “web_search_20250305”"),
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema: it is required"),
        ({"tool_choice": {"type": "any"}}, "tool_choice: there are no tools"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type: “some”"),
        (
            {"tools": [_TOOL], "tool_choice": {"type": "tool", "name": "g"}},
            "tool_choice: no tool is called “g”",
        ),
        ({"thinking": "yes"}, "thinking: an object"),
        ({"output_format": {"type": "xml"}}, "output_format.type: “xml”"),
        ({"mcp_servers": [{}]}, "mcp_servers: an agent"),
        ({"mcp_servers": {}}, "mcp_servers: an array is expected"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type: “xml”"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(more: dict[str, Any], place: str) -> None:
    with pytest.raises(Rejection) as caught:
        _parse(**more)
    assert caught.value.status == 400
    assert caught.value.message.startswith(place)


_words = st.sampled_from(
    [
        *("user", "assistant", "system", "text", "image", "document", "tool_use", "tool_result"),
        *("base64", "url", "content", "auto", "json_schema", "iVBORw0KGgo=", "thinking"),
    ]
)
_keys = st.sampled_from(
    [
        *_OFFICIAL,
        *("role", "content", "type", "text", "source", "data", "media_type", "title", "context"),
        *("tool_use_id", "id", "input", "name", "input_schema", "format", "schema", "is_error"),
    ]
)
_bent = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | _words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=25,
)


@given(
    changed=st.dictionaries(_keys, _bent, max_size=6),
    messages=st.lists(st.dictionaries(_keys, _bent, max_size=5) | _bent, max_size=4),
)
def test_no_body_however_bent_raises_anything_but_a_rejection(
    changed: dict[str, Any], messages: list[Any]
) -> None:
    body = {"model": "helper", "max_tokens": 1, "messages": [*messages, _USER]} | changed
    try:
        asked = parse_asked(json.dumps(body).encode())
    except Rejection as rejection:
        assert rejection.message.isprintable()  # noqa: PT017 - either end is fine
    else:
        assert asked.messages[-1].role == "user"
