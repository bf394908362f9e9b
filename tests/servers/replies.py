"""An upstream's reply with text and two tool calls, in either protocol."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.upstream import json_reply, stream_reply
from tests.support.wire import (
    ANTHROPIC_USAGE,
    OPENAI_USAGE,
    anthropic_event,
    anthropic_reply,
    anthropic_stream,
    encode_json,
    openai_chunk,
    openai_reply,
    split_text,
    sse,
)

if TYPE_CHECKING:
    from tests.support.upstream import Reply

TEXT = "Let me look."
ARGUMENTS = {"city": "Zürich", "days": 3}
_WRITTEN = json.dumps(ARGUMENTS, ensure_ascii=False)
_NAME = "get_weather"


def build_call(protocol: str, *, stream: bool) -> Reply:
    """Build a reply that says `TEXT` and calls get_weather twice, both times with `ARGUMENTS`."""
    if protocol == "openai":
        return stream_reply(_stream_openai()) if stream else json_reply(_build_openai())
    return stream_reply(_stream_anthropic()) if stream else json_reply(_build_anthropic())


def _build_openai() -> bytes:
    reply = json.loads(openai_reply(TEXT, finish_reason="tool_calls"))
    function = {"name": _NAME, "arguments": _WRITTEN}
    reply["choices"][0]["message"]["tool_calls"] = [
        {"id": f"call_{place}", "type": "function", "function": function} for place in range(2)
    ]
    return encode_json(reply)


def _stream_openai() -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": TEXT}]
    for place in range(2):
        function = {"name": _NAME, "arguments": ""}
        call = {"index": place, "id": f"call_{place}", "type": "function", "function": function}
        deltas.append({"tool_calls": [call]})
        deltas += [
            {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}
            for piece in split_text(_WRITTEN)
        ]
    chunks = [openai_chunk(delta) for delta in deltas]
    last = [openai_chunk(finish_reason="tool_calls"), openai_chunk(choices=[], usage=OPENAI_USAGE)]
    return [*chunks, *last, sse("[DONE]")]


def _build_anthropic() -> bytes:
    reply = json.loads(anthropic_reply(TEXT, stop_reason="tool_use"))
    reply["content"] += [
        {"type": "tool_use", "id": f"toolu_{place}", "name": _NAME, "input": ARGUMENTS}
        for place in range(2)
    ]
    return encode_json(reply)


def _stream_anthropic() -> list[bytes]:
    events = anthropic_stream(TEXT, stop_reason=None, stop=False)
    for place in range(2):
        index = place + 1
        start = {"type": "tool_use", "id": f"toolu_{place}", "name": _NAME, "input": {}}
        events.append(anthropic_event("content_block_start", index=index, content_block=start))
        events += [
            anthropic_event(
                "content_block_delta",
                index=index,
                delta={"type": "input_json_delta", "partial_json": piece},
            )
            for piece in split_text(_WRITTEN)
        ]
        events.append(anthropic_event("content_block_stop", index=index))
    delta = {"stop_reason": "tool_use", "stop_sequence": None}
    events.append(anthropic_event("message_delta", delta=delta, usage=ANTHROPIC_USAGE))
    return [*events, anthropic_event("message_stop")]
