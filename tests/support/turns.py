"""Turns as a server of agents reads them, for the wire formats that it writes them in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from hiveloom_cli.chat.event import ToolEnded, ToolStarted, TurnEnded
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ThoughtEnded,
    Usage,
)
from hiveloom_cli.protocols.message import Message, ReasoningPart, TextPart, ToolCall, ToolResult
from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.serve.asked import Asked
from hiveloom_cli.serve.formats.wire_format import Stamp
from hiveloom_cli.upstream.event import RetryWaiting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.serve.formats.wire_format import WireFormat

STAMP = Stamp("01abc", datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC), "01def")
QUESTION = Message("user", (TextPart("What time is it?"),))
CLOCK_TOOL = ToolDefinition("tell_time", "Tell the time.", {"type": "object", "properties": {}})
ASKED = Asked("helper", (QUESTION,), tools=(CLOCK_TOOL,), stream=True, include_usage=True)
OWN_CALL = ToolCall("own_1", "look_up", "{}")
THEIR_CALL = ToolCall("call_1", "tell_time", '{"zone": "UTC"}')
USAGE = Usage(7, 5, 2)

# No "<": a reader of Chat Completions takes what stands between tags for a thought.
_letters = st.characters(codec="utf-8", exclude_characters="<")
_texts = st.text(_letters, min_size=1, max_size=20)
_answers = _texts.filter(lambda text: bool(text.strip()))
_calls = st.lists(
    st.builds(
        ToolCall,
        st.uuids().map(str),
        st.just("tell_time"),
        st.dictionaries(_texts, _texts | st.integers(), max_size=3).map(
            lambda arguments: json.dumps(arguments, ensure_ascii=False)
        ),
    ),
    max_size=3,
)
_thoughts = st.builds(
    lambda text, signature: ThoughtEnded(
        ReasoningPart(
            text,
            "thinking",
            json.dumps({"type": "thinking", "thinking": text, "signature": signature}),
            "anthropic https://api.example m",
        )
    ),
    st.just("") | _texts,
    st.just("") | _texts,
) | st.just(
    ThoughtEnded(ReasoningPart("", "redacted_thinking", '{"data": "abc"}', "anthropic http://a m"))
)
_usages = st.builds(Usage, st.integers(9, 99), st.integers(0, 99), st.integers(0, 9))


def build_end(
    *parts: TextPart | ToolCall | ReasoningPart,
    reason: FinishReason = FinishReason.STOP,
    usage: Usage | None = USAGE,
) -> TurnEnded:
    """Build the end of a turn whose answer has these parts."""
    return TurnEnded(Message("assistant", parts), reason, usage, usage)


def build_said(*parts: TextPart | ToolCall | ReasoningPart, **end: Any) -> list[Event]:
    """Build the events of a turn whose answer has these parts, each of which comes at once."""
    said: list[Event] = []
    for part in parts:
        match part:
            case TextPart(text):
                said.append(TextDelta(text))
            case ReasoningPart(text, _, wire):
                said += [ReasoningDelta(text)] * bool(text)
                said += [ThoughtEnded(part)] * bool(wire)
    return [*said, build_end(*parts, **end)]


def build_turn(text: str = "It is noon.", **end: Any) -> list[Event]:
    """Build the events of a turn that says a text, in pieces of four letters."""
    pieces = [text[start : start + 4] for start in range(0, len(text), 4)]
    return [*map(TextDelta, pieces), build_end(TextPart(text), **end)]


def build_tool_turn() -> list[Event]:
    """Build a turn in which the agent runs a tool of its own between two texts."""
    return [
        TextDelta("I look it up."),
        ToolStarted(OWN_CALL),
        ToolEnded(OWN_CALL, ToolResult("own_1", "noon")),
        TextDelta("It is "),
        TextDelta("noon."),
        build_end(TextPart("It is noon.")),
    ]


@st.composite
def draw_turns(draw: st.DrawFn, *, thoughts: bool = True) -> list[Event]:
    """Draw the events of a turn of one round: thoughts, text, calls of the client's tools."""
    thought = draw(st.lists(_texts, max_size=3)) if thoughts else []
    calls = draw(_calls)
    text = draw(st.lists(_answers, min_size=0 if calls else 1, max_size=4))
    parts: list[Any] = [ReasoningPart("".join(thought), "reasoning_content")] if thought else []
    parts += [TextPart("".join(text))] if text else []
    reasons = [FinishReason.STOP, FinishReason.LENGTH]
    reason = FinishReason.TOOL_CALLS if calls else draw(st.sampled_from(reasons))
    end = build_end(*parts, *calls, reason=reason, usage=draw(_usages))
    return [*map(ReasoningDelta, thought), *map(TextDelta, text), end]


@st.composite
def draw_rounds(draw: st.DrawFn) -> list[Event]:
    """Draw the events of a turn of any rounds: the agent's tools run between them."""
    events: list[Event] = []
    for _ in range(draw(st.integers(0, 3))):
        *said, _ = draw(draw_turns())
        events += said + draw(st.lists(_thoughts, max_size=2))
        events += [RetryWaiting("busy", 0.1, 1, 2)] * draw(st.integers(0, 1))
        events += [ToolStarted(OWN_CALL), ToolEnded(OWN_CALL, ToolResult("own_1", "noon"))]
    return [*events, *draw(st.lists(_thoughts, max_size=2)), *draw(draw_turns())]


def write_stream(wire: WireFormat, events: Iterable[Event], asked: Asked = ASKED) -> bytes:
    """Write a turn as a stream."""
    fold = wire.StreamFold(asked, STAMP)
    return b"".join(piece for event in events for piece in fold.feed(event))


def read_events(stream: bytes) -> list[dict[str, Any]]:
    """Read the data of a stream's events, `[DONE]` left out."""
    lines = [line for line in stream.decode().split("\n") if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def find_end(events: list[Event]) -> TurnEnded:
    """Return a turn's last event."""
    end = events[-1]
    assert isinstance(end, TurnEnded)
    return end


def describe_turn(events: list[Event], *, thoughts: bool = True) -> list[dict[str, Any]]:
    """Describe what a client's reader has to see of a turn, as `tests.support.replies` does."""
    end = find_end(events)
    usage = end.usage
    calls = [part for part in end.message.parts if isinstance(part, ToolCall)]
    reasoning = "".join(one.text for one in events if isinstance(one, ReasoningDelta))
    return [
        *([{"reasoning": reasoning}] if reasoning and thoughts else []),
        *([{"text": end.message.text}] if end.message.text else []),
        *({"tool_call": [call.id, call.name, call.arguments]} for call in calls),
        *(
            [{"usage": [usage.input_tokens, usage.output_tokens, usage.cached_input_tokens]}]
            if usage
            else []
        ),
        {"ended": end.finish_reason.value},
    ]


def summarise(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the pieces of what a client's reader saw; reports of usage count by the last."""
    kinds = ("reasoning", "text")
    joined = [{kind: "".join(one.get(kind, "") for one in seen)} for kind in kinds]
    usages = [one for one in seen if "usage" in one][-1:]
    return [
        *(one for one in joined if any(one.values())),
        *(one for one in seen if "tool_call" in one),
        *usages,
        *({"ended": one["ended"]} for one in seen if "ended" in one),
        *(one for one in seen if "error" in one),
    ]
