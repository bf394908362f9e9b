from __future__ import annotations

from typing import Any

import pytest

from tests.support.replies import read_reply
from tests.support.wire import openai_chunk, sse


def call(**fields: Any) -> dict[str, Any]:
    name, arguments = fields.pop("name", None), fields.pop("arguments", None)
    function = {"name": name} if name is not None else {}
    if arguments is not None:
        function["arguments"] = arguments
    return {**fields, "function": function}


def read_calls(*deltas: list[dict[str, Any]], finish: str = "tool_calls") -> list[list[str]]:
    stream = [openai_chunk({"tool_calls": delta}) for delta in deltas]
    stream += [openai_chunk(finish_reason=finish), sse("[DONE]")]
    return [entry["tool_call"] for entry in read_reply("openai", stream) if "tool_call" in entry]


@pytest.mark.parametrize(
    ("deltas", "calls"),
    [
        pytest.param(
            [
                [call(index=0, id="a", name="f", arguments="")],
                [call(index=0, arguments='{"x"')],
                [call(index=0, id="", name="", arguments=": 1}")],
            ],
            [["a", "f", '{"x": 1}']],
            id="fragments under one index, ids and names empty later",
        ),
        pytest.param(
            [[call(id="a", name="f", arguments="{}"), call(id="b", name="g", arguments="{}")]],
            [["a", "f", "{}"], ["b", "g", "{}"]],
            id="whole calls without an index",
        ),
        pytest.param(
            [
                [call(index=0, id="a", name="f", arguments="{}")],
                [call(index=0, id="b", name="g", arguments="{}")],
            ],
            [["a", "f", "{}"], ["b", "g", "{}"]],
            id="a new id begins a new call under the same index",
        ),
        pytest.param(
            [
                [call(index=1, id="a", name="f")],
                [call(index=2, id="b", name="g")],
                [call(index=1, arguments="{1}")],
                [call(index=2, arguments="{2}")],
            ],
            [["a", "f", "{1}"], ["b", "g", "{2}"]],
            id="indexes count from one, fragments interleaved",
        ),
        pytest.param(
            [
                [call(index=0, id="a", name="f", arguments="{")],
                [call(index=0, id="a", name="f", arguments="}")],
            ],
            [["a", "f", "{}"]],
            id="id and name repeated on every fragment",
        ),
        pytest.param(
            [[call(id="a", name="f")], [call(arguments="{")], [call(id=None, arguments="}")]],
            [["a", "f", "{}"]],
            id="neither id nor index: the latest call",
        ),
        pytest.param(
            [[call(id="a", name="f", arguments={"x": "ü"})]],
            [["a", "f", '{"x": "ü"}']],
            id="arguments as an object",
        ),
        pytest.param([[call(index=0, name="f")]], [["call_0", "f", ""]], id="no id at all"),
        pytest.param(
            [
                [
                    call(id="null", name="f", arguments="{}"),
                    call(id="null", name="f", arguments="{}"),
                ]
            ],
            [["call_0", "f", "{}"], ["call_1", "f", "{}"]],
            id="whole calls whose id is the word null",
        ),
        pytest.param(
            [[call(index=0, id="", name="f", arguments="{}"), call(index=0, id="", name="g")]],
            [["call_0", "f", "{}"], ["call_1", "g", ""]],
            id="whole calls without an id, all under one index",
        ),
        pytest.param(
            [
                [call(index=0, id="a", name="f")],
                [call(index=0, id=None, name=None, arguments='{"x"')],
                [call(index=0, id="null", name="", arguments=": 1}")],
                [call(index=0, id="null", name="", arguments="")],
            ],
            [["a", "f", '{"x": 1}']],
            id="ids and names null and empty in turn, the first without arguments",
        ),
        pytest.param(
            [
                [call(index=0, id="a", name="f", arguments='{"x": 1}')],
                [call(index=0, id="a", name="f", arguments='{"x": 1}')],
            ],
            [["a", "f", '{"x": 1}']],
            id="a whole call sent twice",
        ),
        pytest.param(
            [
                [call(index=0, id="a", name="f", arguments='{"x"')],
                [call(index=0, id="a", name="f", arguments=": 1}")],
                [call(index=0, id="a", name="f", arguments="")],
            ],
            [["a", "f", '{"x": 1}']],
            id="id and name on every fragment, the last one empty",
        ),
        pytest.param(
            [[call(index=0, id="a", name="f", arguments=3), call(id="b", name="g", arguments=[1])]],
            [["a", "f", "3"], ["b", "g", "[1]"]],
            id="arguments that are another JSON value",
        ),
        pytest.param(
            [
                [call(index=0, id="a", arguments="{}")],
                [call(index=1, id="b", name="", arguments="{}")],
                [call(index=2, id="c", name="h", arguments="{}")],
            ],
            [["c", "h", "{}"]],
            id="what has no name is no call",
        ),
        pytest.param(
            [[call(index=0, name="f", id="a")], [call(index=0, id="late", arguments="{}")]],
            [["a", "f", ""]],
            id="a new id without a name begins nothing that can be run",
        ),
        pytest.param(
            [[call(index=0, name="f")], [call(index=0, id="late", arguments="{}")]],
            [["late", "f", "{}"]],
            id="the id comes late",
        ),
    ],
)
def test_fragments_become_calls(deltas: list[list[dict[str, Any]]], calls: list[list[str]]) -> None:
    assert read_calls(*deltas) == calls


def test_stop_with_calls_present_means_tool_calls() -> None:
    assert read_calls([call(id="a", name="f", arguments="{}")], finish="stop") == [["a", "f", "{}"]]


def test_calls_cut_by_the_limit_are_not_ready() -> None:
    assert read_calls([call(id="a", name="f", arguments="{")], finish="length") == []


def test_a_call_is_read_from_the_finish_chunk_too() -> None:
    whole = [call(id="a", name="f", arguments="{}")]
    chunk = openai_chunk({"content": None, "tool_calls": whole}, finish_reason="tool_calls")
    assert read_reply("openai", [chunk])[0] == {"tool_call": ["a", "f", "{}"]}


def test_no_call_is_ready_before_the_stream_ends() -> None:
    chunk = openai_chunk({"tool_calls": [call(id="a", name="f", arguments="{}")]})
    assert [list(entry) for entry in read_reply("openai", [chunk])] == [["error", "message"]]


@pytest.mark.parametrize("calls", [None, "x", {}, [None], [3], [{}], [{"function": None}]])
def test_what_is_no_call_is_passed_over(calls: Any) -> None:
    stream = [openai_chunk({"content": "hi", "tool_calls": calls}, finish_reason="stop")]
    assert read_reply("openai", stream) == [{"text": "hi"}, {"ended": "stop", "raw": "stop"}]
