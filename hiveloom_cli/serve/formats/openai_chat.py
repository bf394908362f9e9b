"""OpenAI Chat Completions from the server's side (a `WireFormat`).

Shapes follow `ChatCompletion`, `ChatCompletionChunk` and `Model` of the official SDK;
`reasoning_content` is what many servers and clients have beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.chat.event import ToolEnded, TurnEnded
from hiveloom_cli.protocols.event import ReasoningDelta, ThoughtEnded
from hiveloom_cli.serve.formats.answer import (
    PartedText,
    VisibleText,
    begins_answer,
    decide_reason,
    find_end,
    list_shown_calls,
)
from hiveloom_cli.serve.formats.failure import explain_failure, find_status
from hiveloom_cli.serve.formats.openai_request import parse_asked
from hiveloom_cli.serve.formats.wire_format import COMMENT, Stamp, format_event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.message import ToolCall
    from hiveloom_cli.serve.asked import AgentBrief, Asked, Rejection

__all__ = ["StreamFold", "build_error", "build_model", "build_models", "build_reply", "parse_asked"]
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_GENERAL_CODE = "invalid_request_error"  # it is a type here, and says no more than that


def build_reply(events: Sequence[Event], asked: Asked, stamp: Stamp) -> dict[str, Any]:
    """See `WireFormat.build_reply`."""
    ended, pieces = find_end(events), _Pieces(asked)
    said: dict[str, list[str]] = {}
    for event in events:
        for field, text in pieces.take(event).items():
            said.setdefault(field, []).append(text)
    calls = list_shown_calls(ended, asked)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if calls else "",
        "refusal": None,
        **{field: "".join(texts) for field, texts in said.items()},
    }
    if calls:
        message["tool_calls"] = [_build_call(call) for call in calls]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": decide_reason(ended, asked).value,
    }
    reply = _build_object("chat.completion", asked, stamp) | {"choices": [choice]}
    return reply if ended.usage is None else reply | {"usage": _build_usage(ended.usage)}


class _Pieces:
    """The pieces of an answer, each under the name of its field."""

    def __init__(self, asked: Asked) -> None:
        self._text = VisibleText(asked)
        self._thoughts = PartedText()

    def take(self, event: Event) -> dict[str, str]:
        """Return what an event adds; nothing is left out, so that a client may join the pieces."""
        match event:
            case ReasoningDelta(text):
                return {"reasoning_content": self._thoughts.add(text)}
            case ThoughtEnded() | ToolEnded():
                self._thoughts.part()
        text = self._text.take(event)
        return {"content": text} if text else {}


class StreamFold:
    """A stream of chunks (a `StreamFold`): the role first, the usage if asked for, `[DONE]`."""

    def __init__(self, asked: Asked, stamp: Stamp) -> None:
        self._asked = asked
        self._stamp = stamp
        self._pieces = _Pieces(asked)
        self._has_begun = False

    def feed(self, event: Event) -> Iterator[bytes]:
        """See `StreamFold.feed`."""
        if not self._has_begun:
            if not begins_answer(event):
                return
            self._has_begun = True
            yield self._build_delta({"role": "assistant", "content": "", "refusal": None})
        if added := self._pieces.take(event):
            yield self._build_delta(added)
        if isinstance(event, TurnEnded):
            yield from self._end(event)

    def keep_alive(self) -> Iterator[bytes]:
        """See `StreamFold.keep_alive`."""
        yield COMMENT

    def fail(self, error: HiveloomError | Rejection) -> Iterator[bytes]:
        """See `StreamFold.fail`; without `[DONE]` nobody takes the answer for a whole one."""
        status, code = find_status(error)
        yield format_event(build_error(status, explain_failure(error), code, self._stamp))

    def _end(self, ended: TurnEnded) -> Iterator[bytes]:
        for index, call in enumerate(list_shown_calls(ended, self._asked)):
            yield self._build_delta({"tool_calls": [{"index": index, **_build_call(call)}]})
        yield self._build_delta({}, decide_reason(ended, self._asked).value)
        if self._asked.include_usage and ended.usage is not None:
            yield self._build_chunk([], _build_usage(ended.usage))
        yield b"data: [DONE]\n\n"

    def _build_delta(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._build_chunk([choice], None)

    def _build_chunk(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None) -> bytes:
        chunk = _build_object("chat.completion.chunk", self._asked, self._stamp)
        chunk["choices"] = choices
        if self._asked.include_usage:
            chunk["usage"] = usage  # once asked for, every chunk has the field
        return format_event(chunk)


def build_error(status: int, message: str, code: str, stamp: Stamp) -> dict[str, Any]:
    """See `WireFormat.build_error`; this format has a request's id in a header only."""
    del stamp
    kind = "server_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")
    known = None if code == _GENERAL_CODE else code
    return {"error": {"message": message, "type": kind, "param": None, "code": known}}


def build_models(agents: Sequence[AgentBrief]) -> dict[str, Any]:
    """See `WireFormat.build_models`: clients know agents as models."""
    return {"object": "list", "data": [build_model(agent) for agent in agents]}


def build_model(agent: AgentBrief) -> dict[str, Any]:
    """See `WireFormat.build_model`."""
    return {"id": agent.name, "object": "model", "created": 0, "owned_by": "hiveloom"}


def _build_object(kind: str, asked: Asked, stamp: Stamp) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{stamp.id}",
        "object": kind,
        "created": int(stamp.made_at.timestamp()),
        "model": asked.agent,
    }


def _build_call(call: ToolCall) -> dict[str, Any]:
    # Some upstreams write nothing for no arguments, which no client can read as JSON.
    function = {"name": call.name, "arguments": call.arguments.strip() or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _build_usage(usage: Usage) -> dict[str, Any]:
    prompt, completion = usage.input_tokens or 0, usage.output_tokens or 0
    built: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if usage.cached_input_tokens is not None:
        built["prompt_tokens_details"] = {"cached_tokens": usage.cached_input_tokens}
    return built
