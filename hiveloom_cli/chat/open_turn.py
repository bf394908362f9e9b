"""A turn that is being recorded, until it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.chat.draft import Draft, build_piece
from hiveloom_cli.chat.event import ToolEnded, ToolStarted, TurnEnded
from hiveloom_cli.chat.record import Ended
from hiveloom_cli.protocols.event import ReasoningDelta, TextDelta, ToolCallReady, UsageReported
from hiveloom_cli.upstream.event import Notice, RetryWaiting

if TYPE_CHECKING:
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.draft import DraftWriter
    from hiveloom_cli.chat.draft_file import DraftFile
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.record import Question
    from hiveloom_cli.protocols.event import Usage


class OpenTurn:
    """A turn on its way; `row` is its question's, `rows` are those of what has come.

    `file` and `writer` keep what comes, as its maker sets them.
    """

    file: DraftFile
    writer: DraftWriter

    def __init__(
        self,
        conversation: Conversation,
        question: Question,
        row: int,
        former: list[int],
        started_s: float,
    ) -> None:
        self.conversation = conversation
        self.question = question
        self.row = row
        self.rows: list[int] = []
        self.former = former
        self.said = len(conversation.messages)
        self.draft = Draft()
        self.is_over = False
        self._started_s = started_s
        self._first_s: float | None = None
        self._end: TurnEnded | None = None
        self._usage: Usage | None = None

    def note(self, event: Event, now_s: float) -> None:
        """Take in what happens, and keep what it adds."""
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallReady():
                self._first_s = now_s if self._first_s is None else self._first_s
            case RetryWaiting():
                self._started_s = now_s + event.wait_s
            case UsageReported():
                self._usage = event.usage
            case Notice() if self._first_s is None:
                self._started_s = now_s  # what is noted led to another request, which goes out next
            case TurnEnded():
                self._end = event
        self._keep(event)

    def _keep(self, event: Event) -> None:
        piece = build_piece(event)
        is_kept = True
        if piece is not None:
            self.draft.add(piece)
            self.writer.note_change()
            is_kept = self.file.append(piece)
        # What a tool does cannot be undone: not even a power cut may take the call from the record.
        if not is_kept or isinstance(event, ToolCallReady | ToolStarted | ToolEnded):
            self.writer.flush()

    def build_ended(self, now_s: float) -> Ended:
        """Build what is known of the answer now that it has ended."""
        first_s = self._first_s
        first_ms = None if first_s is None else _count_ms(first_s - self._started_s)
        duration_ms = _count_ms(now_s - self._started_s)
        if self._end is None:
            return Ended(self._usage, first_ms, duration_ms)
        reason = self._end.finish_reason.value
        return Ended(self._end.usage, first_ms, duration_ms, reason)


def _count_ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
