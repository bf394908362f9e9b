"""Read a Chat Completions reply, streamed or whole.

Source: OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse`; the deviations are what
compatible servers were seen to send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import StreamCutShort
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    ReplyEnded,
    ReplyEvent,
    TextDelta,
    ToolCallReady,
    Usage,
    UsageReported,
)
from hiveloom_cli.protocols.lookup import get_count, get_list, get_map, get_text
from hiveloom_cli.protocols.message import Message, Part, ReasoningPart, TextPart
from hiveloom_cli.protocols.openai_chat.tool_calls import ToolCallDrafts
from hiveloom_cli.protocols.text import SurrogateJoiner

if TYPE_CHECKING:
    from collections.abc import Iterator

_FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,  # Together's older models
    "length": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,  # Mistral: the context window is full
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "error": FinishReason.ERROR,
    "insufficient_system_resource": FinishReason.ERROR,  # DeepSeek
}
_REASONING_FIELDS = ("reasoning_content", "reasoning")  # vLLM may send both, with the same text


class ChatCompletionFold:
    """What a Chat Completions reply has said so far (a `ReplyFold`)."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._reasoning_field = ""
        self._calls = ToolCallDrafts()
        self._raw_reason = ""
        self._refused = False
        self._ended = False
        self._text_joiner = SurrogateJoiner()
        self._reasoning_joiner = SurrogateJoiner()

    def take_event(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read one chunk; `choices` may be absent, null or empty, and so may everything in it."""
        for choice in get_list(value, "choices")[:1]:
            yield from self._take_delta(get_map(choice, "delta") or get_map(choice, "message"))
            # The first reason counts: a usage chunk after it may carry null or the same again.
            self._raw_reason = self._raw_reason or get_text(choice, "finish_reason")
        usage = get_map(value, "usage") or get_map(get_map(value, "x_groq"), "usage")
        if usage:
            yield UsageReported(_parse_usage(usage))

    def take_done(self) -> Iterator[ReplyEvent]:
        """`[DONE]` ends the reply, if it has said why it ended."""
        yield from self.close()

    def take_whole(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read a single chunk whose delta is called `message`; it is complete as it is."""
        yield from self.take_event(value)
        self._raw_reason = self._raw_reason or "stop"
        yield from self.close()

    def close(self) -> Iterator[ReplyEvent]:
        """End the reply: a finish reason makes it complete, `[DONE]` may be missing."""
        yield from self._say_text(self._text_joiner.close())
        yield from self._say_reasoning(self._reasoning_joiner.close())
        if not self._raw_reason:
            raise StreamCutShort(
                "the upstream's answer ended in the middle", hint="ask again; what came is kept"
            )
        if self._ended:
            return
        self._ended = True
        reason = self._decide_reason()
        if reason is FinishReason.TOOL_CALLS:
            for call in self._calls.build():
                yield ToolCallReady(call)
        yield ReplyEnded(self.build_message(complete=True), reason, self._raw_reason)

    def build_message(self, *, complete: bool) -> Message:
        """See `ReplyFold.build_message`."""
        parts: list[Part] = []
        if self._reasoning:
            parts.append(ReasoningPart("".join(self._reasoning), field=self._reasoning_field))
        if self._text:
            parts.append(TextPart("".join(self._text)))
        parts += self._calls.build()
        return Message("assistant", tuple(parts), complete=complete)

    def _take_delta(self, delta: dict[str, Any]) -> Iterator[ReplyEvent]:
        for name in _REASONING_FIELDS:
            if text := get_text(delta, name):
                self._reasoning_field = name
                yield from self._say_reasoning(self._reasoning_joiner.feed(text))
                break
        yield from self._take_content(delta.get("content"))
        if refusal := get_text(delta, "refusal"):
            self._refused = True
            yield from self._say_text(self._text_joiner.feed(refusal))
        for fragment in get_list(delta, "tool_calls"):
            self._calls.take(fragment)

    def _take_content(self, content: Any) -> Iterator[ReplyEvent]:
        if isinstance(content, str):
            yield from self._say_text(self._text_joiner.feed(content))
        elif isinstance(content, list):  # Mistral's blocks
            for block in content:
                yield from self._say_text(self._text_joiner.feed(get_text(block, "text")))
                if thinking := _parse_thinking(block):
                    self._reasoning_field = "content"
                    yield from self._say_reasoning(self._reasoning_joiner.feed(thinking))

    def _say_text(self, text: str) -> Iterator[ReplyEvent]:
        if text:
            self._text.append(text)
            yield TextDelta(text)

    def _say_reasoning(self, text: str) -> Iterator[ReplyEvent]:
        if text:
            self._reasoning.append(text)
            yield ReasoningDelta(text)

    def _decide_reason(self) -> FinishReason:
        reason = _FINISH_REASONS.get(self._raw_reason, FinishReason.OTHER)
        if self._refused:
            return FinishReason.CONTENT_FILTER
        if reason is FinishReason.STOP and self._calls.build():
            return FinishReason.TOOL_CALLS  # a forced call ends with "stop"
        return reason


def _parse_thinking(block: Any) -> str:
    if plain := get_text(block, "thinking"):
        return plain
    return "".join(get_text(piece, "text") for piece in get_list(block, "thinking"))


def _parse_usage(usage: dict[str, Any]) -> Usage:
    cached = get_count(get_map(usage, "prompt_tokens_details"), "cached_tokens")
    if cached is None:
        cached = get_count(usage, "prompt_cache_hit_tokens")  # DeepSeek
    return Usage(
        input_tokens=get_count(usage, "prompt_tokens"),
        output_tokens=get_count(usage, "completion_tokens"),
        cached_input_tokens=cached,
    )
