"""Keep a conversation on disk while it happens, without the runner knowing.

A recorder stands between the runner and whoever shows the turn: it takes the events, writes, and
yields them on. What the disk holds of a turn:

- The question is there, unanswered, before the request goes out.
- The answer is there as it grows, marked incomplete, from its first piece on. So a process that is
  killed leaves what an interruption at that moment would have left.
- When the turn is over, however it ended, its rows are what the conversation holds in memory. Where
  nothing came, memory is as it was before, and the disk keeps the question, marked unanswered: it
  was said, but it is no part of what is sent when the conversation goes on. Asking it again gives
  it its answer, and makes no second one of it.
- An answer that is asked for again stays, marked as replaced, once anything of the new one came.

A store that cannot be written stops no chat: the recorder gives up, once and for all, so that no
conversation has a hole in its middle, and `take_problem` says why.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from hiveloom_cli.chat.draft import Draft, DraftWriter
from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.chat.record import Ended, Question
from hiveloom_cli.errors import HiveloomError, StoreUnusable
from hiveloom_cli.protocols.event import ReasoningDelta, TextDelta, ToolCallReady
from hiveloom_cli.upstream.event import Notice, RetryWaiting

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.conversations import Conversations
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.record import AnsweredBy
    from hiveloom_cli.clock import Clock
    from hiveloom_cli.protocols.message import Message


class Recorder:
    """Keeps the turns of one chat; see `record`. `by` says who answers in it."""

    def __init__(self, conversations: Conversations, by: AnsweredBy, clock: Clock) -> None:
        self._conversations = conversations
        self._by = by
        self._clock = clock
        self._problem: HiveloomError | None = None
        self._has_failed = False
        self._conversation_id = ""
        self._rows: list[int] = []  # of the conversation's messages, one each
        self._unanswered: tuple[int, Message] | None = None

    @property
    def has_saved(self) -> bool:
        """Whether all that was said so far is on disk."""
        return bool(self._conversation_id) and not self._has_failed

    def resume(
        self,
        conversation: Conversation,
        rows: Sequence[int],
        unanswered: tuple[int, Message] | None = None,
    ) -> None:
        """Go on with a conversation that is there; `rows` are the numbers of its messages."""
        self._conversation_id = conversation.id
        self._rows = [*rows]
        self._unanswered = unanswered

    def keep_summary(self, conversation: Conversation) -> None:
        """Keep the summary that is sent in the place of the first messages."""
        summary = conversation.summary
        if summary is None or self._has_failed or conversation.id != self._conversation_id:
            return
        try:
            if len(self._rows) < summary.messages:
                raise StoreUnusable("the last answer was interrupted while it was being saved")
            last = self._rows[summary.messages - 1]
            self._conversations.save_recap(conversation.id, summary.text, last, self._clock.now())
        except HiveloomError as error:
            self._give_up(error)

    def take_problem(self) -> HiveloomError | None:
        """Return what keeps the chat from being saved, the first time that this is asked."""
        problem, self._problem = self._problem, None
        return problem

    def record(
        self, conversation: Conversation, message: Message, events: Generator[Event]
    ) -> Generator[Event]:
        """Yield the events of the turn in which `message` is said, and keep what it says.

        A conversation that has forgotten its last messages is asked for another answer to them.
        """
        turn = None if self._has_failed else self._begin(conversation, message)
        if turn is None:
            yield from events
            return
        with ExitStack() as stack:
            # From the last to the first, each of them even if Ctrl-C comes while another runs.
            stack.callback(self._finish, turn)
            stack.callback(turn.writer.close)
            stack.callback(events.close)  # which makes the conversation hold what came
            yield from self._relay(turn, events)

    def _relay(self, turn: _Turn, events: Generator[Event]) -> Generator[Event]:
        ended = None
        for event in events:
            turn.note(event, self._clock.elapsed_s())
            if isinstance(event, TurnEnded):
                ended = event  # told once it is kept, which the conversation has to do first
                continue
            yield event
        turn.writer.close()
        self._finish(turn)
        if ended is not None:
            yield ended

    def _begin(self, conversation: Conversation, message: Message) -> _Turn | None:
        is_new = conversation.id != self._conversation_id
        if is_new:
            self._rows, self._unanswered = [], None
        former = self._rows[len(conversation.messages) :]
        question = Question(
            conversation.id, conversation.agent, message, self._by, self._clock.now()
        )
        asked = self._unanswered
        try:
            if len(self._rows) < len(conversation.messages):
                raise StoreUnusable("the last answer was interrupted while it was being saved")
            if former:
                row = former.pop(0)
            elif asked and asked[1] == message:
                row = asked[0]
            else:
                row = self._conversations.begin_turn(question, is_new=is_new)
        except HiveloomError as error:
            self._give_up(error)
            return None
        self._conversation_id = conversation.id
        turn = _Turn(conversation, question, row, former, self._clock.elapsed_s())
        turn.writer = DraftWriter(lambda: self._save(turn, turn.draft.build_messages()))
        return turn

    def _finish(self, turn: _Turn) -> None:
        if turn.is_over:
            return
        turn.is_over = True
        kept = turn.conversation.messages[turn.said :]
        ended = turn.build_ended(self._clock.elapsed_s())
        if kept or turn.rows:
            self._save(turn, kept[1:], ended)
        if kept:
            self._rows[turn.said :] = [turn.row, *turn.rows]
        self._unanswered = None if kept or turn.former else (turn.row, turn.question.message)

    def _save(self, turn: _Turn, messages: Sequence[Message], ended: Ended | None = None) -> None:
        if self._has_failed:
            return
        try:
            turn.rows = self._conversations.save_answer(
                turn.question,
                turn.row,
                turn.rows,
                messages,
                self._clock.now(),
                ended=ended,
                former=turn.former,
            )
        except HiveloomError as error:
            self._give_up(error)

    def _give_up(self, error: HiveloomError) -> None:
        self._has_failed = True
        self._problem = error


class _Turn:
    """A turn on its way; `row` is its question's, `rows` are those of what has come."""

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

    def note(self, event: Event, now_s: float) -> None:
        """Take in what happens."""
        match event:
            case TextDelta() | ReasoningDelta() | ToolCallReady():
                self._first_s = now_s if self._first_s is None else self._first_s
            case RetryWaiting():
                self._started_s = now_s + event.wait_s
            case Notice() if self._first_s is None:
                self._started_s = now_s  # what is noted led to another request, which goes out next
            case TurnEnded():
                self._end = event
        if self.draft.feed(event):
            self.writer.note_change()

    def build_ended(self, now_s: float) -> Ended:
        """Build what is known of the answer now that it has ended."""
        first_s = self._first_s
        first_ms = None if first_s is None else _count_ms(first_s - self._started_s)
        duration_ms = _count_ms(now_s - self._started_s)
        if self._end is None:
            return Ended(None, first_ms, duration_ms)
        reason = self._end.finish_reason.value
        return Ended(self._end.usage, first_ms, duration_ms, reason)


def _count_ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
