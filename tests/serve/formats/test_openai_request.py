"""Chat Completions requests as the server reads them."""

from __future__ import annotations

import base64
import json
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsBase,
    CompletionCreateParamsStreaming,
)

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
from hiveloom_cli.protocols.openai_chat.request import build_request
from hiveloom_cli.protocols.output_schema import OutputSchema
from hiveloom_cli.protocols.request import ChatRequest, Parameters, ToolDefinition
from hiveloom_cli.serve.asked import Asked, Rejection
from hiveloom_cli.serve.formats.openai_request import parse_asked
from tests.support.official import list_faults

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
PDF = b"%PDF-1.7\n" + b"\0" * 20
_SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
_USER = {"role": "user", "content": "Hello"}
_PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
_PDF_TEXT = base64.b64encode(PDF).decode()
# Every parameter that the official client knows, as it may send it.
_OFFICIAL: dict[str, Any] = {
    "messages": [_USER],
    "model": "helper",
    "frequency_penalty": 0.5,
    "logit_bias": {"50256": -100},
    "logprobs": False,
    "max_completion_tokens": 100,
    "max_tokens": 50,
    "metadata": {"a": "b"},
    "modalities": ["text"],
    "moderation": None,
    "n": 1,
    "parallel_tool_calls": True,
    "prediction": {"type": "content", "content": "Hello"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "implicit"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "text"},
    "safety_identifier": "s",
    "seed": 3,
    "service_tier": "auto",
    "stop": ["END"],
    "store": False,
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.2,
    "tool_choice": "auto",
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "top_logprobs": 0,
    "top_p": 0.9,
    "user": "u",
    "verbosity": "low",
}
# Refused, audio by its modality.
_TESTED_ALONE = {"audio", "functions", "function_call", "web_search_options"}


def _parse(*messages: dict[str, Any], **more: Any) -> Asked:
    body = {"model": "helper", "messages": list(messages or (_USER,))} | more
    return parse_asked(json.dumps(body).encode())


def _refuse(*messages: dict[str, Any], **more: Any) -> str:
    with pytest.raises(Rejection) as caught:
        _parse(*messages, **more)
    assert caught.value.status == 400
    return caught.value.message


def test_what_our_own_client_sends_is_read_as_it_was_meant() -> None:
    call = ToolCall("call_1", "f", '{"a": 1}')
    chat = ChatRequest(
        model="helper",
        messages=(
            Message("user", (ImagePart("image/png", PNG), TextPart("What is it?"))),
            Message("assistant", (TextPart("I look."), call)),
            Message("user", (ToolResult("call_1", "a cat"), TextPart("So?"))),
            Message("assistant", (TextPart("A cat."),)),
            Message("user", (DocumentPart("a.pdf", PDF), TextPart("And this?"))),
        ),
        system="Be brief.",
        parameters=Parameters(0.5, 0.9, 100, ("END",)),
        tools=(ToolDefinition("f", "It does.", {"type": "object", "properties": {}}),),
        output=OutputSchema(_SCHEMA, "thing"),
    )
    request = build_request(chat, parse_base_url("http://127.0.0.1:1/v1", source="test"))
    asked = parse_asked(request.content or b"")
    assert asked.agent == "helper"
    assert asked.messages == chat.messages
    assert asked.system == chat.system
    assert asked.parameters == chat.parameters
    assert asked.tools == chat.tools
    assert asked.output == chat.output
    assert (asked.stream, asked.include_usage) == (True, True)


def test_every_official_parameter_is_known() -> None:
    known = {*get_type_hints(CompletionCreateParamsBase), "stream"}
    assert known == _OFFICIAL.keys() | _TESTED_ALONE
    assert list_faults(_OFFICIAL, CompletionCreateParamsStreaming) == []
    asked = parse_asked(json.dumps(_OFFICIAL).encode())
    assert asked.parameters == Parameters(0.2, 0.9, 100, ("END",))
    assert [tool.name for tool in asked.tools] == ["f"]


def test_unknown_fields_are_passed_over() -> None:
    assert _parse(_USER | {"name": "me"}, frobnicate={"x": 1}).messages


def test_nulls_count_as_not_said() -> None:
    nulls = dict.fromkeys(("stop", "temperature", "max_tokens", "tools", "n", "stream", "top_p"))
    assert _parse(**nulls).parameters == Parameters()


