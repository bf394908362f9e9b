"""Build a Chat Completions request.

Source: OpenAI's OpenAPI description, `CreateChatCompletionRequest`.

What is not set is not sent: compatible servers refuse fields that they do not know, and nulls.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, assert_never

from hiveloom_cli.protocols import history
from hiveloom_cli.protocols.arguments import is_object, parse_arguments
from hiveloom_cli.protocols.call_ids import fit_name, rewrite_call_ids
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
from hiveloom_cli.protocols.output_schema import OutputSchema, is_strict
from hiveloom_cli.protocols.request import ChatRequest, KeyHeader, WireRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.protocols.base_url import BaseUrl

# OpenAI's limits. Ids come from any upstream, so they are held to them before they go out.
_LONGEST_ID = 64
_LONGEST_NAME = 64
_NEW_ID = 24
_KEY_HEADERS = (KeyHeader("Authorization", "Bearer "),)


def build_request(chat: ChatRequest, base_url: BaseUrl) -> WireRequest:
    """Build the POST to `{base_url}/chat/completions`."""
    return WireRequest(
        url=base_url.join("/chat/completions"),
        headers={
            "Content-Type": "application/json",
            "Accept": "text/event-stream" if chat.stream else "application/json",
        },
        key_headers=_KEY_HEADERS,
        body=build_body(chat),
    )


def build_models_request(base_url: BaseUrl, _after: str = "") -> WireRequest:
    """Build the GET of `{base_url}/models`, which gives the whole list at once."""
    return WireRequest(
        url=base_url.join("/models"),
        headers={"Accept": "application/json"},
        key_headers=_KEY_HEADERS,
    )


def build_body(chat: ChatRequest) -> dict[str, Any]:
    """Build the JSON body."""
    body: dict[str, Any] = {"model": chat.model, "messages": list(_build_messages(chat))}
    parameters = chat.parameters
    for name in ("temperature", "top_p", "max_tokens"):
        value = getattr(parameters, name)
        if value is not None:
            body[name] = value
    if parameters.stop:
        body["stop"] = list(parameters.stop)
    body |= _build_tools(chat)
    if chat.output is not None:
        body["response_format"] = _build_format(chat.output)
    if chat.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body


def _build_tools(chat: ChatRequest) -> dict[str, Any]:
    if not chat.tools:
        return {}
    tools = [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.input_schema),
            },
        }
        for tool in chat.tools
    ]
    choice = _build_choice(chat)
    return {"tools": tools, "tool_choice": choice} if choice else {"tools": tools}


def _build_choice(chat: ChatRequest) -> str | dict[str, Any]:
    if not chat.may_call:
        return "none"
    if chat.must_call is None:
        return ""
    named = {"type": "function", "function": {"name": chat.must_call}}
    return named if chat.must_call else "required"


def _build_format(output: OutputSchema) -> dict[str, Any]:
    schema = output.build_schema()
    described = {"name": output.name, "schema": schema}
    strict = {"strict": True} if is_strict(schema) else {}
    return {"type": "json_schema", "json_schema": described | strict}


def fit_history(chat: ChatRequest) -> tuple[Message, ...]:
    """Build the turns that `build_body` sends, one assistant message each; reasoning still in."""
    fitted = history.fit_history(chat.messages, lambda _, part: not isinstance(part, OpaquePart))
    return rewrite_call_ids(fitted, lambda call_id: 0 < len(call_id) <= _LONGEST_ID, _NEW_ID)


def _build_messages(chat: ChatRequest) -> Iterator[dict[str, Any]]:
    if chat.system:
        # "system" and not "developer": every server knows it, OpenAI's newest included.
        yield {"role": "system", "content": chat.system}
    for message in fit_history(chat):
        if message.role == "assistant":
            yield _build_assistant(message)
        else:
            yield from _build_user(message)


def _build_user(message: Message) -> Iterator[dict[str, Any]]:
    # Each tool result is a message of its own here, before what the person said.
    for part in message.parts:
        if isinstance(part, ToolResult):
            yield {"role": "tool", "tool_call_id": part.call_id, "content": part.content}
    content = [built for part in message.parts if (built := _build_content(part)) is not None]
    if not content:
        return
    if all(part["type"] == "text" for part in content):
        # A plain string is what every server takes; some refuse or split a list.
        yield {"role": "user", "content": message.text}
    else:
        yield {"role": "user", "content": content}


def _build_content(part: Part) -> dict[str, Any] | None:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ImagePart(media_type, content):
            return {"type": "image_url", "image_url": {"url": _build_data_url(media_type, content)}}
        case DocumentPart(name, content):
            data = _build_data_url("application/pdf", content)
            # Whatever it is called on disk: a server may go by the ending of the name.
            filename = name if name.lower().endswith(".pdf") else f"{name}.pdf"
            return {"type": "file", "file": {"filename": filename, "file_data": data}}
        case ToolResult() | ToolCall() | ReasoningPart() | OpaquePart() | TextFilePart():
            return None  # a text file is text by now
        case _:
            assert_never(part)


def _build_data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _build_assistant(message: Message) -> dict[str, Any]:
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    if not calls:
        return {"role": "assistant", "content": message.text}
    return {
        "role": "assistant",
        # Null rather than "" beside tool calls: DeepSeek and Ollama refuse the empty string.
        "content": message.text or None,
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": fit_name(call.name, _LONGEST_NAME),
                    "arguments": _format_arguments(call.arguments),
                },
            }
            for call in calls
        ],
    }


def _format_arguments(arguments: str) -> str:
    # What is no object is refused by servers whose templates read it; "" by Ollama.
    if is_object(arguments):
        return arguments
    return json.dumps(parse_arguments(arguments), ensure_ascii=False)
