"""What is done with saved conversations: keep, find, read, search, delete."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import reduce
from typing import TYPE_CHECKING

from hiveloom_cli.chat import queries, rows
from hiveloom_cli.chat.catalogue import Catalogue, build_not_found
from hiveloom_cli.chat.draft_file import DraftFolder
from hiveloom_cli.chat.record import Question
from hiveloom_cli.chat.recovery import find_outdone, merge_draft
from hiveloom_cli.chat.searchable import format_storable
from hiveloom_cli.chat.turn_hold import take_hold
from hiveloom_cli.errors import FileUnreadable, HiveloomError
from hiveloom_cli.protocols.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hiveloom_cli.chat.draft_file import DraftFile, DraftHead, LeftDraft
    from hiveloom_cli.chat.record import Ended, KeptConversation
    from hiveloom_cli.chat.store import Store
    from hiveloom_cli.chat.turn_hold import TurnHold

_DELETED_AT_ONCE = 50
_MERGED_AT_ONCE = 2000  # pages of the index
_LEAST_CHANGES = 2  # fewer, and there was nothing left to merge: so SQLite's documentation has it


class Conversations(Catalogue):
    """The conversations that a store keeps. Any method raises what using the store raises."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._unfinished = store.path.with_name("unfinished")
        self._drafts = DraftFolder(self._unfinished)
        # Turns that begin queue here, and the one at its head for the store: so none that ends has
        # to wait for all that begin.
        self._beginning = threading.Lock()

    # Writing.

    def begin_turn(self, question: Question, *, is_new: bool) -> int:
        """Keep what the person says, unanswered, and return its number.

        Unless the conversation `is_new` it has to be there: raises `ConversationNotFound`.
        """
        values = rows.build_message_values(question, question.message, question.said_at)
        with self._beginning, self._store.write() as db:
            sql = queries.ADD_CONVERSATION if is_new else queries.TOUCH_CONVERSATION
            if not db.execute(sql, rows.build_conversation_values(question)).rowcount:
                raise build_not_found(question.conversation_id)
            values |= {"turn": None, "state": "unanswered"}
            number = db.execute(queries.ADD_MESSAGE, values).lastrowid or 0
            db.execute(queries.BEGIN_TURN, (number,))
        return number

    def adopt(self, first: Question, messages: Sequence[Message]) -> list[int]:
        """Begin a conversation with what was said elsewhere, and return its rows.

        `first` says of the conversation, and of who answered, what is known here.
        """
        values = rows.build_conversation_values(first)
        numbers: list[int] = []
        turn = 0
        with self._beginning, self._store.write() as db:
            db.execute(queries.ADD_CONVERSATION, values)
            for message in messages:
                said = rows.build_message_values(first, message, first.said_at)
                number = db.execute(queries.ADD_MESSAGE, said | {"turn": turn}).lastrowid or 0
                if message.role == "user" or not turn:
                    turn = number
                    db.execute(queries.BEGIN_TURN, (number,))
                numbers.append(number)
        return numbers

    def take_hold(self, conversation_id: str) -> TurnHold | None:
        """Hold a conversation for one turn; None if another turn runs in it, wherever that is."""
        hold = take_hold(self._unfinished, conversation_id)
        if hold is not None and self._drafts.is_live(conversation_id):
            hold.release()  # a chat, which holds no more than what it is writing
            return None
        return hold

    def begin_draft(self, head: DraftHead) -> DraftFile:
        """Prepare the file that has an answer before the database does."""
        return self._drafts.begin(head)

    def save_answer(
        self,
        question: Question,
        turn: int,
        numbers: Sequence[int],
        messages: Sequence[Message],
        at: datetime,
        *,
        ended: Ended | None = None,
        former: Sequence[int] = (),
    ) -> list[int]:
        """Keep what has come in a turn, in place of the rows `numbers`; return its rows.

        `former` are the rows of an answer that this one takes the place of, once there is any of
        it. `ended` belongs to the last answer. Raises `ConversationNotFound`.
        """
        with self._store.write() as db:
            touched = {"turn": turn, "at": rows.count_ms(at)}
            if not db.execute(queries.TOUCH_TURN, touched).rowcount:
                raise build_not_found(question.conversation_id)
            kept = [*numbers[: len(messages)]]
            for number in numbers[len(messages) :]:
                db.execute(queries.DROP_MESSAGE, (number,))
            for number, message in zip(kept, messages, strict=False):
                db.execute(
                    queries.CHANGE_MESSAGE, rows.build_content_values(message) | {"number": number}
                )
            for message in messages[len(kept) :]:
                values = rows.build_message_values(question, message, at) | {"turn": turn}
                kept.append(db.execute(queries.ADD_MESSAGE, values).lastrowid or 0)
            answer = _find_last_answer(kept, messages)
            if answer is not None and ended is not None:
                db.execute(queries.END_MESSAGE, rows.build_ended_values(ended) | {"number": answer})
            for number in former:
                db.execute(queries.REPLACE_MESSAGE, (bool(kept), number))
            db.execute(queries.JUDGE_QUESTION, {"turn": turn})
        return kept

    def save_usage(self, question: Question, turn: int, at: datetime, ended: Ended) -> None:
        """Keep what was spent without an answer to show for it, as an empty, replaced one.

        Raises `ConversationNotFound`.
        """
        values = rows.build_message_values(question, Message("assistant", (), complete=False), at)
        with self._store.write() as db:
            if db.execute(queries.TURN, (turn,)).fetchone() is None:
                raise build_not_found(question.conversation_id)
            number = db.execute(queries.ADD_MESSAGE, values | {"turn": turn}).lastrowid or 0
            db.execute(queries.END_MESSAGE, rows.build_ended_values(ended) | {"number": number})
            db.execute(queries.REPLACE_MESSAGE, (True, number))

    def mark_replaced(self, numbers: Sequence[int], *, is_replaced: bool) -> None:
        """Say of messages whether they are still part of their conversation."""
        with self._store.write() as db:
            for number in numbers:
                db.execute(queries.REPLACE_MESSAGE, (is_replaced, number))

    def copy(
        self, conversation_id: str, new_id: str, numbers: Sequence[int], at: datetime
    ) -> list[int]:
        """Begin a conversation with copies of another's messages; return their rows.

        What the answers cost stays with the first of them, so that nothing is counted twice.
        Raises `ConversationNotFound`.
        """
        values = {"id": conversation_id, "new_id": new_id, "at": rows.count_ms(at)}
        copies: dict[int, int] = {}
        with self._store.write() as db:
            if not db.execute(queries.COPY_CONVERSATION, values).rowcount:
                raise build_not_found(conversation_id)
            for number in numbers:
                row = values | {"number": number}
                copies[number] = db.execute(queries.COPY_MESSAGE, row).lastrowid or 0
                turn = db.execute(queries.TURN, (number,)).fetchone()["turn"]
                db.execute(queries.SET_TURN, (copies.get(turn, copies[number]), copies[number]))
        return [*copies.values()]

    def save_recap(self, conversation_id: str, text: str, last: int, at: datetime) -> None:
        """Keep what is sent in the place of all messages up to the one numbered `last`.

        Raises `ConversationNotFound`.
        """
        with self._store.write() as db:
            values = rows.build_recap_values(conversation_id, text, last, at)
            if not db.execute(queries.SAVE_RECAP, values).rowcount:
                raise build_not_found(conversation_id)

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation a title. Raises `ConversationNotFound`."""
        with self._store.write() as db:
            values = {"id": conversation_id, "title": format_storable(title)}
            if not db.execute(queries.RENAME, values).rowcount:
                raise build_not_found(conversation_id)

    def delete(self, ids: Sequence[str]) -> bool:
        """Delete conversations, so that nothing of them is left in the files.

        Returns whether that is so already: as long as another process reads, the log cannot be
        emptied. It goes step by step, so that no chat has to wait for all of it.
        """
        for start in range(0, len(ids), _DELETED_AT_ONCE):
            with self._store.write() as database:
                for conversation_id in ids[start : start + _DELETED_AT_ONCE]:
                    database.execute(queries.DELETE_MESSAGES, (conversation_id,))
                    database.execute(queries.DELETE_CONVERSATION, (conversation_id,))
                    self._drafts.remove(conversation_id)
        self._merge_index()
        with self._store.use(writing=True) as database:
            database.execute("PRAGMA incremental_vacuum").fetchall()
            is_busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy

    def _merge_index(self) -> None:
        """Merge the index to one piece, in which no deleted word is left."""
        pages = -_MERGED_AT_ONCE  # the first time: begin a merge of all there is
        while True:
            with self._store.write() as database:
                before = database.total_changes
                database.execute(queries.MERGE_INDEX, (pages,))
                if pages > 0 and database.total_changes - before < _LEAST_CHANGES:
                    return
            pages = _MERGED_AT_ONCE

    # Reading.

    def load(self, conversation_id: str) -> KeptConversation:
        """Read one conversation, with all that was shown of it; the id is whole.

        What the database does not have yet has the number `recovery.NO_ROW`. Raises
        `ConversationNotFound`.
        """
        # In this order: a turn that ends meanwhile is in the database before its draft is gone.
        drafts = self._drafts.load(conversation_id)
        return reduce(merge_draft, drafts, self._load(conversation_id))

    def load_to_go_on(self, conversation_id: str) -> KeptConversation:
        """Read one conversation, as `load` does; first save what a process left that died.

        What a living one is just writing is left to that.
        """
        with suppress(HiveloomError):  # who cannot write reads all the same
            self._drafts.recover(conversation_id, self._save_draft)
        drafts = [left for left in self._drafts.load(conversation_id) if not left.is_live]
        return reduce(merge_draft, drafts, self._load(conversation_id))

    def tidy(self) -> None:
        """Save what dead processes left of their turns, and remove what they held.

        What cannot be saved is left to whoever goes on with its conversation.
        """
        for conversation_id in self._drafts.load_ids():
            hold = self.take_hold(conversation_id)
            if hold is None:
                continue
            try:
                with suppress(HiveloomError):
                    self._drafts.recover(conversation_id, self._save_draft)
            finally:
                hold.release()

    def _save_draft(self, left: LeftDraft) -> None:
        head = left.head
        kept = self._load(head.conversation_id)
        outdone = find_outdone(kept, left)
        if outdone is not None:
            numbers, at = [row.number for row in outdone], rows.parse_ms(head.said_at)
            question = Question(head.conversation_id, kept.agent, Message("user", ()), head.by, at)
            self.save_answer(question, head.turn, numbers, left.messages, at, former=head.former)

    def _load(self, conversation_id: str) -> KeptConversation:
        wanted = {"id": conversation_id}
        for row in self._store.read(queries.SUMMARY, wanted):
            messages = self._store.read(queries.MESSAGES, wanted)
            recaps = self._store.read(queries.RECAP, wanted, since=2)
            try:
                return rows.parse_conversation(row, messages, recaps)
            except (ValueError, TypeError, KeyError) as error:
                raise FileUnreadable(self._store.path, f"{conversation_id}: {error}") from None
        raise build_not_found(conversation_id)


def _find_last_answer(numbers: Sequence[int], messages: Sequence[Message]) -> int | None:
    both = reversed(list(zip(numbers, messages, strict=True)))
    return next((number for number, message in both if message.role == "assistant"), None)
