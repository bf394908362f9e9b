"""What a client sends along is told from what is kept, as the client saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.chat.event import ToolEnded, ToolStarted
from hiveloom_cli.protocols.event import TextDelta
from hiveloom_cli.protocols.history import pair_tool_calls
from hiveloom_cli.protocols.message import (
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
)
from hiveloom_cli.serve.asked import Asked
from hiveloom_cli.serve.formats.answer import VisibleText
from hiveloom_cli.serve.likeness import says_the_same

if TYPE_CHECKING:
    from hiveloom_cli.protocols.message import Part

CALL = ToolCall("c1", "look_up", '{"a": 1,  "b": 2}')
RESULT = ToolResult("c1", "a bee")
CAT, DOG = ImagePart("image/png", b"cat"), ImagePart("image/png", b"dog")


def user(*parts: Part | str) -> Message:
    return Message("user", build(parts))


def answer(*parts: Part | str, complete: bool = True) -> Message:
    return Message("assistant", build(parts), complete)


def build(parts: tuple[Part | str, ...]) -> tuple[Part, ...]:
    return tuple(TextPart(part) if isinstance(part, str) else part for part in parts)


HIDDEN = [user("hi"), answer("Wait.", CALL), user(RESULT), answer("A bee.")]
PASSED = [user("hi"), answer("Wait.", CALL), user(RESULT), answer("A bee.")]
REWRITTEN = ToolCall("c1", "look_up", '{"b": 2, "a": 1}')


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ([user("hi"), answer("yo")], [user("hi"), answer("yo")]),
        ([user("hi\n"), answer("yo")], [user("hi"), answer("\nyo ")]),
        ([user("hi", CAT), answer("yo")], [user(CAT, "hi"), answer("yo")]),
        ([user("hi"), answer("yo")], [user("hi"), answer("yo", complete=False)]),
        ([user("hi"), answer("yo")], [user("hi"), answer(ReasoningPart("hm", "r"), "yo")]),
        ([user("hi"), answer("Wait.\n\nA bee.")], HIDDEN),
        ([user("hi"), answer("A bee.")], HIDDEN),
        ([user("hi"), answer("Wait.", REWRITTEN), user(RESULT), answer("A bee.")], PASSED),
        ([user("hi"), answer("Wait.", REWRITTEN)], PASSED[:2]),
    ],
)
def test_the_same_is_found(sent: list[Message], kept: list[Message]) -> None:
    assert says_the_same(sent, kept)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ([user("hi"), answer("yo")], [user("hi"), answer("you")]),
        ([user("hi"), answer("yo")], [user("hi")]),
        ([user("hi")], [user("hi"), answer("yo")]),
        ([user("hi"), answer("yo")], [user("hi"), answer("yo"), user("so"), answer("yes")]),
        ([user("a  b"), answer("yo")], [user("a b"), answer("yo")]),
        ([user("hi", CAT), answer("yo")], [user("hi", DOG), answer("yo")]),
        ([user("hi"), answer("yo")], [user("hi", CAT), answer("yo")]),
        ([answer("hi"), user("yo")], [user("hi"), answer("yo")]),
        ([user("hi"), answer("Wait.")], HIDDEN),
        ([user("hi"), answer("Wait.", CALL), user(RESULT)], PASSED),
        (
            [user("hi"), answer("Wait.", CALL), user(ToolResult("c1", "an ant")), answer("A bee.")],
            PASSED,
        ),
        (
            [
                user("hi"),
                answer("Wait.", ToolCall("c1", "look_up", '{"a": 1}')),
                user(RESULT),
                answer("A bee."),
            ],
            PASSED,
        ),
    ],
)
def test_what_differs_is_not(sent: list[Message], kept: list[Message]) -> None:
    assert not says_the_same(sent, kept)


TEXTS = st.sampled_from(["", "a", "b", "a\n\nb", " "])


@given(st.lists(TEXTS, max_size=4), TEXTS)
def test_an_answer_is_known_by_what_a_client_was_streamed_of_it(
    before: list[str], last: str
) -> None:
    kept, told, seen = [user("hi")], "", VisibleText(Asked("helper", ()))
    for number, text in enumerate(before):
        call = ToolCall(f"c{number}", "own", "{}")
        kept += [answer(*filter(None, [text]), call), user(ToolResult(call.id, "x"))]
        told += seen.take(TextDelta(text)) if text else ""
        seen.take(ToolStarted(call))
        seen.take(ToolEnded(call, ToolResult(call.id, "x")))
    kept.append(answer(*filter(None, [last])))
    told += seen.take(TextDelta(last)) if last else ""
    assert says_the_same([user("hi"), answer(told)], kept)
    assert says_the_same([user("hi"), answer(last)], kept)


PARTS = st.sampled_from([TextPart("a"), TextPart("b"), CAT, CALL, RESULT, ReasoningPart("r", "f")])
MESSAGES = st.lists(
    st.builds(
        lambda role, parts: Message(role, tuple(parts)),
        st.sampled_from(["user", "assistant"]),
        st.lists(PARTS, min_size=1, max_size=3),
    ),
    max_size=5,
)


@given(MESSAGES, MESSAGES)
def test_whatever_was_sent_says_the_same_as_itself_and_shorter_is_never_the_same(
    sent: list[Message], more: list[Message]
) -> None:
    paired = pair_tool_calls(sent)
    assert says_the_same(paired, paired)
    longer = [*paired, user("and"), answer("more"), *more]
    assert not says_the_same(paired, longer)
    assert not says_the_same(longer, paired)
