"""The changes that an upstream's dialect asks of a request's body. Pure: each makes a new body.

Each takes the body, what the adaptation found (a field's name, a number as text, or ""), and the
request that the body was built from. A change that has nothing to act on leaves the body as it is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols.call_ids import rewrite_body_ids
from hiveloom_cli.protocols.openai_chat import reasoning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hiveloom_cli.protocols.request import ChatRequest

Body = dict[str, Any]
_NINE = re.compile(r"[a-zA-Z0-9]{9}")
_LONGEST_NUMBER = 9
_SHORTEST_ID = 8
# With the tools goes the reasoning effort, which only stands there for their sake.
_TOOL_FIELDS = ("tools", "tool_choice", "parallel_tool_calls", "reasoning_effort")


def drop_field(body: Body, found: str, _chat: ChatRequest) -> Body:
    """Leave out a field of the body."""
    return {key: value for key, value in body.items() if key != found}


def drop_top_p(body: Body, _found: str, chat: ChatRequest) -> Body:
    """Leave out `top_p` where there is a temperature."""
    return drop_field(body, "top_p", chat) if "temperature" in body else body


def drop_stream(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Ask for the answer in one piece."""
    return {key: value for key, value in body.items() if key not in ("stream", "stream_options")}


def use_max_completion_tokens(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Name the token limit as reasoning models have it."""
    return _rename(body, "max_tokens", "max_completion_tokens")


def use_max_tokens(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Name the token limit as most servers have it."""
    return _rename(body, "max_completion_tokens", "max_tokens")


def lower_max_tokens(body: Body, found: str, _chat: ChatRequest) -> Body:
    """Keep the token limit within what the model can."""
    limit = _parse_number(found)
    if not limit:
        return body
    return {
        key: min(value, limit) if key in ("max_tokens", "max_completion_tokens") else value
        for key, value in body.items()
    }


def lower_unstreamed_max_tokens(body: Body, found: str, chat: ChatRequest) -> Body:
    """Keep the token limit of an answer in one piece within what the upstream gives so."""
    return body if body.get("stream") else lower_max_tokens(body, found, chat)


def stop_reasoning(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Turn reasoning off where tools are sent."""
    return {**body, "reasoning_effort": "none"} if "tools" in body else body


def drop_tools(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Leave out the tools; calls and results of the history are told as text."""
    kept = {key: value for key, value in body.items() if key not in _TOOL_FIELDS}
    told = (_tell_tools(message) for message in body["messages"])
    return {**kept, "messages": list(_merge_texts(told))}


def drop_forbidden_tools(body: Body, found: str, chat: ChatRequest) -> Body:
    """Leave out the tools where none may be called."""
    return body if chat.may_call and "tools" in body else drop_tools(body, found, chat)


def fold_system(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Put the system prompt before the first thing that the person said."""
    messages = body["messages"]
    if not has_system(body):
        return body
    prompt, rest = messages[0]["content"], messages[1:]
    for place, message in enumerate(rest):
        if message["role"] == "user":
            told = {**message, "content": _put_before(prompt, message["content"])}
            return {**body, "messages": [*rest[:place], told, *rest[place + 1 :]]}
    return {**body, "messages": [{"role": "user", "content": prompt}, *rest]}


def use_document_urls(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Send documents as Mistral has them: a URL, here of the data itself, and a name."""
    return _map_messages(body, lambda message: _map_parts(message, _use_document_url))


def empty_null_content(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Send "" for an assistant's content that is null."""
    return _replace_assistant_content(body, None, "")


def null_empty_content(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Send null for an assistant's content that is "", where tool calls stand beside it."""
    return _replace_assistant_content(body, "", None)


def drop_message_field(body: Body, found: str, _chat: ChatRequest) -> Body:
    """Leave out a field of every message."""
    return _map_messages(
        body, lambda message: {key: value for key, value in message.items() if key != found}
    )


def use_nine_character_ids(body: Body, _found: str, _chat: ChatRequest) -> Body:
    """Rewrite tool-call ids, calls and results alike, to nine letters and digits."""
    return rewrite_body_ids(body, lambda call_id: bool(_NINE.fullmatch(call_id)), 9)


def shorten_ids(body: Body, found: str, _chat: ChatRequest) -> Body:
    """Rewrite tool-call ids, calls and results alike, that are longer than what was found."""
    length = _parse_number(found)
    if length < _SHORTEST_ID:
        return body  # too few to tell the calls of a history apart
    return rewrite_body_ids(body, lambda call_id: len(call_id) <= length, length)


def echo_reasoning(body: Body, found: str, chat: ChatRequest) -> Body:
    """Send reasoning back under the field that was found, where the same model made it."""
    return reasoning.echo_reasoning(body, chat, found)


def _parse_number(found: str) -> int:
    # What was found may have been read from a file that anyone can have edited.
    return int(found) if found.isdecimal() and len(found) <= _LONGEST_NUMBER else 0


def has_system(body: Body) -> bool:
    """Whether the first message is the system prompt."""
    messages = body["messages"]
    return bool(messages) and messages[0]["role"] == "system"


def has_message_field(body: Body, name: str) -> bool:
    """Whether any message has a field of that name."""
    return any(name in message for message in body["messages"])


def has_assistant_content(body: Body, content: str | None) -> bool:
    """Whether the content of any assistant message beside tool calls is exactly that."""
    return any(_is_call_with(message, content) for message in body["messages"])


def has_files(body: Body) -> bool:
    """Whether any message has a document in it."""
    contents = (message.get("content") for message in body["messages"])
    return any(
        part["type"] == "file"
        for content in contents
        if isinstance(content, list)
        for part in content
    )


def _use_document_url(part: Body) -> Body:
    if part["type"] != "file":
        return part
    file = part["file"]
    return {
        "type": "document_url",
        "document_url": file["file_data"],
        "document_name": file["filename"],
    }


def _is_call_with(message: Body, content: str | None) -> bool:
    return (
        message["role"] == "assistant"
        and bool(message.get("tool_calls"))
        and message.get("content", ...) == content
    )


def _replace_assistant_content(body: Body, old: str | None, new: str | None) -> Body:
    return _map_messages(
        body,
        lambda message: {**message, "content": new} if _is_call_with(message, old) else message,
    )


def _map_messages(body: Body, change: Callable[[Body], Body]) -> Body:
    return {**body, "messages": [change(message) for message in body["messages"]]}


def _map_parts(message: Body, change: Callable[[Body], Body]) -> Body:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [change(part) for part in content]}


def _rename(body: Body, old: str, new: str) -> Body:
    return {(new if key == old else key): value for key, value in body.items()}


def _put_before(prompt: str, content: Any) -> Any:
    if isinstance(content, str):
        return f"{prompt}\n\n{content}"
    return [{"type": "text", "text": prompt}, *content]


def _tell_tools(message: Body) -> Body:
    """Tell in words what a message holds of tools, in either protocol's form."""
    if message["role"] == "tool":
        return {"role": "user", "content": f"[result of a tool: {message['content']}]"}
    if message.get("tool_calls"):
        told = [
            f"[called {call['function']['name']} with {call['function']['arguments']}]"
            for call in message["tool_calls"]
        ]
        return {
            "role": message["role"],
            "content": "\n".join(filter(None, [message.get("content"), *told])),
        }
    if isinstance(message["content"], list):
        return {**message, "content": [_tell_block(block) for block in message["content"]]}
    return message


def _merge_texts(messages: Iterable[Body]) -> Iterator[Body]:
    """Join texts of one role that follow each other: strict templates want the roles in turn."""
    last: Body | None = None
    for message in messages:
        texts = last is not None and isinstance(last["content"], str)
        if (
            last
            and texts
            and message["role"] == last["role"]
            and isinstance(message["content"], str)
        ):
            last = {**last, "content": f"{last['content']}\n\n{message['content']}"}
            continue
        if last is not None:
            yield last
        last = message
    if last is not None:
        yield last


def _tell_block(block: Body) -> Body:
    if block["type"] == "tool_use":
        arguments = json.dumps(block["input"], ensure_ascii=False)
        return {"type": "text", "text": f"[called {block['name']} with {arguments}]"}
    if block["type"] == "tool_result":
        return {"type": "text", "text": f"[result of a tool: {block['content']}]"}
    return block
