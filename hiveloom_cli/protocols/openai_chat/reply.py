"""Read a Chat Completions reply, streamed or whole.

Source: OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse`; the deviations are what
compatible servers were seen to send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import AnswerEmpty, ReplyNotUnderstood, StreamCutShort
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    ReplyEnded,
    ReplyEvent,
    ToolCallReady,
    Usage,
    UsageReported,
)
from hiveloom_cli.protocols.faults import is_error, parse_error_event
from hiveloom_cli.protocols.lookup import get_count, get_list, get_map, get_text
from hiveloom_cli.protocols.message import Message, Part, ReasoningPart, TextPart
from hiveloom_cli.protocols.openai_chat.reasoning_draft import ReasoningDraft
from hiveloom_cli.protocols.openai_chat.thinking import ThoughtSplitter
from hiveloom_cli.protocols.openai_chat.tool_calls import ToolCallDrafts
from hiveloom_cli.protocols.text import SurrogateJoiner, repair_text

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
# The reasoning's field when it came inside the content: as Mistral's blocks, or between tags.
IN_BLOCKS = "content"
IN_TAGS = "think"


class ChatCompletionFold:
    """What a Chat Completions reply has said so far (a `ReplyFold`)."""

    def __init__(self) -> None:
        self._splitter = ThoughtSplitter()
        self._reasoning = ReasoningDraft()
        self._calls = ToolCallDrafts()
        self._usage: Usage | None = None
        self._raw_reason = ""
        self._stop = ""
        self._refused = False
        self._ended = False
        self._text_joiner = SurrogateJoiner()
        self._reasoning_joiner = SurrogateJoiner()

    def take_event(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read one chunk; `choices` may be absent, null or empty, and so may everything in it.

        Raises `UpstreamRefused` for the error that Groq hides in a field of its own.
        """
        groq = get_map(value, "x_groq")
        if is_error(groq):
            raise parse_error_event(groq)
        for choice in get_list(value, "choices")[:1]:
            yield from self._take_delta(get_map(choice, "delta") or get_map(choice, "message"))
            # The first reason counts: a usage chunk after it may carry null or the same again.
            self._raw_reason = self._raw_reason or repair_text(get_text(choice, "finish_reason"))
            self._stop = self._stop or repair_text(get_text(choice, "stop_reason"))  # vLLM's
        yield from self._take_usage(get_map(value, "usage") or get_map(groq, "usage"))

    def take_done(self) -> Iterator[ReplyEvent]:
        """`[DONE]` ends the reply, if it has said why it ended."""
        yield from self.close()

    def take_whole(self, value: dict[str, Any]) -> Iterator[ReplyEvent]:
        """Read a single chunk whose delta is called `message`; it is complete as it is.

        Raises `AnswerEmpty` if no choice came, which passes, and `ReplyNotUnderstood` if the JSON
        knows nothing of choices.
        """
        value = _find_completion(value)
        if is_error(value):
            raise parse_error_event(value)
        if "choices" not in value:
            raise ReplyNotUnderstood(
                "the upstream sent JSON that is no answer to a chat",
                hint="check the base URL: it must be the API's, often ending in /v1",
            )
        if not get_list(value, "choices"):
            raise AnswerEmpty("the upstream sent a reply without an answer", hint="ask again")
        yield from self.take_event(value)
        self._raw_reason = self._raw_reason or "stop"
        yield from self.close()

    def close(self) -> Iterator[ReplyEvent]:
        """End the reply: a finish reason makes it complete, `[DONE]` may be missing."""
        if self._ended:
            return
        calls = self._calls.build()
        yield from self._say_reasoning(self._reasoning_joiner.close())
        yield from self._splitter.feed(self._text_joiner.close())
        yield from self._splitter.close(has_calls=bool(calls), cut=not self._raw_reason)
        if not self._raw_reason:
            raise StreamCutShort("the upstream's answer ended in the middle", hint="ask again")
        self._ended = True
        reason = self._decide_reason(has_calls=bool(calls))
        if reason is FinishReason.STOP:
            yield from self._splitter.take_as_text()
        if reason is FinishReason.TOOL_CALLS:
            for call in calls:
                yield ToolCallReady(call)
        message = self.build_message(complete=True)
        yield ReplyEnded(message, reason, self._raw_reason, stop=self._stop)

    def build_message(self, *, complete: bool) -> Message:
        """See `ReplyFold.build_message`."""
        parts: list[Part] = []
        if reasoning := self._reasoning.build():
            parts.append(reasoning)
        if thought := self._splitter.thought:
            parts.append(ReasoningPart(thought, field=IN_TAGS))
        if text := self._splitter.text:
            parts.append(TextPart(text))
        parts += self._calls.build()
        return Message("assistant", tuple(parts), complete=complete)

    def _take_delta(self, delta: dict[str, Any]) -> Iterator[ReplyEvent]:
        yield from self._say_reasoning(self._reasoning_joiner.feed(self._reasoning.take(delta)))
        yield from self._take_content(delta.get("content"))
        if refusal := get_text(delta, "refusal"):
            self._refused = True
            yield from self._splitter.feed(self._text_joiner.feed(refusal))
        for fragment in get_list(delta, "tool_calls"):
            self._calls.take(fragment)

    def _take_content(self, content: Any) -> Iterator[ReplyEvent]:
        if isinstance(content, str):
            yield from self._splitter.feed(self._text_joiner.feed(content))
        elif isinstance(content, list):  # Mistral's blocks
            for block in content:
                text = block if isinstance(block, str) else get_text(block, "text")
                yield from self._splitter.feed(self._text_joiner.feed(text))
                if thinking := _parse_thinking(block):
                    joined = self._reasoning_joiner.feed(thinking)
                    yield from self._say_reasoning(joined, IN_BLOCKS)

    def _say_reasoning(self, text: str, field: str = "") -> Iterator[ReplyEvent]:
        if text:
            self._reasoning.add(text, field)
            yield ReasoningDelta(text)

    def _take_usage(self, usage: dict[str, Any]) -> Iterator[ReplyEvent]:
        # Some send it with every chunk, as the sum so far, or twice in one.
        if usage and (parsed := _parse_usage(usage)) != self._usage:
            self._usage = parsed
            yield UsageReported(parsed)

    def _decide_reason(self, *, has_calls: bool) -> FinishReason:
        if self._refused:
            return FinishReason.CONTENT_FILTER
        reason = _FINISH_REASONS.get(self._raw_reason, FinishReason.OTHER)
        if reason is FinishReason.STOP and has_calls:
            return FinishReason.TOOL_CALLS  # a forced call ends with "stop"
        return reason


def open_fold() -> ChatCompletionFold:
    """Open what one reply is read into."""
    return ChatCompletionFold()


def _find_completion(value: dict[str, Any]) -> dict[str, Any]:
    # OpenRouter was seen to nest the whole completion under the name of who provides it.
    inner = get_map(value, "provider")
    return inner if "choices" in inner and not get_list(value, "choices") else value


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
