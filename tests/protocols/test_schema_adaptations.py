"""What upstreams refuse of an answer by schema, and the way in which it is asked for next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hiveloom_cli.protocols.adaptations import (
    ADAPTATIONS,
    add_learned,
    apply_adaptations,
    decide_adaptation,
)
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.dialect import Learned
from hiveloom_cli.protocols.message import (
    ImagePart,
    Message,
    TextPart,
    ToolCall,
    ToolResult,
    build_user_message,
)
from hiveloom_cli.protocols.output_schema import OutputSchema, digest_schema
from hiveloom_cli.protocols.providers import ProtocolName, find_dialect
from hiveloom_cli.protocols.refusals import Refusal
from hiveloom_cli.protocols.request import ChatRequest, ToolDefinition
from hiveloom_cli.protocols.table import PROTOCOLS
from tests.support.official import check_official

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}
THIS = digest_schema(SCHEMA)
OUTPUT = OutputSchema(SCHEMA)
CHAT = ChatRequest("m", (build_user_message("hi"),), system="be terse", output=OUTPUT)
TOOL = ToolDefinition("f", "does f", {"type": "object", "properties": {}})
WITH_TOOLS = replace(CHAT, tools=(TOOL,))
STRICT, REFUSED, FORCED = "strict-schema-refused", "schema-refused", "answer-tool-refused"
STEPS = (Learned(REFUSED), Learned(FORCED), Learned("json-object-refused"))


def build(
    protocol: ProtocolName = "openai", *known: Learned, chat: ChatRequest = CHAT
) -> dict[str, Any]:
    base_url = parse_base_url("https://h.example", source="the test")
    body = PROTOCOLS[protocol].requests.build_request(chat, base_url).body
    assert body is not None
    return apply_adaptations(dict(body), known, chat, protocol)


@pytest.mark.parametrize(
    ("text", "status", "learned"),
    [
        (
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this"
            " model. Learn more about supported models at the Structured Outputs guide: ...",
            400,
            Learned(REFUSED),
        ),
        ("This response_format type is unavailable now", 400, Learned(REFUSED)),
        ("response_format.type `json_schema` is unavailable now", 422, Learned(REFUSED)),
        (
            "This model does not support response format `json_schema`. See supported models at"
            " ...",
            400,
            Learned(REFUSED),
        ),
        ("Json mode is not supported for this model.", 400, Learned(REFUSED)),
        ("Extra inputs are not permitted, field: 'response_format'", 400, Learned(REFUSED)),
        ("Unrecognized request argument supplied: response_format", 400, Learned(REFUSED)),
        (
            "response_format: unknown variant `json_schema`, expected `text` or `json_object`",
            422,
            Learned(REFUSED),
        ),
        (
            "bedrock does not support parameters: ['response_format'], for model=x. To drop these,"
            " set `litellm.drop_params=True`",
            400,
            Learned(REFUSED),
        ),
        (
            "deepinfra error: json_object response format is not supported for model: x",
            405,
            Learned(REFUSED),
        ),
        (
            "Invalid schema for response_format 'structured_answer': In context=(), 'required' is"
            " required to be supplied and to be an array including every key in properties.",
            400,
            Learned(STRICT, THIS),
        ),
        ("json_schema.strict: Extra inputs are not permitted", 422, Learned(STRICT)),
        (
            '"stream=true" with structured outputs is currently not supported for reasoning'
            " models.",
            400,
            Learned("streamed-schema-refused"),
        ),
    ],
)
def test_a_refused_schema_of_chat_completions_finds_its_row(
    text: str, status: int, learned: Learned
) -> None:
    assert decide_adaptation(Refusal(status, text, build()), (), CHAT) == learned


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("output_config: Extra inputs are not permitted", ""),
        ("'claude-3-haiku-20240307' does not support output format.", ""),
        ("Structured outputs are not supported for this model", ""),
        (
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be"
            " explicitly set to false",
            THIS,
        ),
        ("output_config.format.schema: Schema is too complex.", THIS),
    ],
)
def test_a_refused_schema_of_messages_finds_its_row(text: str, found: str) -> None:
    refusal = Refusal(400, text, build("anthropic"), "anthropic")
    assert decide_adaptation(refusal, (), CHAT) == Learned(REFUSED, found)


@pytest.mark.parametrize(
    ("protocol", "text", "found"),
    [
        ("openai", "Thinking mode does not support this tool_choice", ""),
        (
            "openai",
            "The tool_choice parameter does not support being set to required or object in thinking"
            " mode",
            "",
        ),
        ("openai", "tools is not supported in this model.", ""),
        ("openai", "registry.ollama.ai/library/llama2:7b does not support tools", ""),
        ("openai", "Invalid schema for function 'structured_answer': 'a' is not valid", THIS),
        (
            "anthropic",
            'tool_choice: type "tool" and "any" are not supported for this model.',
            "",
        ),
        ("anthropic", "Thinking may not be enabled when tool_choice forces tool use.", ""),
        ("anthropic", "tool_choice forces tool use is not compatible with this model", ""),
        (
            "anthropic",
            "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at"
            " the top level",
            THIS,
        ),
    ],
)
def test_a_refused_call_finds_its_row(protocol: ProtocolName, text: str, found: str) -> None:
    refusal = Refusal(400, text, build(protocol, Learned(REFUSED)), protocol)
    assert decide_adaptation(refusal, (), CHAT) == Learned(FORCED, found)


@pytest.mark.parametrize(
    "text",
    [
        '"tools" is incompatible with "response_format"',
        "You cannot specify response format and function call at the same time",
    ],
)
def test_tools_that_go_with_no_schema_find_their_row(text: str) -> None:
    body = build(chat=WITH_TOOLS)
    learned = decide_adaptation(Refusal(400, text, body), (), WITH_TOOLS)
    assert learned == Learned("schema-beside-tools-refused")
    told = build("openai", learned, chat=WITH_TOOLS)
    assert told["tools"] == body["tools"]
    assert "response_format" not in told
    assert '"additionalProperties": false' in told["messages"][0]["content"]
    # Without tools the schema is sent as before.
    assert build("openai", learned) == build()


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided",
        "Failed to generate JSON. json_validate_failed response_format",
        "max_tokens too small for JSON",
        "",
    ],
)
def test_other_refusals_leave_the_schema_alone(text: str) -> None:
    assert decide_adaptation(Refusal(400, text, build()), (), CHAT) is None


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
@pytest.mark.parametrize("steps", range(4))
def test_each_way_is_one_of_the_official_type(protocol: ProtocolName, steps: int) -> None:
    check_official(protocol, build(protocol, *STEPS[:steps]))


def test_chat_completions_goes_from_the_format_to_a_tool_to_words() -> None:
    tool = build("openai", *STEPS[:1])
    assert "response_format" not in tool
    function = tool["tools"][0]["function"]
    assert (function["name"], function["parameters"]) == (OUTPUT.name, SCHEMA)
    assert tool["tool_choice"] == {"type": "function", "function": {"name": OUTPUT.name}}
    told = build("openai", *STEPS[:2])
    assert told.keys() & {"tools", "tool_choice"} == set()
    assert told["response_format"] == {"type": "json_object"}
    system = told["messages"][0]
    assert system["role"] == "system"
    assert system["content"].startswith("be terse\n\nAnswer with nothing but one JSON value")
    words = build("openai", *STEPS)
    assert "response_format" not in words
    assert words["messages"] == told["messages"]


def test_messages_goes_from_the_format_to_a_tool_to_words() -> None:
    tool = build("anthropic", *STEPS[:1])
    assert "output_config" not in tool
    assert (tool["tools"][0]["name"], tool["tools"][0]["input_schema"]) == (OUTPUT.name, SCHEMA)
    assert tool["tool_choice"] == {"type": "tool", "name": OUTPUT.name}
    told = build("anthropic", *STEPS[:2])
    assert told.keys() & {"tools", "tool_choice", "output_config"} == set()
    assert told["system"].startswith("be terse\n\nAnswer with nothing but one JSON value")


def test_without_a_system_prompt_the_words_are_one() -> None:
    photo = build_user_message("what?", [ImagePart("image/png", b"x")])
    chat = replace(CHAT, system="", messages=(photo,))
    told = build("openai", *STEPS[:2], chat=chat)
    assert [message["role"] for message in told["messages"]] == ["system", "user"]
    assert build("anthropic", *STEPS[:2], chat=chat)["system"].startswith("Answer with nothing")


def test_the_words_follow_a_system_prompt_that_is_marked_for_the_cache() -> None:
    past = (
        build_user_message("hi"),
        Message("assistant", (TextPart("Hello."),)),
        build_user_message("and now?"),
    )
    chat = replace(CHAT, system="word " * 500, messages=past)
    base_url = parse_base_url("https://api.anthropic.com", source="the test")
    body = PROTOCOLS["anthropic"].requests.build_request(chat, base_url).body
    assert body is not None
    told = apply_adaptations(dict(body), STEPS[:2], chat, "anthropic")
    assert told["system"][0] == body["system"][0]
    assert told["system"][1]["text"].startswith("Answer with nothing but one JSON value")
    check_official("anthropic", told)


def test_an_agent_with_tools_keeps_them_and_is_told_in_words() -> None:
    for protocol in ("openai", "anthropic"):
        told = build(protocol, *STEPS, chat=WITH_TOOLS)
        assert len(told["tools"]) == 1
        assert "tool_choice" not in told
        assert "fits this JSON Schema" in str(told)


def test_tools_of_an_earlier_answer_stay_beside_words() -> None:
    past = (
        build_user_message("weather?"),
        Message("assistant", (ToolCall("c", "f", "{}"),)),
        Message("user", (ToolResult("c", "sun"),)),
        Message("assistant", (TextPart("Sunny."),)),
        build_user_message("and now?"),
    )
    told = build("anthropic", *STEPS[:2], chat=replace(CHAT, messages=past))
    assert [tool["name"] for tool in told["tools"]] == ["f"]


@pytest.mark.parametrize("schema", [{"type": "array"}, {"anyOf": [SCHEMA]}, {}])
def test_an_answer_that_is_no_object_is_asked_for_in_words_alone(schema: dict[str, Any]) -> None:
    told = build("openai", *STEPS, chat=replace(CHAT, output=OutputSchema(schema)))
    assert told.keys() & {"tools", "tool_choice", "response_format"} == set()
    assert "fits this JSON Schema" in told["messages"][0]["content"]


def test_what_is_learned_of_one_schema_is_not_held_against_another() -> None:
    other = replace(CHAT, output=OutputSchema({"type": "object"}))
    for known in ((Learned(REFUSED, THIS),), (Learned(STRICT, THIS),)):
        assert build("openai", *known) != build()
        assert build("openai", *known, chat=other) == build(chat=other)
    both = add_learned((Learned(REFUSED, THIS),), Learned(REFUSED, "other"))
    assert [learned.found for learned in both] == [THIS, "other"]


def test_a_strict_schema_that_is_refused_is_asked_for_loosely_first() -> None:
    loose = build("openai", Learned(STRICT, THIS))
    assert loose["response_format"]["json_schema"].keys() == {"name", "schema"}
    text = "Invalid schema for response_format 'structured_answer': 'x' is not permitted"
    again = decide_adaptation(Refusal(400, text, loose), (Learned(STRICT, THIS),), CHAT)
    assert again == Learned(REFUSED, THIS)


def test_a_schema_alone_stops_the_stream() -> None:
    known = Learned("streamed-schema-refused")
    assert "stream" not in build("openai", known)
    plain = replace(CHAT, output=None)
    assert build("openai", known, chat=plain)["stream"] is True


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_without_a_schema_no_row_of_these_changes_anything(protocol: ProtocolName) -> None:
    plain = replace(CHAT, output=None, tools=(TOOL,))
    rows = [row.name for row in ADAPTATIONS if "schema" in row.name or "answer" in row.name]
    assert len(rows) == 5
    for row in rows:
        assert build(protocol, Learned(row), chat=plain) == build(protocol, chat=plain)


def test_deepseek_is_asked_in_words_from_the_start() -> None:
    base_url = parse_base_url("https://api.deepseek.com/v1", source="the test")
    told = build("openai", *find_dialect(base_url, "openai"))
    assert told["response_format"] == {"type": "json_object"}
    assert "JSON Schema" in told["messages"][0]["content"]
