"""Chat Completions as this server takes and gives them."""

from __future__ import annotations

from typing import Any

from hiveloom_cli.serve.description.parts import (
    EVENTS,
    JSON,
    Schema,
    allow_null,
    build_body,
    build_either,
    build_event,
    build_flag,
    build_list,
    build_number,
    build_object,
    build_reply,
    build_text,
    build_words,
    refer,
)
from hiveloom_cli.serve.description.refusals import describe_any_error
from hiveloom_cli.serve.formats import openai_chat
from hiveloom_cli.serve.formats.openai_request import HOTTEST, REFUSED, UNSAID
from hiveloom_cli.serve.formats.said import (
    ANSWER_NAME,
    LONGEST_NAME,
    MOST_MESSAGES,
    MOST_PARTS,
    MOST_STOPS,
    MOST_TOKENS,
    MOST_TOOLS,
    TOOL_NAME,
)

_REASONS = ("stop", "length", "tool_calls", "content_filter")
_NOTHING: Schema = {"type": "null"}
_COUNT: Schema = {"type": "integer", "minimum": 0}


def build_request() -> dict[str, Any]:
    """Build the content of a request."""
    hello = {"role": "user", "content": "Hello"}
    plain = {"model": "helper", "messages": [hello]}
    return build_body(
        refer("ChatCompletionRequest"), whole=plain, streamed={**plain, "stream": True}
    )


def build_answer() -> dict[str, Any]:
    """Build the response to a request that is answered."""
    end = build_object({"event": {"const": "message"}, "data": {"const": "[DONE]"}})
    chunk = build_event("message", refer("ChatCompletionChunk"))
    failed = build_event("message", describe_any_error(openai_chat))
    content = {JSON: refer("ChatCompletion"), EVENTS: build_either(chunk, end, failed)}
    return build_reply(
        "The answer, whole or, with `stream`, as server-sent events: the schema is that of each. "
        "`[DONE]` is the last, or an error.",
        content,
    )


def build_models() -> dict[str, Schema]:
    """Build the agents as models: a list of them, and one."""
    model = build_object(
        {
            "id": build_text(),
            "object": {"const": "model"},
            "created": _COUNT,
            "owned_by": {"const": "hiveloom"},
        }
    )
    listed = build_object(
        {"object": {"const": "list"}, "data": {"type": "array", "items": refer("Model")}}
    )
    return {"Model": model, "ModelList": listed}


def build_schemas() -> dict[str, Schema]:
    """Build the components that these refer to."""
    return {
        **build_models(),
        "ChatCompletionRequest": _build_request(),
        "ChatMessage": _build_message(),
        "ChatText": build_either(build_text(), build_list(_build_texts(), MOST_PARTS)),
        "ChatPart": _build_part(),
        "ChatTool": _build_tool(),
        "ChatResponseFormat": _build_format(),
        "ChatCompletion": _build_completion(),
        "ChatCompletionChunk": _build_chunk(),
        "ChatToolCall": _build_call(),
        "ChatUsage": _build_usage(),
    }


def _build_request() -> Schema:
    count = allow_null(build_number(1, MOST_TOKENS, kind="integer"))
    stops = build_list(build_text(), MOST_STOPS)
    named = _build_typed("function", build_object({"name": build_text()}))
    optional = {
        "stream": build_flag(),
        "stream_options": allow_null(build_object({}, {"include_usage": build_flag()})),
        "temperature": allow_null(build_number(0, HOTTEST)),
        "top_p": allow_null(build_number(0, 1)),
        "max_tokens": count,
        "max_completion_tokens": count,
        "stop": build_either(build_text(), stops, _NOTHING),
        "n": {"enum": [1, None]},
        "response_format": allow_null(refer("ChatResponseFormat")),
        "tools": allow_null(build_list(refer("ChatTool"), MOST_TOOLS)),
        "tool_choice": build_either(build_words("auto", "none", "required", None), named),
        "parallel_tool_calls": build_flag(),
        "modalities": allow_null(build_list(build_words("text"), MOST_PARTS)),
        **{name: build_words(*UNSAID) for name in REFUSED},
    }
    streamed = build_object({"stream": {"const": True}})
    return build_object(
        {
            "model": build_text(
                minLength=1, maxLength=LONGEST_NAME, description="The name of an agent."
            ),
            "messages": build_list(
                refer("ChatMessage"),
                MOST_MESSAGES,
                least=1,
                description="The last is the user's, or a tool's result, and not empty.",
            ),
        },
        optional,
        description="Fields that are not named here change nothing. Tools differ in name.",
        anyOf=[streamed, build_object({}, {"stream_options": _NOTHING})],
    )


