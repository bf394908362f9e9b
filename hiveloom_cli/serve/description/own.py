"""The product's own format as this server takes and gives it."""

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
    build_object,
    build_reply,
    build_text,
    refer,
)
from hiveloom_cli.serve.description.refusals import describe_any_error
from hiveloom_cli.serve.formats import native
from hiveloom_cli.serve.formats.native import LONGEST_ID


def build_request() -> dict[str, Any]:
    """Build the content of a request."""
    plain = {"message": "Hello"}
    return build_body(refer("AgentRequest"), whole=plain, streamed={**plain, "stream": True})


def build_answer() -> dict[str, Any]:
    """Build the response to a request that is answered."""
    events = build_either(
        build_event("text", build_object({"text": build_text(minLength=1)})),
        build_event("reply", refer("AgentReply")),
        build_event("error", describe_any_error(native)),
    )
    return build_reply(
        "The answer, whole or, with `stream`, as server-sent events: the schema is that of each. "
        "`reply` is the last, or `error`.",
        {JSON: refer("AgentReply"), EVENTS: events},
    )


def build_schemas() -> dict[str, Schema]:
    """Build the components that these refer to."""
    conversation = build_text(maxLength=LONGEST_ID)
    told = build_text()
    return {
        "AgentRequest": build_object(
            {"message": build_text(pattern=r"\S", description="What is said; not empty.")},
            {"conversation_id": allow_null(conversation), "stream": build_flag()},
        ),
        "AgentReply": build_object(
            {
                "response": told,
                "conversation_id": {**conversation, "minLength": 1},
                "capabilities_used": {"type": "array", "items": told, "uniqueItems": True},
            }
        ),
        "Agent": build_object({"name": told, "description": told, "model": told}),
        "AgentList": build_object({"agents": {"type": "array", "items": refer("Agent")}}),
    }
