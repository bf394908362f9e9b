"""Build a Messages request.

Source: Anthropic's API reference, "Create a Message", version 2023-06-01.

What is not set is not sent, but for `max_tokens`, which the protocol demands.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, assert_never
from urllib.parse import urlencode

from hiveloom_cli.protocols.base_url import BaseUrl, parse_base_url
from hiveloom_cli.protocols.message import (
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
)
from hiveloom_cli.protocols.request import ChatRequest, KeyHeader, WireRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_BASE_URL = "https://api.anthropic.com"
# The one version that third-party servers know too.
API_VERSION = "2023-06-01"
# Within every current model's maximum (the smallest is 64,000), and enough for a long answer.
DEFAULT_MAX_TOKENS = 32_000
# Anthropic's own clients refuse more than this without streaming: such a reply may take over ten
# minutes.
_MAX_TOKENS_UNSTREAMED = 21_333

_MODELS_A_PAGE = 1000  # the most that the API gives at once

_OWN_ORIGIN = parse_base_url(DEFAULT_BASE_URL, source="the preset anthropic").origin
_OWN_KEY_HEADERS = (KeyHeader("x-api-key"),)
# Other servers of this protocol read one or the other: vLLM takes only the bearer token.
_OTHER_KEY_HEADERS = (KeyHeader("x-api-key"), KeyHeader("Authorization", "Bearer "))


def build_request(chat: ChatRequest, base_url: BaseUrl) -> WireRequest:
    """Build the POST to `{base_url}/v1/messages`; a base that ends in `/v1` is not doubled."""
    return WireRequest(
        url=_join(base_url, "/messages"),
        headers={
            "Content-Type": "application/json",
            "Accept": "text/event-stream" if chat.stream else "application/json",
            "anthropic-version": API_VERSION,
        },
        key_headers=_decide_key_headers(base_url),
        body=build_body(chat),
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
    body: dict[str, Any] = {
        "model": chat.model,
        "max_tokens": parameters.max_tokens or _decide_max_tokens(stream=chat.stream),
        "messages": list(_build_messages(chat.messages)),
    }
    if chat.system.strip():
        body["system"] = chat.system
    if parameters.temperature is not None:
        body["temperature"] = parameters.temperature
    if parameters.top_p is not None:
        body["top_p"] = parameters.top_p
    if parameters.stop:
        body["stop_sequences"] = list(parameters.stop)
    if chat.tools:
        body["tools"] = [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": {"type": "object", **tool.input_schema},
            }
            for tool in chat.tools
        ]
    if chat.stream:
        body["stream"] = True
    return body


def _join(base_url: BaseUrl, endpoint: str) -> str:
    return base_url.join(endpoint if base_url.path.endswith("/v1") else f"/v1{endpoint}")


def _decide_key_headers(base_url: BaseUrl) -> tuple[KeyHeader, ...]:
    return _OWN_KEY_HEADERS if base_url.origin == _OWN_ORIGIN else _OTHER_KEY_HEADERS


def _decide_max_tokens(*, stream: bool) -> int:
    return DEFAULT_MAX_TOKENS if stream else _MAX_TOKENS_UNSTREAMED


def _build_messages(messages: tuple[Message, ...]) -> Iterator[dict[str, Any]]:
    last = len(messages) - 1
    for place, message in enumerate(messages):
        content = [block for part in message.parts if (block := _build_block(part)) is not None]
        # Tool results come first in a user's message, whatever was said around them.
        content.sort(key=lambda block: block["type"] != "tool_result")
        if place == last and message.role == "assistant":
            _trim_end(content)
        if content:
            yield {"role": message.role, "content": content}


def _build_block(part: Part) -> dict[str, Any] | None:
    match part:
        case TextPart(text):
            # The protocol refuses blocks that are empty or only white space.
            return {"type": "text", "text": text} if text.strip() else None
        case ImagePart(media_type, content):
            data = base64.b64encode(content).decode("ascii")
            source = {"type": "base64", "media_type": media_type, "data": data}
            return {"type": "image", "source": source}
        case ReasoningPart():
            return None
        case ToolCall():
            return {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": _parse_arguments(part.arguments),
            }
        case ToolResult():
            block: dict[str, Any] = {
                "type": "tool_result",
                "tool_use_id": part.call_id,
                "content": part.content,
            }
            return block | {"is_error": True} if part.is_error else block
        case _:
            assert_never(part)


def _parse_arguments(arguments: str) -> dict[str, Any]:
    # The protocol takes an object only; the text of arguments that are none goes along under a
    # name.
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"arguments": arguments}


def _trim_end(content: list[dict[str, Any]]) -> None:
    # A final assistant text that ends in white space is refused.
    if content and content[-1]["type"] == "text":
        content[-1]["text"] = content[-1]["text"].rstrip()
