"""Which kept conversation a message is the last answered one of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.chat.record import AnsweredBy, Filter
from hiveloom_cli.protocols.message import Message, ToolResult, build_user_message
from tests.support.conversations import (
    build_answer,
    build_question,
    open_conversations,
    read_texts,
    save_turn,
)

if TYPE_CHECKING:
    from hiveloom_cli.chat.conversations import Conversations

SAID = [
    build_user_message("one"),
    build_answer("1"),
    build_user_message("two"),
    build_answer("2"),
]


def find(conversations: Conversations, text: str, among: int = 10) -> list[str]:
    message = build_user_message(text)
    return conversations.load_asked_last("helper", message, among=among, limit=5)


def test_the_newest_conversations_that_ask_so_are_found() -> None:
    with open_conversations() as conversations:
        for number in range(3):
            save_turn(conversations, "hi", "yo", id_=f"c{number}", days=number)
        save_turn(conversations, "hi", "yo", id_="other", agent="other", days=9)
        save_turn(conversations, "hi", id_="unanswered", days=9)
        assert find(conversations, "hi") == ["c2", "c1", "c0"]
        assert find(conversations, "hi", among=2) == ["c2"]
        assert find(conversations, "yo") == []
        save_turn(conversations, "more", "and more", id_="c1", is_new=False, days=9)
        assert find(conversations, "more") == ["c1"]
        assert find(conversations, "hi") == ["c2", "c0"]
        save_turn(conversations, "not answered", id_="c2", is_new=False, days=9)
        assert find(conversations, "hi") == ["c2", "c0"]


def test_what_was_said_elsewhere_is_found_and_cost_nothing() -> None:
    first = build_question("one")
    nobody = AnsweredBy("helper", 0, "", "", "", "")
    with open_conversations() as conversations:
        rows = conversations.adopt(replace(first, by=nobody), SAID)
        assert len(rows) == 4
        assert read_texts(conversations) == ["one", "1", "two", "2"]
        assert {row.state for row in conversations.load(first.conversation_id).messages} == {
            "complete"
        }
        assert find(conversations, "two") == [first.conversation_id]
        assert conversations.load_stats(Filter()) == []
        assert conversations.load_used(Filter(agent="helper"), is_guessed=True) == []
        (summary,) = conversations.load_list(Filter(), 10)
        assert (summary.title, summary.agent, summary.messages) == ("one", "helper", 4)


def test_what_a_client_s_tool_gave_is_a_message_of_its_own() -> None:
    result = Message("user", (ToolResult("c1", "a bee"),))
    with open_conversations() as conversations:
        conversations.adopt(build_question("one"), [*SAID[:2], result, build_answer("A bee.")])
        found = conversations.load_asked_last("helper", result, among=10, limit=5)
        assert found == [build_question("one").conversation_id]
