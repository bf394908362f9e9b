"""Whether what a client sends along is a conversation that is kept here, as the client saw it.

A client tells with each request all that was said, as far as it knows: of an answer for which the
agent's own tools ran, it has seen neither their calls nor their results, and the texts around them
as one (`answer.VisibleText`), or the last of them alone. Everything else is compared as it is.
White space around a text is not: some clients drop it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

from hiveloom_cli.protocols.arguments import parse_arguments
from hiveloom_cli.protocols.history import list_calls
from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hiveloom_cli.protocols.message import Message, Part, Role

_Call: TypeAlias = tuple[str, str]  # its id and the name of its tool: ids alone may come again


@dataclass(slots=True)
class _Seen:
    """What a client sees of one side's turn: texts, and beside them what is no text."""

    role: Role
    texts: list[str] = field(default_factory=list)
    others: list[object] = field(default_factory=list)

    def add(self, message: Message, others: list[object]) -> None:
        self.texts.append(message.text)
        self.others += others

    @property
    def versions(self) -> frozenset[str]:
        """The ways in which the text may have been told."""
        joined = "\n\n".join(filter(None, self.texts))
        return frozenset((joined.strip(), self.texts[-1].strip()))


def says_the_same(sent: Sequence[Message], kept: Sequence[Message]) -> bool:
    """Whether a client that sends `sent` has seen `kept`, all of it and nothing else."""
    known = {(call.id, call.name) for message in sent for call in list_calls(message)}
    pairs = zip_longest(_fold_seen(sent, known), _fold_seen(kept, known))
    return all(_is_same(one, other) for one, other in pairs)


def _is_same(sent: _Seen | None, kept: _Seen | None) -> bool:
    if sent is None or kept is None:
        return False
    same = sent.role == kept.role and sent.others == kept.others
    return same and bool(sent.versions & kept.versions)


def _fold_seen(messages: Sequence[Message], known: set[_Call]) -> Iterator[_Seen]:
    """Yield what is seen where no calls are but those that are `known`."""
    turn: _Seen | None = None
    calls: set[str] = set()  # the ids of the last answer's calls that are seen
    for message in messages:
        others = [one for part in message.parts for one in _list_others(part, known, calls)]
        if message.role == "user" and not others and not _has_text(message):
            continue  # results of the agent's own tools: the answer goes on after them
        if message.role == "assistant":
            calls = {call.id for call in list_calls(message) if (call.id, call.name) in known}
        if turn is None or turn.role != message.role:
            if turn is not None:
                yield turn
            turn = _Seen(message.role)
        turn.add(message, others)
    if turn is not None:
        yield turn


def _has_text(message: Message) -> bool:
    return any(isinstance(part, TextPart) for part in message.parts)


def _list_others(part: Part, known: set[_Call], calls: set[str]) -> list[object]:
    match part:
        case ToolCall(id_, name, arguments) if (id_, name) in known:
            # One format sends them back as they were, another written anew.
            return [(id_, name, parse_arguments(arguments))]
        case ToolResult(call_id) if call_id in calls:
            return [part]
        case ImagePart() | DocumentPart() | TextFilePart():
            return [part]
        case _:
            return []