def test_a_whole_number_is_one_however_it_is_written() -> None:
    asked = parse_asked(json.dumps({**_OFFICIAL, "max_completion_tokens": 5.0, "n": 1.0}).encode())
    assert repr(asked.parameters.max_tokens) == "5"


def test_instructions_are_gathered_wherever_they_stand() -> None:
    parts = [{"type": "text", "text": "Be "}, {"type": "text", "text": "kind."}]
    asked = _parse(
        {"role": "system", "content": "Be brief."},
        _USER,
        {"role": "developer", "content": parts},
    )
    assert asked.system == "Be brief.\n\nBe kind."
    assert asked.messages == (Message("user", (TextPart("Hello"),)),)


def test_results_of_tools_and_the_next_question_are_one_turn() -> None:
    calls = [
        {"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for one in ("a", "b")
    ]
    asked = _parse(
        _USER,
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "1"}]},
        {"role": "user", "content": "And?"},
    )
    assert asked.messages[-1] == Message(
        "user", (ToolResult("a", "1"), ToolResult("b", "2"), TextPart("And?"))
    )


def test_files_are_taken_as_their_bytes_say() -> None:
    text = base64.b64encode(b"plain words").decode()
    asked = _parse(
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": _PNG_URL, "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": _PDF_TEXT}},
                {"type": "file", "file": {"file_data": f"data:text/plain;base64,{text}"}},
                {"type": "text", "text": "Compare."},
            ],
        }
    )
    assert asked.messages[0].parts == (
        ImagePart("image/png", PNG),
        DocumentPart("a.pdf", PDF),
        TextFilePart("document.pdf", "plain words"),
        TextPart("Compare."),
    )


def test_a_refusal_in_the_history_is_what_was_said() -> None:
    asked = _parse(_USER, {"role": "assistant", "refusal": "No."}, _USER)
    assert asked.messages[1] == Message("assistant", (TextPart("No."),))


def test_no_tools_are_taken_where_none_may_be_called() -> None:
    assert _parse(tools=_OFFICIAL["tools"], tool_choice="none").tools == ()


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        (None, None),
        ("auto", None),
        ("none", None),
        ("required", ""),
        ({"type": "function", "function": {"name": "f"}}, "f"),
    ],
)
def test_a_call_can_be_demanded(choice: object, name: str | None) -> None:
    assert _parse(tools=_OFFICIAL["tools"], tool_choice=choice).must_call == name


def test_a_client_may_want_one_call_at_a_time() -> None:
    assert _parse(parallel_tool_calls=False).one_call
    assert not _parse(parallel_tool_calls=True).one_call
    assert not _parse().one_call


def test_any_json_is_an_object_of_any_kind() -> None:
    asked = _parse(response_format={"type": "json_object"})
    assert asked.output == OutputSchema({"type": "object"}, "json_object")


