"""A history made fit: calls with their results, turns that alternate, ids that suit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.protocols.call_ids import fit_name, rewrite_body_ids, rewrite_call_ids
from hiveloom_cli.protocols.history import fit_history, pair_tool_calls
from hiveloom_cli.protocols.message import (
    ImagePart,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
    stamp_message,
)
from hiveloom_cli.protocols.openai_chat.request import build_body
from hiveloom_cli.protocols.request import ChatRequest

if TYPE_CHECKING:
    from collections.abc import Sequence


def user(*parts: Part | str) -> Message:
    return Message(
        "user", tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    )


def assistant(*parts: Part | str) -> Message:
    return Message("assistant", user(*parts).parts)


def call(call_id: str = "a", name: str = "f", arguments: str = "{}") -> ToolCall:
    return ToolCall(call_id, name, arguments)


IMAGE = ImagePart("image/png", b"")
ABORTED = ToolResult("a", "aborted", is_error=True)


@pytest.mark.parametrize(
    ("history", "paired"),
    [
        pytest.param(
            [user("q"), assistant(call()), user(ToolResult("a", "1")), assistant("done")],
            [user("q"), assistant(call()), user(ToolResult("a", "1")), assistant("done")],
            id="what is paired stays as it is",
        ),
        pytest.param(
            [user("q"), assistant(call())],
            [user("q"), assistant(call()), user(ABORTED)],
            id="a call at the end",
        ),
        pytest.param(
            [user("q"), assistant(call()), user("and?")],
            [user("q"), assistant(call()), user(ABORTED, "and?")],
            id="a call that something else followed",
        ),
        pytest.param(
            [
                assistant(call("b"), call("a")),
                user("so:", ToolResult("a", "1"), ToolResult("b", "2")),
            ],
            [
                assistant(call("b"), call("a")),
                user(ToolResult("b", "2"), ToolResult("a", "1"), "so:"),
            ],
            id="results come first, in the order of the calls",
        ),
        pytest.param(
            [assistant(call()), user("wait"), user(ToolResult("a", "1"))],
            [assistant(call()), user(ToolResult("a", "1"), "wait")],
            id="a result in the message after the next",
        ),
        pytest.param(
            [user("q"), user(ToolResult("x", "1"))],
            [user("The result of an earlier tool call:\n1", "q")],
            id="a result without its call becomes text",
        ),
        pytest.param(
            [assistant(call()), user(ToolResult("a", "1"), ToolResult("a", "2"))],
            [
                assistant(call()),
                user(ToolResult("a", "1"), "The result of an earlier tool call:\n2"),
            ],
            id="a second result for one call becomes text",
        ),
        pytest.param(
            [assistant(call(), call()), user(ToolResult("a", "1"), ToolResult("a", "2"))],
            [assistant(call(), call()), user(ToolResult("a", "1"), ToolResult("a", "2"))],
            id="two calls under one id have two results",
        ),
        pytest.param(
            [assistant("one, "), assistant("two")],
            [assistant("one, ", "two")],
            id="an answer that went on after a pause",
        ),
        pytest.param([user("a"), user("b")], [user("a\n\nb")], id="two messages of the user"),
        pytest.param(
            [user("a", IMAGE), user("b")], [user("a", IMAGE, "b")], id="an image between two texts"
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_calls_and_results_are_paired(history: list[Message], paired: list[Message]) -> None:
    joined = [_join_strays(message) for message in pair_tool_calls(history)]
    assert joined == [_join_strays(message) for message in paired]
    assert pair_tool_calls(pair_tool_calls(history)) == pair_tool_calls(history)


def _join_strays(message: Message) -> Message:
    # Texts that meet are one, or two with a blank line between; a person sees no difference.
    parts: list[Part] = []
    for part in message.parts:
        if message.role == "user" and parts and isinstance(part, TextPart):
            last = parts[-1]
            if isinstance(last, TextPart):
                parts[-1] = TextPart(f"{last.text}\n\n{part.text}")
                continue
        parts.append(part)
    return Message(message.role, tuple(parts))


def test_turns_that_say_nothing_are_left_out() -> None:
    history = [user("a"), assistant(" \n", ReasoningPart("hm", "reasoning")), user("b")]
    assert fit_history(history, lambda _message, _part: True) == (user("a\n\nb"),)
    searched = [user("a"), assistant(OpaquePart("{}"))]
    assert fit_history(searched, lambda _message, _part: True) == tuple(searched)


def test_parts_that_their_role_cannot_say_are_left_out() -> None:
    history = [user(call(), OpaquePart("{}"), "a"), assistant(IMAGE, ToolResult("a", "1"), "b")]
    fitted = fit_history(history, lambda _message, _part: True)
    assert fitted == (user("a"), assistant("b"))


def test_a_stamp_says_who_made_what_only_its_maker_gets_back() -> None:
    parts = (ReasoningPart("hm", "thinking", "{}"), OpaquePart("{}"), TextPart("ah"), call())
    stamped = stamp_message(Message("assistant", parts), "there/m")
    assert stamped.parts == (
        ReasoningPart("hm", "thinking", "{}", "there/m"),
        OpaquePart("{}", "there/m"),
        *parts[2:],
    )


def is_nine(call_id: str) -> bool:
    return bool(re.fullmatch("[a-zA-Z0-9]{9}", call_id))


def list_pairs(messages: Sequence[Message]) -> list[tuple[str, str]]:
    parts = [part for message in messages for part in message.parts]
    calls = [part.id for part in parts if isinstance(part, ToolCall)]
    results = [part.call_id for part in parts if isinstance(part, ToolResult)]
    return list(zip(calls, results, strict=True))


TURNS = [
    user("q"),
    assistant(call("call_abc"), call("functions.x:0"), call("goodgood9")),
    user(
        ToolResult("functions.x:0", "2"), ToolResult("call_abc", "1"), ToolResult("goodgood9", "3")
    ),
    assistant(call("goodgood9"), call("")),
    user(ToolResult("goodgood9", "4"), ToolResult("", "5")),
]


def test_ids_are_rewritten_in_pairs_and_are_unique() -> None:
    rewritten = rewrite_call_ids(TURNS, is_nine, 9)
    pairs = list_pairs(rewritten)
    assert all(one == other and is_nine(one) for one, other in pairs)
    assert len({one for one, _ in pairs}) == 5
    assert pairs[2] == ("goodgood9", "goodgood9")
    results = [part for part in rewritten[2].parts if isinstance(part, ToolResult)]
    assert [result.content for result in results] == ["1", "2", "3"]


def test_a_history_that_grows_keeps_its_ids() -> None:
    for end in range(len(TURNS)):
        shorter = rewrite_call_ids(TURNS[:end], is_nine, 9)
        if end not in {2, 4}:  # those end in calls without results
            assert rewrite_call_ids(TURNS, is_nine, 9)[: len(shorter)] == shorter


def test_a_body_s_ids_are_rewritten_likewise() -> None:
    body = build_body(ChatRequest("m", tuple(TURNS)))
    rewritten = rewrite_body_ids(body, is_nine, 9)
    messages: list[dict[str, Any]] = rewritten["messages"]
    calls = [made["id"] for message in messages for made in message.get("tool_calls", [])]
    results = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert calls == results
    assert len(set(calls)) == 5
    assert all(map(is_nine, calls))
    assert rewrite_body_ids(rewritten, is_nine, 9) == rewritten
    assert body == build_body(ChatRequest("m", tuple(TURNS)))


@pytest.mark.parametrize(
    ("name", "fitted"),
    [("get_it-2", "get_it-2"), ("a.b c", "a_b_c"), ("", "_"), ("ü", "_"), ("x" * 70, "x" * 64)],
)
def test_a_name_that_a_model_made_up_is_made_fit(name: str, fitted: str) -> None:
    assert fit_name(name, 64) == fitted
