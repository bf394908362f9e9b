"""What the disk holds of a turn, at each moment of it and however it ends."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.chat.draft import Draft, DraftWriter, build_piece
from hiveloom_cli.chat.event import ToolEnded, ToolStarted, TurnEnded
from hiveloom_cli.chat.migrations import MIGRATIONS
from hiveloom_cli.chat.recorder import Recorder
from hiveloom_cli.chat.resume import build_resumed
from hiveloom_cli.chat.runner import run_turn
from hiveloom_cli.errors import StreamCutShort
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    ReplyEnded,
    TextDelta,
    ToolCallReady,
    Usage,
    UsageReported,
)
from hiveloom_cli.protocols.message import (
    Message,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
    build_user_message,
)
from hiveloom_cli.upstream.event import RetryWaiting
from tests.support.clocks import ManualClock
from tests.support.conversations import (
    build_question,
    get_path,
    list_drafts,
    lose_drafts,
    open_conversations,
)
from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from hiveloom_cli.chat.conversations import Conversations
    from hiveloom_cli.protocols.request import ChatRequest

BY = build_question("").by


class Scripted:
    """A model whose replies are lists of events; an exception among them is raised."""

    def __init__(self, *replies: list[object]) -> None:
        self._replies = [*replies]
        self._text = ""

    def open_reply(self, chat: ChatRequest) -> Scripted:
        self._text = ""
        return self

    def stream_events(self) -> Iterator[object]:
        for event in self._replies.pop(0):
            if isinstance(event, BaseException):
                raise event
            self._text += event.text if isinstance(event, TextDelta) else ""
            yield event

    def build_partial(self) -> Message:
        parts = (TextPart(self._text),) if self._text else ()
        return Message("assistant", parts, complete=False)


def end(text: str) -> ReplyEnded:
    return ReplyEnded(Message("assistant", (TextPart(text),)), FinishReason.STOP, "stop")


CUT = StreamCutShort("cut")


class Chat:
    """A chat that is recorded; `kept` is what the disk has of it."""

    def __init__(self, conversations: Conversations, *replies: list[object]) -> None:
        self.conversation = Conversation("id1", Agent("helper", "m"))
        self.clock = ManualClock()
        self.recorder = Recorder(conversations, BY, self.clock)
        self._conversations = conversations
        self._model = Scripted(*replies)

    def begin(self, text: str) -> Generator[object]:
        message = build_user_message(text)
        turn = run_turn(self.conversation, message, self._model)  # type: ignore[arg-type]
        return self.recorder.record(self.conversation, message, turn)

    def say(self, text: str) -> None:
        with contextlib.suppress(StreamCutShort):
            list(self.begin(text))

    def retry(self, text: str, said: int) -> None:
        former = self.conversation.messages[said:]
        del self.conversation.messages[said:]
        self.say(text)
        if len(self.conversation.messages) == said:
            self.conversation.messages += former

    @property
    def kept(self) -> list[tuple[str, str]]:
        rows = self._conversations.load("id1").messages
        return [(row.message.text, row.state) for row in rows if not row.is_replaced]

    def check_same(self) -> None:
        """Check that what goes on from disk is what went on in memory."""
        resumed = build_resumed(
            self._conversations.load("id1"), self.conversation.agent, stream=True
        )
        assert resumed.conversation.messages == self.conversation.messages


def test_the_question_is_kept_before_anything_is_asked() -> None:
    with open_conversations() as conversations:
        chat = Chat(conversations, [end("hi")])
        turn = chat.begin("hello")
        assert not get_path().exists()
        assert isinstance(next(turn), TurnEnded)
        assert chat.kept == [("hello", "complete"), ("hi", "complete")]
        turn.close()
        chat.check_same()


def test_a_turn_is_whole_on_disk_before_its_end_is_told() -> None:
    with open_conversations() as conversations:
        chat = Chat(conversations, [TextDelta("hi"), UsageReported(Usage(1, 2, 0)), end("hi")])
        for event in chat.begin("hello"):
            if isinstance(event, TextDelta):
                assert chat.kept == [("hello", "complete"), ("hi", "incomplete")]
            if isinstance(event, TurnEnded):
                assert chat.kept == [("hello", "complete"), ("hi", "complete")]
        answer = conversations.load("id1").messages[1]
        assert answer.ended is not None
        assert (answer.ended.usage, answer.ended.finish_reason) == (Usage(1, 2, 0), "stop")
        assert answer.by == BY


def test_what_a_failed_turn_cost_is_kept_with_what_came() -> None:
    with open_conversations() as conversations:
        chat = Chat(conversations, [TextDelta("ha"), UsageReported(Usage(1, 2, 0)), CUT])
        chat.say("hello")
        answer = conversations.load("id1").messages[1]
        assert answer.ended is not None
        assert (answer.ended.usage, answer.ended.finish_reason) == (Usage(1, 2, 0), None)
        chat.check_same()


@pytest.mark.parametrize("thoughts", [[], [ReasoningDelta("hm")]])
def test_what_a_turn_cost_of_which_nothing_came_is_kept_and_no_part_of_what_goes_on(
    thoughts: list[object],
) -> None:
    with open_conversations() as conversations:
        failing = [*thoughts, UsageReported(Usage(1, 2, 0)), CUT]
        chat = Chat(conversations, failing, failing, [end("hi")])
        chat.say("hello")
        assert chat.kept == [("hello", "unanswered")]
        chat.say("hello")
        chat.say("hello")
        assert chat.kept == [("hello", "complete"), ("hi", "complete")]
        messages = conversations.load("id1").messages
        costs = [row.ended.usage for row in messages if row.is_replaced and row.ended]
        assert costs == [Usage(1, 2, 0)] * 2
        chat.check_same()


def test_an_answer_grows_in_the_database_while_its_upstream_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked, flush = threading.Event(), DraftWriter.flush

    def wait_and_flush(writer: DraftWriter) -> None:
        looked.wait(PATIENCE_S)
        flush(writer)

    monkeypatch.setattr(DraftWriter, "flush", wait_and_flush)
    with open_conversations() as conversations:
        chat = Chat(conversations, [TextDelta("ha"), end("ha")])
        turn = chat.begin("hello")
        next(turn)
        lose_drafts()
        assert chat.kept == [("hello", "unanswered")]
        looked.set()
        deadline = time.monotonic() + PATIENCE_S
        while len(chat.kept) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert chat.kept == [("hello", "complete"), ("ha", "incomplete")]
        list(turn)
        assert chat.kept == [("hello", "complete"), ("ha", "complete")]


@pytest.mark.parametrize("fault", [CUT, None])
def test_what_came_before_a_fault_is_kept_and_marked(fault: StreamCutShort | None) -> None:
    with open_conversations() as conversations:
        chat = Chat(conversations, [TextDelta("ha"), fault or end("ha")])
        if fault:
            chat.say("hello")
        else:
            turn = chat.begin("hello")
            next(turn)
            turn.close()
        assert chat.kept == [("hello", "complete"), ("ha", "incomplete")]
        chat.check_same()


def test_a_tool_call_is_in_the_database_before_the_tool_runs_and_its_result_before_more() -> None:
    call, result = ToolCall("1", "clock", "{}"), ToolResult("1", "noon")
    events = [ToolCallReady(call), ToolStarted(call), ToolEnded(call, result), end("done")]
    with open_conversations() as conversations:
        chat = Chat(conversations, [])
        message = build_user_message("hello")

        def run() -> Generator[object]:
            parts: list[object] = []
            for event in events[:3]:
                yield event
                lose_drafts()
                parts = [p for row in conversations.load("id1").messages for p in row.message.parts]
                assert (call in parts, result in parts) == (True, isinstance(event, ToolEnded))
            assert len(parts) == 3

        turn = chat.recorder.record(chat.conversation, message, run())  # type: ignore[arg-type]
        assert list(turn) == events[:3]


@pytest.mark.parametrize("is_database_closed", [True, False])
def test_where_no_file_can_be_made_the_database_has_each_piece_before_it_is_shown(
    *, is_database_closed: bool
) -> None:
    get_path().with_name("unfinished").write_text("a file in the place of the folder")
    with open_conversations() as conversations:
        chat = Chat(conversations, [TextDelta("one "), TextDelta("two"), CUT])
        turn = chat.begin("hello")
        assert next(turn) == TextDelta("one ")
        assert chat.kept[1:] == [("one ", "incomplete")]
        assert chat.recorder.take_problem() is None
        if is_database_closed:
            with sqlite3.connect(get_path()) as other:
                other.execute("PRAGMA user_version = 99")
            other.close()
            conversations._store.close()
        assert next(turn) == TextDelta("two")
        problem = chat.recorder.take_problem()
        assert (problem is not None and "newer" in problem.message) == is_database_closed
        assert chat.kept[1][0] == ("one " if is_database_closed else "one two")
        turn.close()


def test_what_the_database_cannot_take_stays_in_the_file() -> None:
    with open_conversations() as conversations:
        chat = Chat(conversations, [TextDelta("one "), TextDelta("two"), end("one two")])
        turn = chat.begin("hello")
        next(turn)
        with sqlite3.connect(get_path()) as other:
            other.execute("PRAGMA user_version = 99")
        other.close()
        conversations._store.close()
        list(turn)
        assert chat.recorder.take_problem() is not None
    with sqlite3.connect(get_path()) as other:
        other.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    other.close()
    with open_conversations() as conversations:
        kept = conversations.load_to_go_on("id1")
        assert [row.message.text for row in kept.messages] == ["hello", "one two"]
        assert [row.state for row in kept.messages] == ["complete", "incomplete"]
    assert list_drafts() == []


def test_a_turn_that_is_over_leaves_no_file() -> None:
    with open_conversations() as conversations:
        chat = Chat(conversations, [TextDelta("hi"), end("hi")], [TextDelta("ha"), CUT], [CUT])
        for event in chat.begin("one"):
            assert len(list_drafts()) == isinstance(event, TextDelta)
        chat.say("two")
        chat.say("three")
        assert list_drafts() == []


def test_what_came_to_nothing_is_unanswered_and_not_sent_again() -> None:
    with open_conversations() as conversations:
        chat = Chat(conversations, [CUT], [ReasoningDelta("hm"), CUT], [end("2")])
        chat.say("one")
        chat.say("two")
        chat.say("three")
        assert chat.kept == [
            ("one", "unanswered"),
            ("two", "unanswered"),
            ("three", "complete"),
            ("2", "complete"),
        ]
        chat.check_same()


def test_asking_again_answers_the_question_that_is_there() -> None:
    with open_conversations() as conversations:
        chat = Chat(conversations, [CUT], [end("1")], [TextDelta("ha"), CUT], [CUT], [end("2")])
        chat.say("one")
        chat.say("one")
        assert chat.kept == [("one", "complete"), ("1", "complete")]
        chat.retry("one", 0)
        assert chat.kept == [("one", "complete"), ("ha", "incomplete")]
        chat.check_same()
        chat.retry("one", 0)
        assert chat.kept == [("one", "complete"), ("ha", "incomplete")]
        chat.check_same()
        chat.retry("one", 0)
        assert chat.kept == [("one", "complete"), ("2", "complete")]
        chat.check_same()
        assert len(conversations.load("id1").messages) == 4


def test_a_conversation_goes_on_from_disk() -> None:
    with open_conversations() as conversations:
        first = Chat(conversations, [end("1")], [CUT])
        first.say("one")
        first.say("two")
        chat = Chat(conversations, [end("2")], [end("3")])
        resumed = build_resumed(conversations.load("id1"), Agent("helper", "m"), stream=True)
        assert resumed.asked == (build_user_message("two"), 2)
        assert [row.message.text for row in resumed.last] == ["two"]
        chat.conversation = resumed.conversation
        chat.recorder.resume(resumed.conversation, resumed.rows, resumed.unanswered)
        chat.say("two")
        chat.retry("two", 2)
        assert [text for text, _ in chat.kept] == ["one", "1", "two", "3"]
        chat.check_same()


def test_a_store_that_cannot_be_written_stops_no_chat_and_is_told_once() -> None:
    get_path().write_text("no database at all " * 100)
    with open_conversations() as conversations:
        chat = Chat(conversations, [end("1")], [end("2")])
        chat.say("one")
        problem = chat.recorder.take_problem()
        assert problem is not None
        assert problem.code == "file_unreadable"
        chat.say("two")
        assert chat.recorder.take_problem() is None
        assert not chat.recorder.has_saved
        assert [message.text for message in chat.conversation.messages] == ["one", "1", "two", "2"]


def test_times_count_from_the_request_that_was_answered() -> None:
    with open_conversations() as conversations:
        waiting = RetryWaiting("busy", 30, 2, 4)
        chat = Chat(conversations, [waiting, TextDelta("a"), TextDelta("b"), end("ab")])
        waits = iter([30.0, 2.0, 3.0])
        for _, wait in zip(chat.begin("hi"), waits, strict=False):
            chat.clock.sleep(wait)
        ended = conversations.load("id1").messages[1].ended
        assert ended is not None
        assert (ended.first_token_ms, ended.duration_ms) == (0, 5000)


def test_a_draft_has_thoughts_tool_calls_and_their_results_in_turn() -> None:
    call = ToolCall("1", "clock", "{}")
    draft = Draft()
    for event in (
        ReasoningDelta("h"),
        ReasoningDelta("m"),
        TextDelta("let "),
        TextDelta("me"),
        ToolCallReady(call),
        ToolEnded(call, ToolResult("1", "noon")),
        TextDelta("noon"),
        ReasoningDelta("really"),
    ):
        piece = build_piece(event)
        assert piece is not None
        draft.add(piece)
    thoughts = (ReasoningPart("hm", ""), TextPart("let me"), call)
    assert draft.build_messages() == [
        Message("assistant", thoughts, complete=False),
        Message("user", (ToolResult("1", "noon"),)),
        Message("assistant", (TextPart("noon"), ReasoningPart("really", "")), complete=False),
    ]