def _build_message() -> Schema:
    call = build_object(
        {
            "id": build_text(),
            "type": {"const": "function"},
            "function": build_object({"name": build_text(), "arguments": build_text()}),
        }
    )
    said = build_either(build_text(), build_list(refer("ChatPart"), MOST_PARTS))
    roles = {
        "system": build_words("system", "developer"),
        "user": {"const": "user"},
        "assistant": {"const": "assistant"},
        "tool": {"const": "tool"},
    }
    return build_either(
        build_object({"role": roles["user"], "content": said}),
        build_object({"role": roles["system"], "content": refer("ChatText")}),
        build_object(
            {"role": roles["assistant"]},
            {
                "content": allow_null(refer("ChatText")),
                "refusal": allow_null(build_text()),
                "tool_calls": allow_null(build_list(call, MOST_PARTS)),
                "function_call": _NOTHING,
            },
        ),
        build_object(
            {"role": roles["tool"], "content": refer("ChatText"), "tool_call_id": build_text()}
        ),
    )


def _build_texts() -> Schema:
    return build_either(*(_build_typed(kind, build_text()) for kind in ("text", "refusal")))


def _build_part() -> Schema:
    file = {"filename": allow_null(build_text()), "file_id": _NOTHING}
    return build_either(
        _build_typed("text", build_text()),
        _build_typed("image_url", build_object({"url": refer("Data")})),
        _build_typed("file", build_object({"file_data": refer("Data")}, file)),
    )


def _build_typed(kind: str, schema: Schema) -> Schema:
    return build_object({"type": {"const": kind}, kind: schema})


def _build_tool() -> Schema:
    function = build_object(
        {"name": build_text(pattern=f"^{TOOL_NAME}$")},
        {
            "description": allow_null(build_text()),
            "parameters": allow_null(refer("ToolParameters")),
        },
    )
    return _build_typed("function", function)


def _build_format() -> Schema:
    name = build_text(pattern=f"^{ANSWER_NAME}$")
    described = build_object({"name": name, "schema": refer("AnswerSchema")})
    return build_either(
        build_object({"type": build_words("text", "json_object")}),
        _build_typed("json_schema", described),
    )


def _build_completion() -> Schema:
    message = build_object(
        {"role": {"const": "assistant"}, "content": allow_null(build_text()), "refusal": _NOTHING},
        {
            "reasoning_content": build_text(minLength=1),
            "tool_calls": {"type": "array", "items": refer("ChatToolCall"), "minItems": 1},
        },
    )
    choice = build_object(
        {
            "index": {"const": 0},
            "message": message,
            "logprobs": _NOTHING,
            "finish_reason": build_words(*_REASONS),
        }
    )
    head = _build_head("chat.completion")
    choices = build_list(choice, 1, least=1)
    return build_object({**head, "choices": choices}, {"usage": refer("ChatUsage")})


def _build_chunk() -> Schema:
    delta = build_object(
        {},
        {
            "role": {"const": "assistant"},
            "content": build_text(),
            "refusal": _NOTHING,
            "reasoning_content": build_text(),
            "tool_calls": build_list(_build_call({"index": _COUNT}), 1, least=1),
        },
    )
    choice = build_object(
        {
            "index": {"const": 0},
            "delta": delta,
            "logprobs": _NOTHING,
            "finish_reason": build_words(*_REASONS, None),
        }
    )
    head = _build_head("chat.completion.chunk")
    usage = allow_null(refer("ChatUsage"))
    return build_object({**head, "choices": build_list(choice, 1)}, {"usage": usage})


def _build_head(kind: str) -> dict[str, Schema]:
    return {
        "id": build_text(pattern="^chatcmpl-"),
        "object": {"const": kind},
        "created": _COUNT,
        "model": build_text(),
    }


def _build_call(place: dict[str, Schema] | None = None) -> Schema:
    function = build_object({"name": build_text(), "arguments": build_text()})
    return build_object(
        {**(place or {}), "id": build_text(), "type": {"const": "function"}, "function": function},
        description="A call of one of the client's own tools, which is the client's to run.",
    )


def _build_usage() -> Schema:
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    details = build_object({"cached_tokens": _COUNT})
    return build_object(dict.fromkeys(counts, _COUNT), {"prompt_tokens_details": details})