def _user(part: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [part]}


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"model": None}, "model: it is required"),
        ({"model": 3}, "model: a string"),
        ({"messages": []}, "messages: it holds nothing"),
        ({"messages": "Hello"}, "messages: an array"),
        ({"messages": ["Hello"]}, "messages[0]: an object"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages[0].role: “robot”"),
        ({"messages": [{"role": "user"}]}, "messages[0].content: it is required"),
        ({"messages": [_USER] * 1001}, "messages: 1001 items"),
        ({"messages": [_USER, {"role": "assistant", "content": "a"}]}, "messages: the last"),
        ({"messages": [_user({"type": "input_audio"})]}, "messages[0].content[0].type: “input_a"),
        (
            {"messages": [_user({"type": "image_url", "image_url": {"url": "https://a.example"}})]},
            "messages[0].content[0].image_url.url: nothing is fetched",
        ),
        (
            {"messages": [_user({"type": "image_url", "image_url": {"url": "data:a;base64,*"}})]},
            "messages[0].content[0].image_url.url: this is not base64",
        ),
        (
            {"messages": [_user({"type": "image_url", "image_url": {"url": _PDF_TEXT}})]},
            "messages[0].content[0].image_url.url: a PNG",
        ),
        (
            {"messages": [_user({"type": "file", "file": {"file_id": "file-1"}})]},
            "messages[0].content[0].file.file_id: no files",
        ),
        (
            {"messages": [_USER, {"role": "tool", "content": "1"}]},
            "messages[1].tool_call_id: it is required",
        ),
        ({"n": 2}, "n: an agent gives one answer"),
        ({"temperature": 3}, "temperature: a number from 0 to 2"),
        ({"temperature": "hot"}, "temperature: a number"),
        ({"temperature": True}, "temperature: a number"),
        ({"max_tokens": 0}, "max_tokens: a whole number"),
        ({"max_tokens": 1.5}, "max_tokens: a whole number"),
        ({"max_tokens": 1e300}, "max_tokens: a whole number from 1"),
        ({"stop": [1]}, "stop[0]: a string"),
        ({"stream": "yes"}, "stream: a boolean"),
        ({"stream_options": {"include_usage": True}}, "stream_options: it is only allowed"),
        ({"functions": []}, "functions: it is not supported"),
        ({"function_call": "auto"}, "function_call: it is not supported"),
        (
            {"messages": [_USER, {"role": "assistant", "function_call": {"name": "f"}}]},
            "messages[1].function_call: it is not supported",
        ),
        ({"messages": [{"role": "function", "content": "1"}]}, "messages[0].role: “function”"),
        ({"modalities": ["text", "audio"]}, "modalities: an agent answers"),
        ({"logprobs": True}, "logprobs: an agent does not tell"),
        ({"top_logprobs": 2}, "top_logprobs: an agent does not tell"),
        ({"web_search_options": {}}, "web_search_options: an agent searches"),
        ({"tool_choice": "required"}, "tool_choice: there are no tools"),
        ({"tool_choice": "any"}, "tool_choice: “any” is not one of auto, none, required"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.type: “allowed_tools”"),
        (
            {
                "tools": _OFFICIAL["tools"],
                "tool_choice": {"type": "function", "function": {"name": "g"}},
            },
            "tool_choice: no tool is called “g”",
        ),
        ({"tools": [{"type": "custom"}]}, "tools[0].type: “custom” is not “function”"),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name: letters",
        ),
        ({"tools": _OFFICIAL["tools"] * 2}, "tools: two tools are called f"),
        ({"response_format": {"type": "xml"}}, "response_format.type: “xml”"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {"type": 3}},
                }
            },
            "response_format.json_schema.schema: this is no JSON Schema",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {"title": "a" * 64_000}},
                }
            },
            "response_format.json_schema.schema: it is longer than 64000 characters",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_field(more: dict[str, Any], place: str) -> None:
    assert _refuse(**more).startswith(place)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"a": NaN}', b'{"a": 1e999}', b"[" * 100_000]
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Rejection, match="the body is not"):
        parse_asked(body)


def test_half_a_character_is_mended_before_anybody_sees_it() -> None:
    asked = parse_asked(b'{"model": "h", "messages": [{"role": "user", "content": "a\\ud83d"}]}')
    assert asked.messages[0].text == "a\ufffd"


_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_words = st.sampled_from(
    [
        *("user", "assistant", "system", "tool", "text", "image_url", "file", "function", "auto"),
        *("json_schema", "data:image/png;base64,iVBORw0KGgo=", "http://a", "", "object", "none"),
    ]
)
_keys = st.sampled_from(
    [
        *_OFFICIAL,
        *("role", "content", "type", "text", "image_url", "url", "file", "file_data", "tool_calls"),
        *("tool_call_id", "id", "function", "name", "arguments", "parameters", "json_schema"),
        *("schema", "refusal", "include_usage", "filename", "$ref", "properties"),
    ]
)
_bent = st.recursive(
    _scalars | _words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=25,
)


@given(changed=st.dictionaries(_keys, _bent, max_size=6))
def test_no_body_however_bent_raises_anything_but_a_rejection(changed: dict[str, Any]) -> None:
    body = json.dumps({"model": "helper", "messages": [_USER]} | changed).encode()
    try:
        asked = parse_asked(body)
    except Rejection as rejection:
        assert rejection.message.isprintable()  # noqa: PT017 - either end is fine
    else:
        assert asked.messages[-1].role == "user"


@given(messages=st.lists(st.dictionaries(_keys, _bent, max_size=5) | _bent, max_size=4))
def test_no_conversation_however_bent_raises_anything_but_a_rejection(messages: list[Any]) -> None:
    body = json.dumps({"model": "helper", "messages": [*messages, _USER]}).encode()
    try:
        assert parse_asked(body).messages
    except Rejection as rejection:
        assert rejection.status == 400  # noqa: PT017 - either end is fine
