"""The table of adaptations: each refusal that was seen, and the request that it leads to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.protocols.adaptations import (
    ADAPTATIONS,
    apply_adaptations,
    decide_adaptation,
    format_notice,
)
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.dialect import Learned
from hiveloom_cli.protocols.message import (
    Message,
    TextPart,
    ToolCall,
    ToolResult,
    build_user_message,
)
from hiveloom_cli.protocols.openai_chat.request import build_body
from hiveloom_cli.protocols.providers import PROVIDERS, ProtocolName
from hiveloom_cli.protocols.refusals import Refusal
from hiveloom_cli.protocols.request import ChatRequest, Parameters, ToolDefinition
from hiveloom_cli.protocols.table import PROTOCOLS

TOOL = ToolDefinition("f", "does f", {"type": "object", "properties": {}})
HISTORY = (
    build_user_message("weather?"),
    Message("assistant", (ToolCall("call_abc-1", "f", '{"a": 1}'),)),
    Message("user", (ToolResult("call_abc-1", "sun"),)),
    Message("assistant", (TextPart("Sunny."),)),
    build_user_message("and now?"),
)
CHAT = ChatRequest(
    "m",
    HISTORY,
    system="be terse",
    parameters=Parameters(temperature=0.2, top_p=0.9, max_tokens=100_000, stop=("x",)),
    tools=(TOOL,),
)

# Each row: the text, the status, the adaptation that it leads to, and what that found.
REFUSALS = [
    ("Extra inputs are not permitted: body.stream_options", 422, "field-refused", "stream_options"),
    ("body.stream_options: Extra inputs are not permitted", 422, "field-refused", "stream_options"),
    (
        "Unrecognized request argument supplied: stream_options",
        400,
        "field-refused",
        "stream_options",
    ),
    (
        "Unsupported parameter: 'max_tokens' is not supported with this model."
        " Use 'max_completion_tokens' instead.",
        400,
        "max-completion-tokens",
        "",
    ),
    (
        "litellm.BadRequestError: OpenAIException - Unsupported parameter: 'max_tokens' is not"
        " supported with this model. Use 'max_completion_tokens' instead. Received Model Group=x",
        400,
        "max-completion-tokens",
        "",
    ),
    (
        "max_tokens: 128000 > 64000, which is the maximum allowed number of output tokens for"
        " claude-haiku-4-5-20251001",
        400,
        "token-limit",
        "64000",
    ),
    (
        "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
        400,
        "token-limit",
        "8192",
    ),
    (
        "`max_completion_tokens` must be less than or equal to `32768`, the maximum value for"
        " `max_completion_tokens` is less than the `context_window` for this model",
        400,
        "token-limit",
        "32768",
    ),
    (
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default"
        " (1) value is supported.",
        400,
        "field-refused",
        "temperature",
    ),
    ("`temperature` is deprecated for this model.", 400, "field-refused", "temperature"),
    ("temperature: Extra inputs are not permitted", 400, "field-refused", "temperature"),
    (
        "Unsupported parameter: 'top_p' is not supported with this model.",
        400,
        "field-refused",
        "top_p",
    ),
    (
        "Unsupported parameter: 'stop' is not supported with this model.",
        400,
        "field-refused",
        "stop",
    ),
    (
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        400,
        "one-sampling-field",
        "",
    ),
    (
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        400,
        "system-refused",
        "",
    ),
    ("System role not supported", 400, "system-refused", ""),
    ("invalid message content type: <nil> (content: null)", 400, "null-content-refused", ""),
    ("messages.1.content: none is not an allowed value", 422, "null-content-refused", ""),
    ("Internal Server Error", 500, "null-content-refused", ""),
    (
        "registry.ollama.ai/library/llama2:7b does not support tools",
        400,
        "tools-refused",
        "",
    ),
    ("`tool calling` is not supported with this model", 400, "tools-refused", ""),
    (
        "No endpoints found that support tool use. To learn more about provider routing, visit ...",
        404,
        "tools-refused",
        "",
    ),
    (
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        400,
        "tools-refused",
        "",
    ),
    ("functions is not supported in this model. For a list ...", 404, "tools-refused", ""),
    ("tools is not supported in this model.", 404, "tools-refused", ""),
    ("deepseek-reasoner does not support Function Calling", 400, "tools-refused", ""),
    (
        "bedrock does not support parameters: ['tools'], for model=x. To drop these, set"
        " `litellm.drop_params=True`",
        400,
        "tools-refused",
        "",
    ),
    ("The tool call is not supported.", 400, "tools-refused", ""),
    ("Function calling is not enabled for this model", 400, "tools-refused", ""),
    ("tools: Extra inputs are not permitted", 422, "tools-refused", ""),
    (
        "Function tools with reasoning_effort are not supported for gpt-5.6-sol in"
        " /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort"
        " to 'none'.",
        400,
        "tools-without-reasoning",
        "",
    ),
    (
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        400,
        "reasoning-wanted",
        "reasoning_content",
    ),
    (
        "Tool call id was call_abc-1 but must be a-z, A-Z, 0-9, with a length of 9.",
        400,
        "nine-character-ids",
        "",
    ),
    (
        "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum"
        " length 9, but got a string with length 10 instead.",
        400,
        "shorter-ids",
        "9",
    ),
    ("Streaming is not supported for this model", 400, "stream-refused", ""),
    ("this model does not support streaming", 400, "stream-refused", ""),
    (
        '"stream=true" with structured outputs is currently not supported for reasoning models.',
        400,
        "stream-refused",
        "",
    ),
]


def refuse(text: str, status: int = 400, body: dict[str, Any] | None = None) -> Refusal:
    return Refusal(status, text, build_body(CHAT) if body is None else body)


@pytest.mark.parametrize(("text", "status", "row", "found"), REFUSALS)
def test_a_refusal_that_was_seen_finds_its_row(
    text: str, status: int, row: str, found: str
) -> None:
    assert decide_adaptation(refuse(text, status), (), CHAT) == Learned(row, found)


@pytest.mark.parametrize(("text", "status", "row", "found"), REFUSALS)
def test_no_row_is_applied_twice(text: str, status: int, row: str, found: str) -> None:
    refusal = refuse(text, status)
    known: tuple[Learned, ...] = ()
    for _ in range(20):
        learned = decide_adaptation(refusal, known, CHAT)
        if learned is None:
            break
        assert learned not in known
        known = (*known, learned)
        refusal = Refusal(status, text, apply_adaptations(build_body(CHAT), known, CHAT, "openai"))
    assert learned is None


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided",
        "The model `x` does not exist",
        "This model's maximum context length is 8192 tokens.",
        "Tool choice is none, but model called a tool",
        "Failed to call a function. Please adjust your prompt. See 'failed_generation'",
        "parameters for tool f did not match schema: errors: [...]",
        "messages: text content blocks must be non-empty",
        "",
    ],
)
def test_other_refusals_change_nothing(text: str) -> None:
    assert decide_adaptation(refuse(text), (), CHAT) is None


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("model stop-7b is not available", 404),
        ("temperature 1.5 is not allowed: must be at most 1", 400),
        ("Requests with max_tokens > 4096 must have stream=true", 400),
        (
            "Invalid 'messages[1].tool_calls': array too long. Expected maximum length 128",
            400,
        ),
    ],
)
def test_what_only_sounds_alike_changes_nothing(text: str, status: int) -> None:
    assert decide_adaptation(refuse(text, status), (), CHAT) is None


def test_an_unstreamed_limit_holds_for_unstreamed_answers_alone() -> None:
    text = "Requests with max_tokens > 4096 must have stream=true"
    whole = replace(CHAT, stream=False)
    learned = decide_adaptation(refuse(text, body=build_body(whole)), (), whole)
    assert learned == Learned("unstreamed-token-limit", "4096")
    assert adapt(learned.name, learned.found, whole)["max_tokens"] == 4096
    assert adapt(learned.name, learned.found)["max_tokens"] == 100_000


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
@pytest.mark.parametrize("found", ["", "0", "1", "9", "x", "reasoning_content", "9" * 5000])
def test_every_row_takes_every_body(protocol: ProtocolName, found: str) -> None:
    base_url = parse_base_url("https://h.example", source="X")
    body = PROTOCOLS[protocol].requests.build_request(CHAT, base_url).body
    assert body is not None
    for row in ADAPTATIONS:
        changed = apply_adaptations(dict(body), (Learned(row.name, found),), CHAT, protocol)
        assert changed["messages"]


@pytest.mark.parametrize("status", [401, 402, 403, 408, 409, 413, 429, 503, 529])
def test_other_statuses_change_nothing(status: int) -> None:
    assert (
        decide_adaptation(refuse("tools is not supported in this model.", status), (), CHAT) is None
    )


def adapt(name: str, found: str = "", chat: ChatRequest = CHAT) -> dict[str, Any]:
    return apply_adaptations(build_body(chat), (Learned(name, found),), chat, "openai")


def test_tools_are_left_out_and_told_as_text() -> None:
    body = adapt("tools-refused")
    assert "tools" not in body
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert body["messages"][2] == {"role": "assistant", "content": '[called f with {"a": 1}]'}
    assert body["messages"][3] == {"role": "user", "content": "[result of a tool: sun]"}


def test_a_system_prompt_goes_before_the_first_message() -> None:
    messages = adapt("system-refused")["messages"]
    assert messages[0] == {"role": "user", "content": "be terse\n\nweather?"}


@pytest.mark.parametrize(("name", "found"), [("nine-character-ids", ""), ("shorter-ids", "8")])
def test_ids_are_rewritten_in_pairs(name: str, found: str) -> None:
    messages = adapt(name, found)["messages"]
    rewritten = messages[2]["tool_calls"][0]["id"]
    assert messages[3]["tool_call_id"] == rewritten
    assert rewritten.isalnum()
    assert len(rewritten) == int(found or 9)


def test_the_token_limit_is_renamed_both_ways_and_lowered() -> None:
    renamed = adapt("max-completion-tokens")
    assert "max_tokens" not in renamed
    assert renamed["max_completion_tokens"] == 100_000
    assert adapt("token-limit", "8192")["max_tokens"] == 8192
    both = (Learned("max-completion-tokens"), Learned("token-limit", "10"))
    assert apply_adaptations(build_body(CHAT), both, CHAT, "openai")["max_completion_tokens"] == 10
    back = (Learned("max-completion-tokens"), Learned("max-tokens"))
    assert apply_adaptations(build_body(CHAT), back, CHAT, "openai")["max_tokens"] == 100_000


def test_tools_go_without_reasoning_and_where_that_fails_too_without_tools() -> None:
    body = adapt("tools-without-reasoning")
    assert body["reasoning_effort"] == "none"
    refusal = Refusal(400, "Unsupported value: 'reasoning_effort' does not support 'none'", body)
    known = (Learned("tools-without-reasoning"),)
    assert decide_adaptation(refusal, known, CHAT) == Learned("tools-refused")


def test_null_content_and_empty_content_are_exchanged() -> None:
    assert adapt("null-content-refused")["messages"][2]["content"] == ""
    known = (Learned("null-content-refused"), Learned("empty-content-refused"))
    assert (
        apply_adaptations(build_body(CHAT), known, CHAT, "openai")["messages"][2]["content"] is None
    )


def test_what_is_known_of_providers_names_rows_of_the_table() -> None:
    names = {row.name for row in ADAPTATIONS}
    assert {learned.name for provider in PROVIDERS for learned in provider.dialect} <= names
    assert len(names) == len(ADAPTATIONS)


def test_a_row_that_is_gone_is_passed_over() -> None:
    assert adapt("from-another-version") == build_body(CHAT)


@pytest.mark.parametrize("row", [row.name for row in ADAPTATIONS])
def test_each_row_says_what_it_does_in_one_line(row: str) -> None:
    notice = format_notice(Learned(row, "this"))
    assert "{" not in notice
    assert len(notice) < 90


@given(text=st.text(max_size=100), status=st.sampled_from([0, 400, 404, 422, 500]))
def test_any_text_leads_to_a_body_or_to_nothing(text: str, status: int) -> None:
    learned = decide_adaptation(refuse(text, status), (), CHAT)
    if learned is not None:
        body = apply_adaptations(build_body(CHAT), (learned,), CHAT, "openai")
        assert body["model"] == "m"
        assert body["messages"]
