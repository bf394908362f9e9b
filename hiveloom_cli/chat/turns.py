"""The turns of one chat: what a message goes through on its way to the model, and its answer back.

    ceiling → recorder → compaction → runner → model

The recorder keeps the question before anything else: also before earlier messages are summarised to
make room for it, which can take a while.

Whoever shows a chat (one question, an interactive chat, a server) takes its turns from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.chat.compactor import Compactor

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.recorder import Recorder
    from hiveloom_cli.chat.runner import Model
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.protocols.message import Message


class Turns:
    """Turns that `model` answers. Without a recorder nothing of them is kept.

    `load_window` tells how many tokens a model reads at once, as far as that is known.
    """

    def __init__(
        self,
        model: Model,
        recorder: Recorder | None = None,
        load_window: Callable[[str], int | None] | None = None,
    ) -> None:
        keep = recorder.keep_summary if recorder is not None else None
        self._compactor = Compactor(model, load_window, keep)
        self._recorder = recorder

    @property
    def has_saved(self) -> bool:
        """Whether all that was said so far is on disk."""
        return self._recorder is not None and self._recorder.has_saved

    def take(self, conversation: Conversation, message: Message) -> Generator[Event]:
        """Ask `message` and yield what happens; see `runner.run_turn`."""
        turn = self._compactor.run_turn(conversation, message)
        if self._recorder is None:
            return turn
        return self._recorder.record(conversation, message, turn)

    def compact(self, conversation: Conversation) -> Generator[Event]:
        """Summarise what was said first because a person asks for it, and yield what happens.

        Ends in a notice, also where it fails or there is nothing to do, and in no `TurnEnded`.
        """
        return self._compactor.compact(conversation)

    def take_problem(self) -> HiveloomError | None:
        """Return what keeps the chat from being saved, the first time that this is asked."""
        return self._recorder.take_problem() if self._recorder is not None else None
