"""Thoughts inside the content: found where models write them, and nowhere else."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.protocols.message import ReasoningPart, ToolCall
from hiveloom_cli.protocols.openai_chat.thinking import ThoughtSplitter
from tests.support.replies import join_text, read_reply, read_whole
from tests.support.wire import openai_chunk, openai_reply, openai_stream

if TYPE_CHECKING:
    from collections.abc import Sequence


def split(pieces: Sequence[str], *, has_calls: bool = False) -> tuple[str, str]:
    """Return the thought and the text that pieces of content leave."""
    splitter = ThoughtSplitter()
    for piece in pieces:
        list(splitter.feed(piece))
    list(splitter.close(has_calls=has_calls, cut=False))
    return splitter.thought, splitter.text


THOUGHT = [
    pytest.param("<think>hm</think>ah", "hm", "ah", id="both tags"),
    pytest.param(" \n<think>\nhm\n</think>\n\nah", "hm\n", "ah", id="white space around them"),
    pytest.param("<think></think>ah", "", "ah", id="an empty thought"),
    pytest.param("<think>a < b </ c</think>ah", "a < b </ c", "ah", id="half a tag in the thought"),
    pytest.param("hm\n</think>\n\nah", "hm\n", "ah", id="opened by the template"),
    pytest.param("\n</think>\n\nah", "\n", "ah", id="opened by the template and left empty"),
    pytest.param("</think>\nah", "", "ah", id="nothing but the closing tag before the answer"),
    pytest.param("hm\r\n</think>\r\nah", "hm\r\n", "ah", id="lines that end with CRLF"),
    pytest.param("```\nx\n```\n</think>\nah", "```\nx\n```\n", "ah", id="after code"),
]
MENTIONS = [
    "Write <think> first.",
    "First <think>, then\n</think>\nand the answer.",
    "It ends with </think> and goes on.",
    "```xml\nhm\n</think>\n```\nis how it looks.",
    "<thinking>is another tag</thinking>",
    "<b>bold</b>",
    "<",
    "a\n </think>\nb",
    "a\n</think>b\n",
    "a\n</think",
    "\n\n  indented",
    " ",
]


@pytest.mark.parametrize(("content", "thought", "text"), THOUGHT)
def test_a_thought_is_told_from_the_answer(content: str, thought: str, text: str) -> None:
    assert split([content]) == split(content) == (thought, text)


@pytest.mark.parametrize("content", MENTIONS)
def test_a_mention_stays_in_the_answer(content: str) -> None:
    assert split([content]) == split(content) == ("", content)


def test_a_tag_inside_the_answer_is_a_mention_after_a_thought() -> None:
    assert split(["<think>hm</think>ah\n</think>\noh"]) == ("hm", "ah\n</think>\noh")


def test_text_before_a_lone_tag_was_the_answer_if_nothing_follows() -> None:
    assert split(["done\n</think>"]) == ("", "done\n")
    assert split(["done\n</think>\n"]) == ("", "done\n")
    assert split(["look it up\n</think>\n"], has_calls=True) == ("look it up\n", "")


def test_a_template_s_thought_is_said_as_text_and_kept_as_reasoning() -> None:
    stream = openai_stream(["hm", "\n</th", "ink>\n", "\nah"], usage=None)
    seen, message = read_whole("openai", stream)
    assert join_text(seen) == "hm\nah"
    assert message.text == "ah"
    assert [part.text for part in message.parts if isinstance(part, ReasoningPart)] == ["hm\n"]


def test_a_whole_reply_is_split_likewise() -> None:
    seen = read_reply("openai", [openai_reply("<think>\nhm\n</think>\n\nah")])
    assert seen[:2] == [{"reasoning": "hm\n"}, {"text": "ah"}]


def test_a_thought_that_never_closes_is_the_answer_if_the_reply_is_complete() -> None:
    seen, message = read_whole("openai", openai_stream("<think> opens a thought."))
    assert join_text(seen) == message.text == "<think> opens a thought."


def test_a_thought_cut_by_the_limit_is_no_answer() -> None:
    seen = read_reply("openai", openai_stream("<think>hm", finish_reason="length"))
    assert seen[-1]["error"] == "answer_empty"
    assert "token limit" in seen[-1]["message"]


def test_a_thought_before_a_tool_call_stays_one() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    stream = [
        openai_chunk({"content": "<think>hm"}),
        openai_chunk({"tool_calls": [call]}, finish_reason="tool_calls"),
    ]
    _, message = read_whole("openai", stream)
    thought, called = message.parts
    assert isinstance(thought, ReasoningPart)
    assert thought.text == "hm"
    assert isinstance(called, ToolCall)


def test_half_a_tag_where_the_stream_breaks_is_not_shown() -> None:
    seen = read_reply("openai", openai_stream(["hm", "\n</thi"], finish_reason=None, done=False))
    assert join_text(seen) == "hm\n"


_pieces = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<thi", "nk>", "</", "\n", " ", "`", "```\n", "a", "🐝"]
    )
    | st.text(max_size=3),
    max_size=12,
)


@given(pieces=_pieces, cuts=st.lists(st.integers(0, 60), max_size=5), has_calls=st.booleans())
def test_the_pieces_do_not_matter(pieces: list[str], cuts: list[int], *, has_calls: bool) -> None:
    content = "".join(pieces)
    places = [0, *sorted(cuts), len(content)]
    recut = [content[start:end] for start, end in pairwise(places)]
    assert split(pieces, has_calls=has_calls) == split(recut, has_calls=has_calls)


@given(content=st.text(alphabet="abc<>/ \n`", max_size=40))
def test_content_without_the_tags_comes_through_unchanged(content: str) -> None:
    assert split(content) == ("", content)
