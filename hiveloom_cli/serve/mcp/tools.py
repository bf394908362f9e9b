"""What an MCP client gets to see of an agent: its tools, and what they take and give.

All of it is JSON as the specification has it: a tool as in `tools/list`, a result as of
`tools/call`. Source: the revisions 2025-06-18 to 2026-07-28 of the Model Context Protocol.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hiveloom_cli.clock import format_timestamp
from hiveloom_cli.serve.formats import native
from hiveloom_cli.serve.formats.fields import Field, parse_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hiveloom_cli.serve.asked import AgentBrief, Asked, ConversationBrief

CHAT = "chat"
LIST = "list_conversations"
_USUALLY_LISTED = 20
_MOST_LISTED = 100
_TEXT = {"type": "string"}

Json = dict[str, Any]


def build_tools(agent: AgentBrief) -> list[Json]:
    """Build the tools of an agent."""
    return [_build_chat(agent), *([_build_list(agent)] if agent.keeps else [])]


def _build_chat(agent: AgentBrief) -> Json:
    said = [f"Send a message to the agent {agent.name} and get its answer."]
    if agent.description:
        said.append(f"What the agent says of itself: {agent.description.rstrip('.')}.")
    said.append("It sees nothing but the message: tell it all that it has to know.")
    takes: Json = {"message": {**_TEXT, "minLength": 1, "description": "What to say to the agent."}}
    gives: Json = {"response": {**_TEXT, "description": "What the agent answered."}}
    if agent.keeps:
        said.append("To go on with a conversation, give the conversation_id of its last answer.")
        takes["conversation_id"] = {
            **_TEXT,
            "description": "The conversation to go on with; a new one begins without it.",
        }
        gives["conversation_id"] = {**_TEXT, "description": "What to give to go on with it."}
    else:
        said.append("It remembers nothing of earlier calls.")
    return {
        "name": CHAT,
        "title": f"Chat with {agent.name}",
        "description": " ".join(said),
        "inputSchema": _build_object(takes, ["message"]),
        "outputSchema": _build_object(gives, [*gives]),
        # Tools of the agent's may change or delete whatever its owner lets them: a client that
        # asks before such calls is right to ask.
        "annotations": {
            "readOnlyHint": False,
            "destructiveHint": True,
            "idempotentHint": False,
            "openWorldHint": True,
        },
    }


def _build_list(agent: AgentBrief) -> Json:
    row = {
        "id": {**_TEXT, "description": "What chat takes as conversation_id."},
        "title": _TEXT,
        "changed_at": {**_TEXT, "format": "date-time"},
    }
    rows = {"type": "array", "items": _build_object(row, [*row])}
    limit = {
        "type": "integer",
        "minimum": 1,
        "maximum": _MOST_LISTED,
        "default": _USUALLY_LISTED,
        "description": "How many at most.",
    }
    return {
        "name": LIST,
        "title": f"Conversations with {agent.name}",
        "description": f"List the conversations with the agent {agent.name}, the newest first.",
        "inputSchema": _build_object({"limit": limit}, []),
        "outputSchema": _build_object({"conversations": rows}, ["conversations"]),
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    }


def _build_object(properties: Json, required: Sequence[str]) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": [*required],
        "additionalProperties": False,
    }


def parse_chat(arguments: Mapping[str, Any], agent: str, id_: str) -> Asked:
    """Read what `chat` is called with; `id_` is the call's own. Raises `Rejection`."""
    _parse(arguments, ("message", "conversation_id"))
    return replace(native.parse_asked(json.dumps(arguments).encode(), agent), id=id_)


def parse_limit(arguments: Mapping[str, Any]) -> int:
    """Read how many conversations are to be listed. Raises `Rejection`."""
    limit = _parse(arguments, ("limit",)).get("limit")
    return limit.read_count(_MOST_LISTED) or _USUALLY_LISTED


def _parse(arguments: Mapping[str, Any], known: Sequence[str]) -> Field:
    fields = parse_body(json.dumps(arguments).encode())
    for name in fields.read_map():
        if name not in known:
            shown = Field(name).shown
            raise fields.refuse(f"there is no argument {shown}; known are: {', '.join(known)}")
    return fields


def build_answer(text: str, conversation_id: str) -> Json:
    """Build the result of `chat`; "" for a conversation that cannot be gone on with.

    Many clients show their model nothing but the text, so that the id is there as well.
    """
    if not conversation_id:
        return _build_result(text, {"response": text})
    result = _build_result(text, {"response": text, "conversation_id": conversation_id})
    result["content"].append(_build_text(f"conversation_id: {conversation_id}"))
    return result


def build_list(conversations: Sequence[ConversationBrief]) -> Json:
    """Build the result of `list_conversations`."""
    rows = [
        {"id": one.id, "title": one.title, "changed_at": format_timestamp(one.changed_at)}
        for one in conversations
    ]
    given = {"conversations": rows}
    return _build_result(json.dumps(given, ensure_ascii=False), given)


def build_failure(sentence: str) -> Json:
    """Build the result of a call that failed, for the model to read."""
    return {"content": [_build_text(sentence)], "isError": True}


def _build_result(text: str, given: Json) -> Json:
    return {"content": [_build_text(text)], "structuredContent": given}


def _build_text(text: str) -> Json:
    return {"type": "text", "text": text}
