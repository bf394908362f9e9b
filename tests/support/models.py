"""Upstreams with a list of models, which look at the key or do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.upstream import (
    Reply,
    Script,
    json_reply,
    openai_error,
    openai_reply,
)

if TYPE_CHECKING:
    from tests.support.upstream import RecordedRequest


def list_reply(value: Any) -> Reply:
    """Build a reply that holds a list of models."""
    return json_reply(json.dumps(value).encode())


def serve_models(value: Any, *, key: str | None = None) -> Script:
    """Answer with the list `value`, and a chat with one word; without the right `key`, with 401.

    A `key` of None is a server that shows its list to anyone, and takes "right" alone in chats.
    """

    def answer(request: RecordedRequest) -> Reply:
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.method == "GET":
            refused = key is not None and sent != key
            return _refuse() if refused else list_reply(value)
        return json_reply(openai_reply("H")) if sent == (key or "right") else _refuse()

    return answer


def _refuse() -> Reply:
    return json_reply(openai_error("Incorrect API key provided"), status=401)
