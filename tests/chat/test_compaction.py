"""Where a conversation is cut to make room, and how full it is, whatever was said in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.chat.compaction import (
    begins_exchange,
    build_summary_request,
    cut_middle,
    decide_cut,
    decide_cut_asked,
    decide_room,
    format_transcript,
)
from hiveloom_cli.chat.context import estimate_request
from hiveloom_cli.chat.conversation import Conversation, Measured, Recap
from hiveloom_cli.chat.estimate import estimate_messages, estimate_text
from hiveloom_cli.protocols.message import (
    DocumentPart,
    ImagePart,
    Message,
    OpaquePart,
    ReasoningPart,
    TextFilePart,
    TextPart,
    ToolCall,
    ToolResult,
    build_user_message,
)

_words = st.text(min_size=1, max_size=200)


@st.composite
def _exchange(draw: st.DrawFn) -> list[Message]:
    """A question, tools that run, an answer; the answer may be missing."""
    messages = [build_user_message(draw(_words))]
    for number in range(draw(st.integers(0, 3))):
        call = ToolCall(f"c{number}", "look", draw(_words))
        messages += [
            Message("assistant", (call,)),
            Message("user", (ToolResult(call.id, draw(_words)),)),
        ]
    if draw(st.booleans()):
        messages.append(Message("assistant", (TextPart(draw(_words)),)))
    return messages


_exchanges = st.lists(_exchange(), max_size=8)
_rooms = st.integers(0, 1000)
_kept = st.integers(1, 6)


def join(exchanges: list[list[Message]]) -> list[Message]:
    return [message for exchange in exchanges for message in exchange]


@given(_exchanges, _kept, _rooms)
def test_no_tool_call_is_parted_from_its_result(
    exchanges: list[list[Message]], keep: int, room: int
) -> None:
    messages = join(exchanges)
    cut = decide_cut(messages, 0, keep, room)
    left, right = messages[:cut], messages[cut:]
    for side in (left, right):
        parts = [part for message in side for part in message.parts]
        calls = sum(isinstance(part, ToolCall) for part in parts)
        assert calls == sum(isinstance(part, ToolResult) for part in parts)
    assert not right or begins_exchange(right[0])


@given(_exchanges, _kept, _rooms)
def test_as_many_exchanges_stay_whole_as_were_to_be_kept_and_fit(
    exchanges: list[list[Message]], keep: int, room: int
) -> None:
    messages = join(exchanges)
    right = messages[decide_cut(messages, 0, keep, room) :]
    kept = sum(map(begins_exchange, right))
    assert kept <= keep
    assert estimate_messages(right) <= room
    wanted = join(exchanges[-keep:])
    if len(exchanges) > keep and estimate_messages(wanted) <= room * 0.75:
        assert right == wanted


@given(_exchanges.filter(bool), _kept, st.text(max_size=20))
def test_a_request_with_a_summary_is_shorter_where_the_summary_is(
    exchanges: list[list[Message]], keep: int, text: str
) -> None:
    conversation = Conversation("c", Agent("", "m"), messages=join(exchanges))
    before = estimate_request(conversation)
    cut = decide_cut(conversation.messages, 0, keep, 1000)
    conversation.summary = Recap(text, cut)
    gone = estimate_messages(conversation.messages[:cut])
    added = estimate_messages([conversation.summary.build_message()])
    assert estimate_request(conversation) == before - gone + added


@given(_exchanges, st.integers(1, 12), _kept)
def test_asking_for_it_leaves_half_and_no_more_than_is_kept(
    exchanges: list[list[Message]], begun: int, keep: int
) -> None:
    messages = join(exchanges)
    begun = len(join(exchanges[:begun]))
    cut = decide_cut_asked(messages, begun, keep)
    assert begun <= cut <= len(messages)
    left = sum(map(begins_exchange, messages[begun:]))
    if cut > begun:
        assert sum(map(begins_exchange, messages[cut:])) == min(keep, left // 2)


def test_the_first_beginning_stays_while_the_chat_goes_on() -> None:
    said = [build_user_message(f"q{n}") for n in range(6)]
    conversation = Conversation("c", Agent("", "m"), messages=said[:4], summary=Recap("short", 2))
    first = conversation.build_request(said[4]).messages
    conversation.messages.append(said[4])
    second = conversation.build_request(said[5]).messages
    assert second[: len(first)] == first
    assert "summary of its first 2 messages" in first[0].text
    assert first[1:] == (said[2], said[3], said[4])


def test_a_summary_of_what_is_no_longer_there_is_not_sent() -> None:
    said = build_user_message("q")
    conversation = Conversation("c", Agent("", "m"), summary=Recap("short", 2))
    assert conversation.build_request(said).messages == (said,)


def test_what_the_upstream_counted_goes_before_an_estimate() -> None:
    said = [build_user_message("x" * 400) for _ in range(3)]
    conversation = Conversation("c", Agent("", "m"), messages=said[:2])
    assert estimate_request(conversation, said[2]) == 3 * 104
    conversation.measured = Measured(500, 2)
    assert estimate_request(conversation, said[2]) == 500 + 104
    conversation.measured = Measured(1, 2)  # a server that counts only what was new to its cache
    assert estimate_request(conversation, said[2]) == 3 * 104 // 2
    conversation.measured = Measured(500, 3)  # of an answer that was taken back
    assert estimate_request(conversation, said[2]) == 3 * 104


def test_every_kind_of_part_counts() -> None:
    parts = (
        TextPart("ab" * 4),
        ImagePart("image/png", b""),
        DocumentPart("d.pdf", b"x" * 500_000),
        TextFilePart("t.txt", "é" * 4),
        ReasoningPart("", "reasoning", wire="w" * 8),
        OpaquePart("w" * 4),
        ToolCall("c", "look", "{}  "),
        ToolResult("c", "f" * 12),
    )
    sizes = [estimate_messages([Message("user", (part,))]) - 4 for part in parts]
    assert sizes == [2, 1600, 27_500, 2, 2, 1, 2, 3]


def test_the_output_limit_is_left_free() -> None:
    assert decide_room(1000, 0.8, None) == 800
    assert decide_room(1000, 0.8, 200) == 640
    assert decide_room(1000, 0.8, 5000) == 400


@given(st.text(max_size=300), st.integers(0, 300))
def test_a_text_whose_middle_is_cut_keeps_its_ends(text: str, most: int) -> None:
    cut = cut_middle(text, most)
    assert cut == text if len(text) <= most else "characters left out" in cut
    assert len(cut) <= max(most, 40)


@given(st.lists(st.text(max_size=2000), max_size=12), st.integers(50, 2000))
def test_a_transcript_has_the_length_that_there_is_room_for(texts: list[str], tokens: int) -> None:
    messages = [build_user_message(text) for text in texts]
    text = format_transcript(Recap("what was before", 3), messages, tokens)
    # Letters of several bytes may stand in what stays.
    assert estimate_text(text) <= tokens * 2 + 20


def test_one_long_piece_gives_way_before_the_short_ones() -> None:
    messages = [build_user_message("short one"), build_user_message("x" * 100_000)]
    text = format_transcript(None, messages, 200)
    assert "short one" in text
    assert "characters left out" in text
    assert estimate_text(text) <= 210


def test_the_summary_request_says_all_that_was_there() -> None:
    parts = (ImagePart("image/png", b"", "a.png"), DocumentPart("b.pdf", b""))
    messages = [
        Message("user", (*parts, TextFilePart("c.txt", "inside"), TextPart("look"))),
        Message(
            "assistant", (ReasoningPart("hm", "r"), OpaquePart("{}"), ToolCall("c", "f", "{}"))
        ),
        Message("user", (ToolResult("c", "found", is_error=True),)),
    ]
    conversation = Conversation("c", Agent("", "m"), messages=messages)
    request = build_summary_request(conversation, 3, None, 10_000)
    text = request.messages[0].text
    for word in ("a.png", "b.pdf", "inside", "look", "tool f with {}", "failed: found"):
        assert word in text
    assert "hm" not in text
    assert request.parameters.max_tokens is None
    assert build_summary_request(conversation, 3, 4000, 10).parameters.max_tokens == 1000


@pytest.mark.parametrize("keep", [1, 4])
def test_a_question_that_leaves_no_room_leaves_no_exchange(keep: int) -> None:
    messages = [build_user_message("x" * 40), Message("assistant", (TextPart("y" * 40),))]
    assert decide_cut(messages, 0, keep, 0) == 2
