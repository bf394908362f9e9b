"""Ids and names of tool calls, made fit for the upstream that a history is sent to.

A history may hold calls that several models made. Each upstream has its own rule for ids: Anthropic
takes `[a-zA-Z0-9_-]+`, OpenAI 64 characters at most, Mistral nine alphanumerics. Some give ids that
repeat from turn to turn, or none. A call and its result must keep the same id, and no id may mean
two calls.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hiveloom_cli.protocols.history import pair_tool_calls
from hiveloom_cli.protocols.lookup import get_list, get_text
from hiveloom_cli.protocols.message import Message, Part, ToolCall, ToolResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")


class _CallIds:
    """The ids that a history has used; `open` are those of the latest turn, results pending."""

    def __init__(self, fits: Callable[[str], bool], length: int) -> None:
        self._fits = fits
        self._length = length
        self._taken: set[str] = set()
        self._open: list[str] = []

    def begin_turn(self) -> None:
        self._open = []

    def take_call(self, call_id: str) -> str:
        """Return the id that a call gets: its own if it fits and is free, else one made of it."""
        chosen, attempt = call_id, 0
        while chosen in self._taken or not (attempt or self._fits(chosen)):
            # A digest, so that the same history gives the same bytes: an upstream's cache lives on.
            seed = f"{attempt}:{call_id}".encode("utf-8", "surrogatepass")
            chosen = hashlib.sha256(seed).hexdigest()[: self._length]
            attempt += 1
        self._taken.add(chosen)
        self._open.append(chosen)
        return chosen

    def take_result(self, call_id: str) -> str:
        """Return the id of a result: paired, the results follow their calls in the same order."""
        return self._open.pop(0) if self._open else call_id


def rewrite_call_ids(
    messages: Iterable[Message], fits: Callable[[str], bool], length: int
) -> tuple[Message, ...]:
    """Pair calls and results, and give each pair an id that `fits` and that no other pair has.

    An id made up here has `length` (64 at most) lower-case hexadecimal digits, which must fit. A
    history that grows keeps the ids of its beginning.
    """
    ids = _CallIds(fits, length)
    return tuple(_rewrite_message(message, ids) for message in pair_tool_calls(messages))


def rewrite_body_ids(
    body: dict[str, Any], fits: Callable[[str], bool], length: int
) -> dict[str, Any]:
    """Do the same for the body of a Chat Completions request, whose calls are paired already."""
    ids = _CallIds(fits, length)
    messages = []
    for message in get_list(body, "messages"):
        rewritten = dict(message)
        if message["role"] == "tool":
            rewritten["tool_call_id"] = ids.take_result(get_text(message, "tool_call_id"))
        elif calls := get_list(message, "tool_calls"):
            ids.begin_turn()
            rewritten["tool_calls"] = [{**call, "id": ids.take_call(call["id"])} for call in calls]
        messages.append(rewritten)
    return {**body, "messages": messages}


def fit_name(name: str, length: int) -> str:
    """Make a tool's name one that upstreams take; a model may have made up any name at all."""
    return _NOT_IN_NAMES.sub("_", name)[:length] or "_"


def _rewrite_message(message: Message, ids: _CallIds) -> Message:
    if message.role == "assistant":
        ids.begin_turn()
    return replace(message, parts=tuple(_rewrite_part(part, ids) for part in message.parts))


def _rewrite_part(part: Part, ids: _CallIds) -> Part:
    match part:
        case ToolCall():
            return replace(part, id=ids.take_call(part.id))
        case ToolResult():
            return replace(part, call_id=ids.take_result(part.call_id))
        case _:
            return part
