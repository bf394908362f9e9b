"""Build a Messages request.

Source: Anthropic's API reference, "Create a Message", version 2023-06-01.

What is not set is not sent, but for `max_tokens`, which the protocol demands.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, assert_never
from urllib.parse import urlencode

from hiveloom_cli.protocols import history
from hiveloom_cli.protocols.anthropic_messages.block import REASONING_TYPES
from hiveloom_cli.protocols.anthropic_messages.caching import mark_cache
from hiveloom_cli.protocols.anthropic_messages.limits import decide_max_tokens
from hiveloom_cli.protocols.arguments import parse_arguments
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
from hiveloom_cli.protocols.output_schema import narrow_schema
from hiveloom_cli.protocols.request import ChatRequest, KeyHeader, ToolDefinition, WireRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.protocols.base_url import BaseUrl

# The one version that third-party servers know too.
API_VERSION = "2023-06-01"

_MODELS_A_PAGE = 1000  # the most that the API gives at once

_OWN_ORIGIN = "https://api.anthropic.com"
_OWN_KEY_HEADERS = (KeyHeader("x-api-key"),)
# Other servers of this protocol read one or the other: vLLM takes only the bearer token.
_OTHER_KEY_HEADERS = (KeyHeader("x-api-key"), KeyHeader("Authorization", "Bearer "))

_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NEW_ID = 24
_LONGEST_NAME = 64  # newer models take 128
_BEGINNING = "(What was said before this is left out.)"


def build_request(chat: ChatRequest, base_url: BaseUrl) -> WireRequest:
    """Build the POST to `{base_url}/v1/messages`; a base that ends in `/v1` is not doubled."""
    body = build_body(chat)
    own = base_url.origin == _OWN_ORIGIN
    return WireRequest(
        url=_join(base_url, "/messages"),
        headers={
            "Content-Type": "application/json",
            "Accept": "text/event-stream" if chat.stream else "application/json",
            "anthropic-version": API_VERSION,
        },
        key_headers=_decide_key_headers(base_url),
        # Other servers of this protocol may refuse the marks, and few keep anything.
        body=mark_cache(body) if own else body,
    )


def build_models_request(base_url: BaseUrl, after: str = "") -> WireRequest:
    """Build the GET of `{base_url}/v1/models`: the page that follows the model `after`."""
    query = {"limit": str(_MODELS_A_PAGE)} | ({"after_id": after} if after else {})
    return WireRequest(
        url=_join(base_url.with_query(urlencode(query)), "/models"),
        headers={"Accept": "application/json", "anthropic-version": API_VERSION},
        key_headers=_decide_key_headers(base_url),
    )


def build_body(chat: ChatRequest) -> dict[str, Any]:
    """Build the JSON body."""
    parameters = chat.parameters
    turns = _fit_history(chat)
    body: dict[str, Any] = {
        "model": chat.model,
        "max_tokens": parameters.max_tokens or decide_max_tokens(chat.model, stream=chat.stream),
        "messages": list(_build_messages(turns)),
    }
    if chat.system.strip():
        body["system"] = chat.system
    if parameters.temperature is not None:
        body["temperature"] = parameters.temperature
    if parameters.top_p is not None:
        body["top_p"] = parameters.top_p
    # Those that are only white space are refused.
    if stop := [text for text in parameters.stop or () if text.strip()]:
        body["stop_sequences"] = stop
    body |= _build_tools(chat.tools or _remember_tools(turns), chat)
    if chat.output is not None:
        schema = narrow_schema(chat.output.build_schema())
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    if chat.stream:
        body["stream"] = True
    return body


def _build_tools(tools: tuple[ToolDefinition, ...], chat: ChatRequest) -> dict[str, Any]:
    if not tools:
        return {}
    built = [
        {
            "name": tool.name,
            "description": tool.description,
            "input_schema": {"type": "object", **tool.input_schema},
        }
        for tool in tools
    ]
    choice = _build_choice(chat)
    return {"tools": built, "tool_choice": choice} if choice else {"tools": built}


def _build_choice(chat: ChatRequest) -> dict[str, Any]:
    if not chat.may_call:
        return {"type": "none"}
    if chat.must_call is None:
        return {}
    if not chat.must_call:
        return {"type": "any"}
    return {"type": "tool", "name": fit_name(chat.must_call, _LONGEST_NAME)}


def _join(base_url: BaseUrl, endpoint: str) -> str:
    return base_url.join(endpoint if base_url.path.endswith("/v1") else f"/v1{endpoint}")


def _decide_key_headers(base_url: BaseUrl) -> tuple[KeyHeader, ...]:
    return _OWN_KEY_HEADERS if base_url.origin == _OWN_ORIGIN else _OTHER_KEY_HEADERS


def _fit_history(chat: ChatRequest) -> tuple[Message, ...]:
    def keep(message: Message, part: Part) -> bool:
        if isinstance(part, TextPart):
            # Text blocks that are empty or only white space are refused.
            return bool(part.text.strip())
        if not isinstance(part, ReasoningPart | OpaquePart):
            return True
        # A signature means nothing to another model; half a block means nothing to anyone.
        return (
            bool(chat.asked_of and part.wire)
            and part.made_by == chat.asked_of
            and (message.complete or _is_signed(part))
            and (isinstance(part, OpaquePart) or part.field in REASONING_TYPES)
        )

    fitted = history.fit_history(chat.messages, keep)
    return rewrite_call_ids(fitted, lambda call_id: bool(_CALL_ID.fullmatch(call_id)), _NEW_ID)


def _is_signed(part: ReasoningPart | OpaquePart) -> bool:
    if isinstance(part, OpaquePart) or part.field not in REASONING_TYPES:
        return False
    block = json.loads(part.wire)
    return bool(block.get("signature") or block.get("data"))


def _remember_tools(turns: tuple[Message, ...]) -> tuple[ToolDefinition, ...]:
    # A history with tool calls is refused without tools, and the agent may have lost its own since.
    names = {
        fit_name(call.name, _LONGEST_NAME): None
        for turn in turns
        for call in history.list_calls(turn)
    }
    return tuple(ToolDefinition(name, "Not available any more.", {}) for name in names)


def _build_messages(turns: tuple[Message, ...]) -> Iterator[dict[str, Any]]:
    if turns and turns[0].role == "assistant":
        # A shortened history may begin anywhere; the protocol's begins with the user.
        yield {"role": "user", "content": [{"type": "text", "text": _BEGINNING}]}
    last = len(turns) - 1
    for place, turn in enumerate(turns):
        content = [_build_block(part) for part in turn.parts]
        if place == last and turn.role == "assistant":
            _trim_end(content)
        yield {"role": turn.role, "content": content}


def _build_block(part: Part) -> dict[str, Any]:
    match part:
        case TextPart() | TextFilePart():  # a text file is text by now
            return {"type": "text", "text": part.text}
        case ImagePart(media_type, content):
            return {"type": "image", "source": _build_source(media_type, content)}
        case DocumentPart(name, content):
            source = _build_source("application/pdf", content)
            return {"type": "document", "source": source} | ({"title": name} if name else {})
        case ReasoningPart() | OpaquePart():
            block: dict[str, Any] = json.loads(part.wire)
            return block
        case ToolCall():
            return {
                "type": "tool_use",
                "id": part.id,
                "name": fit_name(part.name, _LONGEST_NAME),
                "input": parse_arguments(part.arguments),
            }
        case ToolResult():
            block = {
                "type": "tool_result",
                "tool_use_id": part.call_id,
                "content": part.content,
            }
            return block | {"is_error": True} if part.is_error else block
        case _:
            assert_never(part)


def _build_source(media_type: str, content: bytes) -> dict[str, Any]:
    data = base64.b64encode(content).decode("ascii")
    return {"type": "base64", "media_type": media_type, "data": data}


def _trim_end(content: list[dict[str, Any]]) -> None:
    # A final assistant text that ends in white space is refused.
    if content and content[-1]["type"] == "text":
        content[-1]["text"] = content[-1]["text"].rstrip()
