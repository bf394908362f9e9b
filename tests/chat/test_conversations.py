"""What is kept of conversations can be found, read and deleted again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.agents.agent import Agent, Compaction
from hiveloom_cli.chat import conversations as conversations_module
from hiveloom_cli.chat.message_json import (
    format_content,
    format_settings,
    parse_content,
    parse_settings,
)
from hiveloom_cli.chat.record import Ended, Filter
from hiveloom_cli.chat.searchable import build_title
from hiveloom_cli.errors import ConversationNotFound
from hiveloom_cli.protocols.event import Usage
from hiveloom_cli.protocols.message import (
    ImagePart,
    OpaquePart,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
)
from hiveloom_cli.protocols.request import Parameters
from tests.support.conversations import (
    BEGUN_AT,
    build_answer,
    build_question,
    get_path,
    open_conversations,
    read_texts,
    save_turn,
)

ANY_TEXT = st.text(st.characters())  # half characters too
PARTS = st.one_of(
    st.builds(TextPart, ANY_TEXT),
    st.builds(ImagePart, ANY_TEXT, st.binary()),
    st.builds(ReasoningPart, ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT),
    st.builds(OpaquePart, ANY_TEXT, ANY_TEXT),
    st.builds(ToolCall, ANY_TEXT, ANY_TEXT, ANY_TEXT),
    st.builds(ToolResult, ANY_TEXT, ANY_TEXT, st.booleans()),
)


@given(st.lists(PARTS))
def test_parts_read_back_as_they_were(parts: list[TextPart]) -> None:
    assert parse_content(format_content(parts)) == tuple(parts)


@given(
    ANY_TEXT,
    ANY_TEXT,
    st.floats(0, 2) | st.none(),
    st.lists(ANY_TEXT).map(tuple) | st.none(),
    st.builds(Compaction, st.floats(0.1, 0.95), st.integers(1)) | st.none(),
)
def test_settings_read_back_as_they_were(
    model: str,
    prompt: str,
    temperature: float | None,
    stop: tuple[str, ...] | None,
    rules: Compaction | None,
) -> None:
    parameters = Parameters(temperature=temperature, stop=stop)
    agent = Agent("a", model, prompt, parameters=parameters, tools=("t", "u"), compaction=rules)
    assert parse_settings(format_settings(agent)) == agent


def test_a_part_of_a_kind_that_is_not_known_is_kept() -> None:
    (part,) = parse_content(b'[{"type": "hologram", "depth": 3}]')
    assert isinstance(part, OpaquePart)
    assert "hologram" in part.wire


@pytest.mark.parametrize("content", [b"", b"{}", b"[1", b'[{"type": "text"}]'])
def test_content_that_is_damaged_is_told(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_content(content)


def test_what_was_said_reads_back_with_who_answered_and_what_it_cost() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "hello", "hi there")
    with open_conversations() as conversations:
        kept = conversations.load("01k0000000001")
    assert kept.summary.title == "hello"
    assert (kept.summary.messages, kept.summary.begun_at) == (2, BEGUN_AT)
    assert kept.agent == Agent("helper", "m")
    asked, answered = kept.messages
    assert (asked.message.text, asked.state, asked.by) == ("hello", "complete", None)
    assert (answered.message.text, answered.state) == ("hi there", "complete")
    assert answered.by == build_question("").by
    assert answered.ended == Ended(Usage(10, 20, 5), 100, 1000, "stop")


def test_a_question_is_unanswered_until_something_comes() -> None:
    question = build_question("hello")
    with open_conversations() as conversations:
        turn = conversations.begin_turn(question, is_new=True)

        def save(*texts: str, rows: list[int], former: list[int] | None = None) -> list[int]:
            answers = [build_answer(text, complete=False) for text in texts]
            return conversations.save_answer(
                question, turn, rows, answers, BEGUN_AT, former=former or []
            )

        def read() -> list[tuple[str, str]]:
            messages = conversations.load(question.conversation_id).messages
            return [(kept.message.text, kept.state) for kept in messages if not kept.is_replaced]

        assert read() == [("hello", "unanswered")]
        first = save("ha", rows=[])
        assert read() == [("hello", "complete"), ("ha", "incomplete")]
        second = save("ho", rows=[], former=first)
        assert read() == [("hello", "complete"), ("ho", "incomplete")]
        save(rows=second, former=first)
        assert read() == [("hello", "complete"), ("ha", "incomplete")]
        save(rows=first)
        assert read() == [("hello", "unanswered")]


def test_turns_that_two_chats_take_at_once_stay_whole() -> None:
    first, second = build_question("one"), build_question("two")
    with open_conversations() as conversations:
        one = conversations.begin_turn(first, is_new=True)
        two = conversations.begin_turn(second, is_new=False)
        conversations.save_answer(second, two, [], [build_answer("2")], BEGUN_AT)
        conversations.save_answer(first, one, [], [build_answer("1")], BEGUN_AT)
        assert read_texts(conversations) == ["one", "1", "two", "2"]


def test_a_deleted_conversation_does_not_come_back() -> None:
    question = build_question("two")
    with open_conversations() as conversations:
        turn = save_turn(conversations, "one", "1")
        conversations.delete([question.conversation_id])
        save_turn(conversations, "other", "o", id_="01k0000000002")
        with pytest.raises(ConversationNotFound):
            conversations.begin_turn(question, is_new=False)
        with pytest.raises(ConversationNotFound):
            conversations.save_answer(question, turn, [turn + 1], [build_answer("2")], BEGUN_AT)
        with pytest.raises(ConversationNotFound):
            conversations.save_answer(question, turn, [], [build_answer("2")], BEGUN_AT)
        with pytest.raises(ConversationNotFound):
            conversations.save_usage(question, turn, BEGUN_AT, Ended(Usage(1, 1)))
        assert read_texts(conversations, "01k0000000002") == ["other", "o"]


def test_a_beginning_of_an_id_is_enough_if_it_is_the_only_one() -> None:
    with open_conversations() as conversations:
        for id_ in ("01ka", "01kb1", "01kb2"):
            save_turn(conversations, "x", id_=id_)
        assert conversations.find("01ka") == "01ka"
        assert conversations.find("01KB2") == "01kb2"
        for prefix in ("", "01kb", "9", "%", "01k\ud800", "0*"):
            with pytest.raises(ConversationNotFound):
                conversations.find(prefix)


def test_lists_have_what_changed_last_first_and_filters() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "x", id_="a", agent="one", days=1)
        save_turn(conversations, "x", id_="b", agent="two", days=2)
        save_turn(conversations, "x", id_="c", agent="one", days=3)
        save_turn(conversations, "y", id_="a", agent="one", days=4, is_new=False)

        def list_ids(limit: int = -1, **wanted: object) -> list[str]:
            filters = Filter(**wanted)  # type: ignore[arg-type]
            found = [row.id for row in conversations.load_list(filters, limit)]
            assert limit != -1 or conversations.count(filters) == len(found)
            return found

        assert list_ids() == ["a", "c", "b"]
        assert list_ids(2) == ["a", "c"]
        assert list_ids(agent="one") == ["a", "c"]
        assert list_ids(model="other") == []
        assert list_ids(since=BEGUN_AT + timedelta(days=3)) == ["a", "c"]
        assert list_ids(until=BEGUN_AT + timedelta(days=3), agent="two") == ["b"]
        assert conversations.find_last() == "a"
        assert conversations.find_last("two") == "b"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["Zürich"], True),
        (["zurich"], True),
        (["zur*"], True),
        (["zur"], False),
        (["of the lake"], True),
        (["lake of"], False),
        (["lake", "of"], True),
        (["世界"], True),
        (["您界"], False),
        (["ニュース"], True),
        (['"quoted"'], True),
        (["it's"], True),
        (["C++"], True),
        (["a AND b"], False),
        (["NOT"], False),
        (["text:lake"], False),
        (["lake)"], True),
        (["🐝"], False),
        (['"'], False),
        (["*"], False),
        ([""], False),
        (["\ud800lake"], True),
        (["nul\x00"], False),
    ],
)
def test_any_text_can_be_searched_for(words: list[str], *, found: bool) -> None:
    text = 'End of the Lake in Zürich, it\'s 你好世界您好 最新ニュース "quoted" C++ 🐝\x02 \ud800'
    with open_conversations() as conversations:
        save_turn(conversations, "x", text)
        assert bool(conversations.search(words, Filter(), 10)) is found


@given(st.lists(st.text(st.characters()), max_size=3))
def test_no_search_fails(words: list[str]) -> None:
    with open_conversations() as conversations:
        if not get_path().exists():
            save_turn(conversations, "x", "some text")
        conversations.search(words, Filter(), 10)


def test_a_snippet_says_what_matched() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "first 你好世界", "word " * 100 + "needle " + "word " * 100)
        (hit,) = conversations.search(["needle"], Filter(), 10)
        assert ("needle", True) in hit.snippet
        assert hit.snippet[0][0].startswith("…")
        assert len("".join(text for text, _ in hit.snippet)) < 200
        (hit,) = conversations.search(["世界"], Filter(), 10)
        assert hit.snippet == (("first 你好", False), ("世界", True))


def test_an_answer_that_was_replaced_is_not_found() -> None:
    question = build_question("x")
    with open_conversations() as conversations:
        turn = conversations.begin_turn(question, is_new=True)
        former = conversations.save_answer(question, turn, [], [build_answer("old")], BEGUN_AT)
        conversations.save_answer(
            question, turn, [], [build_answer("new")], BEGUN_AT, former=former
        )
        assert conversations.search(["old"], Filter(), 10) == []
        assert len(conversations.search(["new"], Filter(), 10)) == 1
        assert conversations.load_list(Filter(), 1)[0].messages == 2


def test_what_models_did_is_added_up_by_day() -> None:
    with open_conversations() as conversations:
        save_turn(conversations, "x", "y", id_="a", days=1)
        save_turn(conversations, "x", "y", id_="b", days=1)
        save_turn(conversations, "x", id_="c", days=2)
        (spent,) = conversations.load_stats(Filter())
    assert (spent.day, spent.model, spent.answers) == ("2026-03-02", "m", 2)
    assert (spent.input_tokens, spent.output_tokens, spent.cached_input_tokens) == (20, 40, 10)
    assert (spent.first_token_ms, spent.tokens_per_s) == (100, 20)


@pytest.mark.parametrize("pages", [1, 2000])
def test_nothing_deleted_is_left_in_the_files(pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations_module, "_MERGED_AT_ONCE", pages)
    words = ["Quagmire", "xylophone", "zeitgeist"]
    with open_conversations() as conversations:
        for number in range(30):
            text = f"plain {number} " * 50
            save_turn(conversations, "other things", text, id_=f"b{number}")
        question = build_question(f"{words[0]} question", id_="a")
        turn = conversations.begin_turn(question, is_new=True)
        rows: list[int] = []
        for length in range(1, 400, 20):
            text = f"{words[1]} " * length + words[2]
            rows = conversations.save_answer(
                question, turn, rows, [build_answer(text, complete=False)], BEGUN_AT
            )
        assert conversations.delete(["a"])
        for path in get_path().parent.glob("conversations.db*"):
            content = path.read_bytes().lower()
            assert [word for word in words if word[1:].lower().encode() in content] == []
        assert conversations.count(Filter()) == 30
        assert conversations.search(["plain"], Filter(), 100)


def test_a_title_is_the_first_words() -> None:
    assert build_title("  a\nb\tc ") == "a b c"
    long = build_title("word " * 100)
    assert len(long) <= 80
    assert long.endswith("word…")
    assert len(build_title("x" * 500)) == 80
    assert build_title("a\ud800") == "a\ufffd"
