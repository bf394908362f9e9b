"""What a process that died had shown is met by whoever opens the conversation next."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.chat.draft_file import DraftHead
from hiveloom_cli.chat.record import Ended
from hiveloom_cli.chat.recovery import NO_ROW
from hiveloom_cli.chat.resume import build_resumed
from hiveloom_cli.protocols.event import Usage
from hiveloom_cli.protocols.message import (
    Message,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
)
from tests.support.conversations import (
    build_answer,
    build_question,
    get_path,
    list_drafts,
    open_conversations,
    read_texts,
    save_turn,
)

if TYPE_CHECKING:
    from hiveloom_cli.chat.conversations import Conversations
    from hiveloom_cli.chat.draft import Piece
    from hiveloom_cli.chat.draft_file import DraftFile

ID = "01k0000000001"
CALL, RESULT = ToolCall("1", "clock", "{}"), ToolResult("1", "noon")


def begin(
    conversations: Conversations, turn: int, *pieces: str | Piece, former: tuple[int, ...] = ()
) -> DraftFile:
    """Write the file of a turn under way."""
    head = DraftHead(ID, turn, former, build_question("").by, 0)
    file = conversations.begin_draft(head)
    for piece in pieces:
        assert file.append(TextPart(piece) if isinstance(piece, str) else piece)
    return file


def leave(conversations: Conversations, turn: int, *pieces: str | Piece) -> None:
    """Write the file of a turn whose process died then."""
    begin(conversations, turn, *pieces).close()


def read_states(conversations: Conversations) -> list[tuple[str, str]]:
    rows = conversations.load(ID).messages
    return [(row.message.text, row.state) for row in rows if not row.is_replaced]


def test_only_their_owner_reads_drafts_and_they_are_there_once_something_came() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        file = begin(conversations, turn)
        assert list_drafts() == []
        assert file.append(TextPart("hi"))
        (path,) = list_drafts()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        file.remove()
        assert list_drafts() == []


def test_what_was_shown_is_read_though_the_database_has_less_of_it() -> None:
    with open_conversations() as conversations:
        question = build_question("hello")
        turn = conversations.begin_turn(question, is_new=True)
        leave(conversations, turn, "all ", "that \ud800came")
        shown = [("hello", "complete"), ("all that \ud800came", "incomplete")]
        assert read_states(conversations) == shown
        assert conversations.load(ID).messages[1].number == NO_ROW
        answer = build_answer("all", complete=False)
        conversations.save_answer(question, turn, [], [answer], question.said_at)
        assert read_states(conversations) == shown
        assert conversations.load(ID).messages[1].number != NO_ROW
        assert conversations.load(ID).summary.messages == 2


def test_who_goes_on_has_it_saved_once_and_leaves_no_file() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        leave(conversations, turn, "shown")
        kept = conversations.load_to_go_on(ID)
        assert list_drafts() == []
        assert kept == conversations.load(ID) == conversations.load_to_go_on(ID)
        assert read_states(conversations) == [("hello", "complete"), ("shown", "incomplete")]
        assert kept.messages[1].by == build_question("").by
        resumed = build_resumed(kept, Agent("helper", "m"), stream=True)
        assert len(resumed.rows) == len(resumed.conversation.messages) == 2


def test_all_that_dead_processes_left_is_saved_and_put_away() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        leave(conversations, turn, "hi ", "there")
        folder = get_path().with_name("unfinished")
        (folder / "01k0000000002.turn").touch()
        (folder / "01k0000000003-9.0").write_text("a newer version's\n")
        living = begin(conversations, save_turn(conversations, "more", is_new=False), "ha")
        conversations.tidy()
        assert {path.name[:13] for path in list_drafts()} == {ID, "01k0000000003"}
        living.remove()
        conversations.tidy()
        assert [path.name for path in list_drafts()] == ["01k0000000003-9.0"]
        assert read_texts(conversations) == ["hello", "hi there", "more"]


def test_thoughts_and_tools_are_part_of_what_was_shown() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        leave(conversations, turn, ReasoningPart("hm", ""), "see:", CALL, RESULT, "noon")
        messages = [row.message for row in conversations.load_to_go_on(ID).messages[1:]]
        first = (ReasoningPart("hm", ""), TextPart("see:"), CALL)
        assert messages == [
            Message("assistant", first, complete=False),
            Message("user", (RESULT,)),
            Message("assistant", (TextPart("noon"),), complete=False),
        ]
        # Those after it still stand where they were.
        save_turn(conversations, "more", "yes", is_new=False)
        assert read_texts(conversations) == ["hello", "see:", "", "noon", "more", "yes"]


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_last_line_that_is_not_whole_counts_as_nothing(cut: int) -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        leave(conversations, turn, "one ", "two")
        (path,) = list_drafts()
        path.write_bytes(path.read_bytes()[:-cut])
        assert read_texts(conversations) == ["hello", "one "]


@pytest.mark.parametrize(
    ("content", "stays"),
    [
        (b"", False),
        (b'{"version"', False),
        (b"\0" * 100, False),
        (b"\0" * 10 + b"\nx\n", False),
        (b'{"version":2}\n{}\n', True),
        (b"no JSON\n", True),
        (b"[]\n", True),
    ],
)
def test_a_file_that_says_nothing_is_removed_and_one_of_another_version_stays(
    content: bytes, *, stays: bool
) -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello", "hi")
        leave(conversations, turn, "longer than that")
        (path,) = list_drafts()
        path.write_bytes(content)
        for load in (conversations.load, conversations.load_to_go_on):
            assert [row.message.text for row in load(ID).messages] == ["hello", "hi"]
        assert path.exists() == stays


def test_pieces_after_a_hole_that_a_power_cut_left_count_as_nothing() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        leave(conversations, turn, "one ", "two ", "three")
        (path,) = list_drafts()
        line = json.dumps({"type": "text", "text": "two "}).encode()
        path.write_bytes(path.read_bytes().replace(line, bytes(len(line))))
        assert read_texts(conversations) == ["hello", "one "]


@pytest.mark.parametrize("text", ["whole", "w"])
def test_a_turn_that_is_over_is_what_the_database_has(text: str) -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello", text)
        leave(conversations, turn, "who")
        assert read_texts(conversations) == ["hello", text]
        conversations.load_to_go_on(ID)
        assert list_drafts() == []
        assert read_texts(conversations) == ["hello", text]


def test_an_answer_that_ended_early_is_what_the_database_has() -> None:
    with open_conversations() as conversations:
        question = build_question("hello")
        turn = conversations.begin_turn(question, is_new=True)
        ended = Ended(Usage(1, 2, 3), 1, 2)
        answer = build_answer("so far", complete=False)
        conversations.save_answer(question, turn, [], [answer], question.said_at, ended=ended)
        leave(conversations, turn, "so far and more")
        assert read_states(conversations) == [("hello", "complete"), ("so far", "incomplete")]


def test_what_the_database_has_beyond_a_file_that_a_power_cut_shortened_stays() -> None:
    with open_conversations() as conversations:
        question = build_question("hello")
        turn = conversations.begin_turn(question, is_new=True)
        answer = build_answer("one two", complete=False)
        conversations.save_answer(question, turn, [], [answer], question.said_at)
        leave(conversations, turn, "one ")
        assert read_texts(conversations) == ["hello", "one two"]
        conversations.load_to_go_on(ID)
        assert list_drafts() == []
        assert read_texts(conversations) == ["hello", "one two"]


def test_another_answer_takes_the_place_of_the_one_before_it() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello", "the first, which is longer")
        former = conversations.load(ID).messages[1].number
        begin(conversations, turn, "new", former=(former,)).close()
        for load in (conversations.load, conversations.load_to_go_on, conversations.load):
            rows = load(ID).messages
            assert [(row.message.text, row.is_replaced) for row in rows] == [
                ("hello", False),
                ("the first, which is longer", True),
                ("new", False),
            ]


def test_a_question_that_was_taken_back_gets_no_answer() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        leave(conversations, turn, "shown")
        conversations.mark_replaced([turn], is_replaced=True)
        assert len(conversations.load_to_go_on(ID).messages) == 1
        assert list_drafts() == []


def test_a_turn_that_a_living_process_writes_is_shown_and_left_to_it() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        file = begin(conversations, turn, "so ")
        assert read_texts(conversations) == ["hello", "so "]
        assert len(conversations.load_to_go_on(ID).messages) == 1
        assert file.append(TextPart("far"))
        assert read_texts(conversations) == ["hello", "so far"]
        file.close()
        assert len(conversations.load_to_go_on(ID).messages) == 2


def test_two_files_of_one_turn_do_not_meet() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        first, second = begin(conversations, turn, "one"), begin(conversations, turn, "longer")
        assert len(list_drafts()) == 2
        first.close()
        second.close()
        conversations.load_to_go_on(ID)
        assert list_drafts() == []
        assert read_texts(conversations) == ["hello", "longer"]


def test_drafts_of_other_conversations_are_left_alone() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "hello", id_=f"{ID}0")
        turn = save_turn(conversations, "hello")
        leave(conversations, turn, "shown")
        conversations.load_to_go_on(f"{ID}0")
        conversations.delete([f"{ID}0"])
        assert read_texts(conversations) == ["hello", "shown"]


def test_deleting_a_conversation_overwrites_its_drafts() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        leave(conversations, turn, "a secret word")
        (path,) = list_drafts()
        with path.open("rb") as before:
            conversations.delete([ID])
            assert not before.read().strip(b"\0")
        assert list_drafts() == []


def test_a_conversation_that_is_deleted_while_it_is_answered_leaves_no_word() -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        file = begin(conversations, turn, "a secret ")
        (path,) = list_drafts()
        with path.open("rb") as before:
            conversations.delete([ID])
            assert file.append(TextPart("word"))
            file.close()
            assert not before.read().strip(b"\0")
        assert list_drafts() == []


def test_a_folder_that_cannot_be_read_hides_no_conversation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_conversations() as conversations:
        turn = save_turn(conversations, "hello")
        leave(conversations, turn, "shown")
        get_path().with_name("unfinished").rename(get_path().with_name("elsewhere"))
        get_path().with_name("unfinished").write_text("no folder")
        assert read_texts(conversations) == ["hello"]
        assert [*get_path().with_name("elsewhere").iterdir()]
