"""The turns of one chat: what a message goes through on its way to the model, and its answer back.

    ceiling → recorder → compaction → runner → model and tools

The recorder keeps the question before anything else: also before earlier messages are summarised to
make room for it, which can take a while.

Whoever shows a chat (one question, an interactive chat, a server) takes its turns from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from hiveloom_cli.chat.compactor import Compactor

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from hiveloom_cli.chat.ceiling import Ceiling
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.recorder import Recorder
    from hiveloom_cli.chat.runner import Model
    from hiveloom_cli.chat.tool_calls import ToolCalls, Tools
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.tools.tool import ToolCard


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Messages that were taken out of a conversation; `rows` are their numbers on disk, if any."""

    messages: tuple[Message, ...]
    rows: tuple[int, ...]


class Turns:
    """Turns that `model` answers. Without a recorder nothing of them is kept.

    `load_window` tells how many tokens a model reads at once, as far as that is known. `tools` are
    what the model may call.
    """

    def __init__(
        self,
        model: Model,
        recorder: Recorder | None = None,
        ceiling: Ceiling | None = None,
        *,
        load_window: Callable[[str], int | None] | None = None,
        tools: Tools | None = None,
    ) -> None:
        keep = recorder.keep_summary if recorder is not None else None
        self._compactor = Compactor(model, load_window, keep)
        self._recorder = recorder
        self._ceiling = ceiling
        self._tools = tools

    @property
    def has_saved(self) -> bool:
        """Whether all that was said so far is on disk."""
        return self._recorder is not None and self._recorder.has_saved

    @property
    def cards(self) -> tuple[ToolCard, ...]:
        """The tools that the model may call."""
        return self._tools.toolbox.cards if self._tools is not None else ()

    def take(self, conversation: Conversation, message: Message) -> Generator[Event]:
        """Ask `message` and yield what happens; see `run_turn` and `Ceiling.watch`."""
        calls = self._begin_calls(conversation)
        turn = self._compactor.run_turn(
            conversation, message, calls, partial(self._check, conversation)
        )
        if self._ceiling is not None:
            turn = self._ceiling.guard(turn, self._is_kept)
        if self._recorder is not None:
            turn = self._recorder.record(conversation, message, turn)
        if self._ceiling is not None:
            turn = self._ceiling.watch(conversation, message, turn)
        return turn

    def _begin_calls(self, conversation: Conversation) -> ToolCalls | None:
        if self._tools is None:
            conversation.tools, conversation.instructions = (), ""
            return None
        from hiveloom_cli.chat.tool_calls import begin_calls

        return begin_calls(self._tools, conversation)

    def _check(self, conversation: Conversation, messages: Sequence[Message]) -> None:
        if self._ceiling is not None:
            self._ceiling.check_next(conversation, messages)

    def _is_kept(self) -> bool:
        return self.has_saved

    def forget(self, conversation: Conversation, said: int) -> Forgotten:
        """Take all but the first `said` messages out; on disk they stay, marked as replaced."""
        messages = tuple(conversation.messages[said:])
        rows = self._recorder.forget(conversation.id, said) if self._recorder else ()
        del conversation.messages[said:]
        if conversation.summary is not None and conversation.summary.messages > said:
            conversation.summary = None  # it tells of what is no longer part of it
        return Forgotten(messages, rows)

    def recall(self, conversation: Conversation, forgotten: Forgotten) -> None:
        """Put back at the end what was forgotten last."""
        if self._recorder is not None:
            self._recorder.recall(conversation.id, forgotten.rows)
        conversation.messages += forgotten.messages

    def fork(self, conversation: Conversation, new_id: str, said: int) -> Conversation:
        """Begin a conversation with the first `said` messages of another, which stays as it is."""
        if self._recorder is not None:
            self._recorder.fork(conversation.id, new_id, said)
        return replace(conversation, id=new_id, messages=conversation.messages[:said])

    def compact(self, conversation: Conversation) -> Generator[Event]:
        """Summarise what was said first because a person asks for it, and yield what happens.

        Ends in a notice, also where it fails or there is nothing to do, and in no `TurnEnded`. It
        is a request like any other to the ceiling, which may raise `CeilingReached`.
        """
        summary = self._compactor.compact(conversation)
        if not conversation.messages:
            return summary
        if self._ceiling is not None:
            summary = self._ceiling.guard(summary, self._is_kept)
        if self._recorder is not None:
            summary = self._recorder.record_summary(conversation, summary)
        if self._ceiling is not None:
            summary = self._ceiling.watch(conversation, None, summary)
        return summary

    def take_problem(self) -> HiveloomError | None:
        """Return what keeps the chat from being saved, the first time that this is asked."""
        return self._recorder.take_problem() if self._recorder is not None else None
