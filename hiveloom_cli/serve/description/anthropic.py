"""Messages as this server takes and gives them."""

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
from hiveloom_cli.serve.formats import anthropic_messages
from hiveloom_cli.serve.formats.said import (
    LONGEST_NAME,
    MOST_MESSAGES,
    MOST_PARTS,
    MOST_STOPS,
    MOST_TOKENS,
    MOST_TOOLS,
    TOOL_NAME,
)

_REASONS = ("end_turn", "max_tokens", "tool_use", "refusal", "stop_sequence")
_NOTHING: Schema = {"type": "null"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXT = "MessagesTextBlock"


def build_request() -> dict[str, Any]:
    """Build the content of a request."""
    hello = {"role": "user", "content": "Hello"}
    plain = {"model": "helper", "max_tokens": 1024, "messages": [hello]}
    return build_body(refer("MessagesRequest"), whole=plain, streamed={**plain, "stream": True})


def build_counted() -> dict[str, Any]:
    """Build the content of a request whose tokens are to be counted."""
    plain = {"model": "helper", "messages": [{"role": "user", "content": "Hello"}]}
    return build_body(refer("CountedRequest"), whole=plain)


def build_count() -> dict[str, Any]:
    """Build the response to a request whose tokens are counted."""
    count = {JSON: build_object({"input_tokens": _COUNT})}
    return build_reply("An estimate of how many tokens the request is.", count)


def build_answer() -> dict[str, Any]:
    """Build the response to a request that is answered."""
    content = {JSON: refer("Message"), EVENTS: refer("MessagesEvent")}
    return build_reply(
        "The answer, whole or, with `stream`, as server-sent events: the schema is that of each. "
        "`message_stop` is the last, or `error`.",
        content,
    )


def build_schemas() -> dict[str, Schema]:
    """Build the components that these refer to."""
    return {
        **_build_models(),
        "MessagesRequest": _build_request("max_tokens"),
        "CountedRequest": _build_request(),
        "MessagesTurn": _build_turn(),
        "MessagesText": build_either(build_text(), build_list(refer(_TEXT), MOST_PARTS)),
        _TEXT: _build_block("text", {"text": build_text()}),
        "MessagesImageBlock": _build_block("image", {"source": _build_source("base64")}),
        "MessagesDocumentBlock": _build_document(),
        "MessagesBlock": _build_blocks(),
        "MessagesToolResultBlock": _build_result(),
        "MessagesTool": _build_tool(),
        "Message": _build_message(),
        "MessagesToolUse": _build_use(),
        "MessagesUsage": _build_usage(),
        "MessagesEvent": _build_event(),
    }


def _build_models() -> dict[str, Schema]:
    model = build_object(
        {
            "type": {"const": "model"},
            "id": build_text(),
            "display_name": build_text(),
            "created_at": build_text(format="date-time"),
            "lifecycle": build_words("active"),
            "max_input_tokens": _NOTHING,
            "max_tokens": _NOTHING,
            "capabilities": _NOTHING,
        }
    )
    place = allow_null(build_text())
    listed = build_object(
        {
            "data": {"type": "array", "items": refer("ModelInfo")},
            "has_more": {"const": False},
            "first_id": place,
            "last_id": place,
        }
    )
    return {"ModelInfo": model, "ModelInfoList": listed}


def _build_request(*required: str) -> Schema:
    described = allow_null(
        build_object({"type": {"const": "json_schema"}, "schema": refer("AnswerSchema")})
    )
    one = {"disable_parallel_tool_use": build_flag()}
    choice = build_either(
        build_object({"type": build_words("any", "auto", "none")}, one),
        build_object({"type": {"const": "tool"}, "name": build_text()}, one),
    )
    count = build_number(1, MOST_TOKENS, kind="integer")
    return build_object(
        {
            "model": build_text(
                minLength=1, maxLength=LONGEST_NAME, description="The name of an agent."
            ),
            **dict.fromkeys(required, count),
            "messages": build_list(
                refer("MessagesTurn"),
                MOST_MESSAGES,
                least=1,
                description="The last is the user's, and not empty.",
            ),
        },
        {
            **({} if required else {"max_tokens": allow_null(count)}),
            "system": allow_null(refer("MessagesText")),
            "stream": build_flag(),
            "temperature": allow_null(build_number(0, 1)),
            "top_p": allow_null(build_number(0, 1)),
            "stop_sequences": allow_null(build_list(build_text(), MOST_STOPS)),
            "tools": allow_null(build_list(refer("MessagesTool"), MOST_TOOLS)),
            "tool_choice": allow_null(choice),
            "thinking": allow_null(build_object({"type": build_text()})),
            "output_config": allow_null(build_object({}, {"format": described})),
            "output_format": described,
            "mcp_servers": allow_null(build_list({}, 0)),
        },
        description="Fields that are not named here change nothing. Tools differ in name.",
    )


def _build_turn() -> Schema:
    asked = build_either(refer("MessagesBlock"), refer("MessagesToolResultBlock"))
    other = build_object(
        {"type": build_text(**{"not": build_words("text", "tool_use")})},
        description="Thoughts, and what only another server understands: left out.",
    )
    answered = build_either(refer(_TEXT), refer("MessagesToolUse"), other)
    return build_either(
        build_object({"role": {"const": "user"}, "content": _build_content(asked)}),
        build_object({"role": {"const": "assistant"}, "content": _build_content(answered)}),
        build_object({"role": {"const": "system"}}, {"content": allow_null(refer("MessagesText"))}),
    )


def _build_content(block: Schema) -> Schema:
    return build_either(build_text(), build_list(block, MOST_PARTS))


def _build_block(
    kind: str, required: dict[str, Schema], optional: dict[str, Schema] | None = None
) -> Schema:
    return build_object({"type": {"const": kind}, **required}, optional)


def _build_source(kind: str) -> Schema:
    data = refer("Data") if kind == "base64" else build_text()
    return build_object({"type": {"const": kind}, "data": data})


def _build_document() -> Schema:
    inner = build_either(refer(_TEXT), refer("MessagesImageBlock"))
    content = build_object({"type": {"const": "content"}, "content": _build_content(inner)})
    source = build_either(_build_source("base64"), _build_source("text"), content)
    told = allow_null(build_text())
    return _build_block("document", {"source": source}, {"title": told, "context": told})


def _build_blocks() -> Schema:
    found = {"title": build_text(), "source": build_text(), "content": refer("MessagesText")}
    return build_either(
        refer(_TEXT),
        refer("MessagesImageBlock"),
        refer("MessagesDocumentBlock"),
        _build_block("search_result", found),
    )


def _build_result() -> Schema:
    content = build_either(*_build_content(refer("MessagesBlock"))["anyOf"], _NOTHING)
    optional = {"content": content, "is_error": build_flag()}
    return _build_block("tool_result", {"tool_use_id": build_text()}, optional)


def _build_tool() -> Schema:
    return build_object(
        {"name": build_text(pattern=f"^{TOOL_NAME}$"), "input_schema": refer("ToolParameters")},
        {"type": build_words("custom", None), "description": allow_null(build_text())},
    )


def _build_use() -> Schema:
    use = {"id": build_text(), "name": build_text(), "input": {"type": "object"}}
    return _build_block("tool_use", use)


def _build_thoughts(text: Schema) -> tuple[Schema, Schema]:
    """Build blocks of thoughts: to be sent back as they are, with what they are signed with."""
    return (
        _build_block("thinking", {"thinking": text, "signature": text}),
        _build_block("redacted_thinking", {"data": build_text(minLength=1)}),
    )


def _build_message(*, is_whole: bool = True) -> Schema:
    text = _build_block("text", {"text": build_text(minLength=1)})
    block = build_either(text, refer("MessagesToolUse"), *_build_thoughts(build_text()))
    reason = build_words(*_REASONS) if is_whole else _NOTHING
    content = {"type": "array", "items": block} if is_whole else build_list({}, 0)
    return build_object(
        {
            "id": build_text(pattern="^msg_"),
            "type": {"const": "message"},
            "role": {"const": "assistant"},
            "model": build_text(),
            "content": content,
            "stop_reason": reason,
            "stop_sequence": allow_null(build_text()) if is_whole else _NOTHING,
            "usage": refer("MessagesUsage"),
        }
    )


def _build_usage() -> Schema:
    read, made = "cache_read_input_tokens", "cache_creation_input_tokens"
    return build_object(dict.fromkeys(("input_tokens", made, read, "output_tokens"), _COUNT))


def _build_event() -> Schema:
    begun = build_either(
        _build_block("text", {"text": {"const": ""}}),
        refer("MessagesToolUse"),
        *_build_thoughts({"const": ""}),
    )
    delta = build_either(
        _build_block("text_delta", {"text": build_text()}),
        _build_block("input_json_delta", {"partial_json": build_text()}),
        _build_block("thinking_delta", {"thinking": build_text()}),
        _build_block("signature_delta", {"signature": build_text()}),
    )
    ended = build_object(
        {"stop_reason": build_words(*_REASONS), "stop_sequence": allow_null(build_text())}
    )
    members: dict[str, dict[str, Schema]] = {
        "message_start": {"message": _build_message(is_whole=False)},
        "ping": {},
        "content_block_start": {"index": _COUNT, "content_block": begun},
        "content_block_delta": {"index": _COUNT, "delta": delta},
        "content_block_stop": {"index": _COUNT},
        "message_delta": {"delta": ended, "usage": refer("MessagesUsage")},
        "message_stop": {},
    }
    events = (build_event(name, _build_block(name, told)) for name, told in members.items())
    return build_either(*events, build_event("error", describe_any_error(anthropic_messages)))
