"""Keep a conversation on disk while it happens, without the runner knowing.

A recorder stands between the runner and whoever shows the turn: it takes the events, writes, and
yields them on. What the disk holds of a turn:

- The question is there, unanswered, before the request goes out.
- The answer is there as it grows, marked incomplete, from its first piece on: each piece in a file
  beside the database before it is shown, and in the database half a second later, or once that has
  time for it. A tool's call is in the database before the tool runs, and its result before anything
  else happens.
- When the turn is over, however it ended, its rows are what the conversation holds in memory. Where
  nothing came, memory is as it was before, and the disk keeps the question, marked unanswered: it
  was said, but it is no part of what is sent when the conversation goes on. Asking it again gives
  it its answer, and makes no second one of it.
- What a turn cost that failed is there as far as it was reported, with what had come; where nothing
  had, with an empty answer that is marked as replaced. So is what a summary cost that a person
  asked for.
- An answer that is asked for again stays, marked as replaced, once anything of the new one came.
- What a new conversation holds already was said elsewhere; it is there before the question.
- Messages that are taken back stay as well, marked as replaced until they are put back.

A store that cannot be written stops no chat: the recorder gives up, once and for all, so that no
conversation has a hole in its middle, and `take_problem` says why.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.chat.draft import DraftWriter
from hiveloom_cli.chat.draft_file import DraftHead
from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.chat.exchanges import find_questions
from hiveloom_cli.chat.open_turn import OpenTurn
from hiveloom_cli.chat.record import AnsweredBy, Ended, Question
from hiveloom_cli.chat.rows import count_ms
from hiveloom_cli.errors import ConversationNotFound, HiveloomError, StoreUnusable
from hiveloom_cli.protocols.event import UsageReported

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.conversations import Conversations
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.clock import Clock
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.message import Message


class Recorder:
    """Keeps the turns of one chat; see `record`.

    `by` says who answers in it; between turns it may change.
    """

    def __init__(self, conversations: Conversations, by: AnsweredBy, clock: Clock) -> None:
        self._conversations = conversations
        self.by = by
        self._clock = clock
        self._failure: HiveloomError | None = None
        self._is_told = False
        self._conversation_id = ""
        self._rows: list[int] = []  # of the conversation's messages, one each
        self._unanswered: tuple[int, Message] | None = None

    @property
    def conversation_id(self) -> str:
        """The conversation that is being kept; "" before anything of it is."""
        return self._conversation_id

    @property
    def has_saved(self) -> bool:
        """Whether all that was said so far is on disk."""
        return bool(self._conversation_id) and self._failure is None

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

    def forget(self, conversation_id: str, said: int) -> tuple[int, ...]:
        """Mark all but the first `said` messages as replaced; return their numbers."""
        if conversation_id != self._conversation_id:
            return ()
        rows = tuple(self._rows[said:])
        del self._rows[said:]
        self._mark(rows, is_replaced=True)
        return rows

    def recall(self, conversation_id: str, rows: Sequence[int]) -> None:
        """Have messages that were forgotten count again, at the end."""
        if conversation_id == self._conversation_id:
            self._rows += rows
            self._mark(rows, is_replaced=False)

    def fork(self, conversation_id: str, new_id: str, said: int) -> None:
        """Keep a copy of the first `said` messages as a conversation, and go on with that."""
        if conversation_id != self._conversation_id or self._failure is not None:
            return
        try:
            rows = self._conversations.copy(
                conversation_id, new_id, self._rows[:said], self._clock.now()
            )
        except HiveloomError as error:
            self._give_up(error)
            return
        self._conversation_id, self._rows, self._unanswered = new_id, rows, None

    def _mark(self, rows: Sequence[int], *, is_replaced: bool) -> None:
        if self._failure is not None or not rows:
            return
        try:
            self._conversations.mark_replaced(rows, is_replaced=is_replaced)
        except HiveloomError as error:
            self._give_up(error)

    def keep_summary(self, conversation: Conversation) -> None:
        """Keep the summary that is sent in the place of the first messages."""
        summary = conversation.summary
        if summary is None or self._failure is not None or conversation.id != self._conversation_id:
            return
        try:
            if len(self._rows) < summary.messages:
                raise StoreUnusable("the last answer was interrupted while it was being saved")
            last = self._rows[summary.messages - 1]
            self._conversations.save_recap(conversation.id, summary.text, last, self._clock.now())
        except HiveloomError as error:
            self._give_up(error)

    def record_summary(
        self, conversation: Conversation, events: Generator[Event]
    ) -> Generator[Event]:
        """Yield the events of making a summary that was asked for, and keep what it cost."""
        started_s, before = self._clock.elapsed_s(), conversation.summary
        usage: Usage | None = None
        try:
            with closing(events):
                for event in events:
                    usage = event.usage if isinstance(event, UsageReported) else usage
                    yield event
        finally:
            if usage is not None or conversation.summary is not before:
                taken_ms = round(1000 * (self._clock.elapsed_s() - started_s))
                self._keep_cost(conversation, Ended(usage, duration_ms=taken_ms))

    def _keep_cost(self, conversation: Conversation, ended: Ended) -> None:
        place = find_questions(conversation.messages)[-1]
        if conversation.id != self._conversation_id or place >= len(self._rows):
            return
        question = conversation.messages[place]
        self._save_usage(self._build_question(conversation, question), self._rows[place], ended)

    def _build_question(self, conversation: Conversation, message: Message) -> Question:
        now = self._clock.now()
        return Question(conversation.id, conversation.agent, message, self.by, now)

    def take_problem(self) -> HiveloomError | None:
        """Return what keeps the chat from being saved, the first time that this is asked."""
        problem = None if self._is_told else self._failure
        self._is_told = self._failure is not None
        return problem

    def record(
        self, conversation: Conversation, message: Message, events: Generator[Event]
    ) -> Generator[Event]:
        """Yield the events of the turn in which `message` is said, and keep what it says.

        A conversation that has forgotten its last messages is asked for another answer to them.
        """
        turn = None if self._failure else self._begin(conversation, message)
        if turn is None:
            yield from events
            return
        with ExitStack() as stack:
            # From the last to the first, each of them even if Ctrl-C comes while another runs.
            stack.callback(self._finish, turn)
            stack.callback(turn.writer.close)
            stack.callback(events.close)  # which makes the conversation hold what came
            yield from self._relay(turn, events)

    def _relay(self, turn: OpenTurn, events: Generator[Event]) -> Generator[Event]:
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

    def _begin(self, conversation: Conversation, message: Message) -> OpenTurn | None:
        is_new = conversation.id != self._conversation_id
        question = self._build_question(conversation, message)
        try:
            if is_new:
                self._rows, self._unanswered = self._adopt(conversation, question), None
            former = self._rows[len(conversation.messages) :]
            asked = self._unanswered
            if len(self._rows) < len(conversation.messages):
                raise StoreUnusable("the last answer was interrupted while it was being saved")
            if former:
                row = former.pop(0)
            elif asked and asked[1] == message:
                row = asked[0]
            else:
                is_first = is_new and not self._rows
                row = self._conversations.begin_turn(question, is_new=is_first)
        except HiveloomError as error:
            self._give_up(error)
            return None
        self._conversation_id = conversation.id
        head = DraftHead(conversation.id, row, tuple(former), self.by, count_ms(question.said_at))
        turn = OpenTurn(conversation, question, row, former, self._clock.elapsed_s())
        turn.file = self._conversations.begin_draft(head)
        turn.writer = DraftWriter(
            lambda: self._save(turn, turn.draft.build_messages()), self._clock.elapsed_s
        )
        return turn

    def _adopt(self, conversation: Conversation, question: Question) -> list[int]:
        """Keep what a new conversation begins with and was said elsewhere; return its rows."""
        if not conversation.messages:
            return []
        by = AnsweredBy(conversation.agent.name, 0, "", "", "", "")
        first = replace(question, message=conversation.messages[0], by=by)
        return self._conversations.adopt(first, conversation.messages)

    def _finish(self, turn: OpenTurn) -> None:
        if turn.is_over:
            return
        turn.is_over = True
        kept = turn.conversation.messages[turn.said :]
        ended = turn.build_ended(self._clock.elapsed_s())
        if kept or turn.rows:
            self._save(turn, kept[1:], ended)
        if kept:
            self._rows[turn.said :] = [turn.row, *turn.rows]
        # What could not be saved stays in the file, unless the person deleted what it belongs to.
        if self._failure is None or isinstance(self._failure, ConversationNotFound):
            turn.file.remove()
        else:
            turn.file.close()
        if not kept and ended.usage is not None:
            self._save_usage(turn.question, turn.row, ended)
        self._unanswered = None if kept or turn.former else (turn.row, turn.question.message)

    def _save(
        self, turn: OpenTurn, messages: Sequence[Message], ended: Ended | None = None
    ) -> None:
        if self._failure is not None:
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

    def _save_usage(self, question: Question, turn: int, ended: Ended) -> None:
        if self._failure is not None:
            return
        try:
            self._conversations.save_usage(question, turn, self._clock.now(), ended)
        except HiveloomError as error:
            self._give_up(error)

    def _give_up(self, error: HiveloomError) -> None:
        self._failure = self._failure or error
