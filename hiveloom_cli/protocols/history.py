"""A conversation made fit for a request: turns that alternate, each tool call with its result.

Both protocols refuse a history whose calls and results do not pair ("`tool_use` ids were found
without `tool_result` blocks immediately after", "an assistant message with 'tool_calls' must be
followed by tool messages"), and one such turn would spoil every request after it. Interrupted
turns, deleted ones and shortened histories all lead there.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
)
from hiveloom_cli.protocols.text_file import write_out_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_PARTS_OF = {
    "user": (TextPart, ImagePart, DocumentPart, TextFilePart, ToolResult),
    "assistant": (TextPart, ReasoningPart, OpaquePart, ToolCall),
}
_ABORTED = "aborted"
_STRAY = "The result of an earlier tool call:"


def fit_history(
    messages: Iterable[Message], keep: Callable[[Message, Part], bool]
) -> tuple[Message, ...]:
    """Keep the parts that `keep` wants and that suit their role; drop turns that say nothing.

    Text files become text. An assistant turn needs text, a tool call or an opaque part: one that
    only thought is refused.
    """
    fitted = (_fit_message(message, keep) for message in messages)
    return pair_tool_calls(message for message in fitted if _says_something(message))


def pair_tool_calls(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Give every tool call exactly one result, directly after it; turns alternate afterwards.

    The results lead the user's turn, in the order of the calls. A call without a result gets one
    that says "aborted", a result without a call becomes text. Neighbours of one role are merged.
    """
    paired: list[Message] = []
    for turn in _merge_turns(messages):
        calls = list_calls(paired[-1]) if paired else ()
        paired.append(_answer_calls(turn, calls) if turn.role == "user" else turn)
    if paired and (calls := list_calls(paired[-1])):
        paired.append(_answer_calls(Message("user", ()), calls))
    return tuple(paired)


def list_calls(message: Message) -> tuple[ToolCall, ...]:
    """List the tool calls of a message, in their order."""
    return tuple(part for part in message.parts if isinstance(part, ToolCall))


def _fit_message(message: Message, keep: Callable[[Message, Part], bool]) -> Message:
    suitable = _PARTS_OF[message.role]
    parts = (part for part in message.parts if isinstance(part, suitable) and keep(message, part))
    return replace(message, parts=write_out_files(parts))


def _says_something(message: Message) -> bool:
    if message.role == "user":
        return bool(message.parts)
    if message.text.strip():
        return True
    return any(isinstance(part, ToolCall | OpaquePart) for part in message.parts)


def _merge_turns(messages: Iterable[Message]) -> Iterator[Message]:
    """Merge neighbours of one role: strict chat templates want roles to alternate."""
    for role, neighbours in groupby(messages, key=lambda message: message.role):
        turns = list(neighbours)
        if len(turns) == 1:
            yield turns[0]
        elif role == "user":
            yield replace(turns[0], parts=_join_said(turn.parts for turn in turns))
        else:
            # Each goes on where the one before it paused: nothing stands between them.
            yield replace(turns[-1], parts=tuple(part for turn in turns for part in turn.parts))


def _join_said(goes: Iterable[tuple[Part, ...]]) -> tuple[Part, ...]:
    """Join what was said in several goes; two texts that meet are kept apart by a blank line."""
    results: list[Part] = []
    said: list[Part] = []
    for parts in goes:
        more_results, more = _split_results(parts)
        results += more_results
        match (*said[-1:], *more[:1]):
            case (TextPart(one), TextPart(other)) if one and other:
                said[-1], more = TextPart(f"{one}\n\n{other}"), more[1:]
        said += more
    return (*results, *said)


def _split_results(parts: tuple[Part, ...]) -> tuple[tuple[ToolResult, ...], tuple[Part, ...]]:
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    return results, tuple(part for part in parts if not isinstance(part, ToolResult))


def _answer_calls(turn: Message, calls: tuple[ToolCall, ...]) -> Message:
    found, said = _split_results(turn.parts)
    results = list(found)
    answers = []
    for call in calls:
        answer = next((result for result in results if result.call_id == call.id), None)
        if answer is not None:
            results.remove(answer)
        answers.append(answer or ToolResult(call.id, _ABORTED, is_error=True))
    strays = [(TextPart(f"{_STRAY}\n{stray.content}"),) for stray in results]
    return replace(turn, parts=(*answers, *_join_said([*strays, said])))
