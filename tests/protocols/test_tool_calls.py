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
    ],
)
def test_fragments_become_calls(deltas: list[list[dict[str, Any]]], calls: list[list[str]]) -> None:
    assert read_calls(*deltas) == calls


def test_stop_with_calls_present_means_tool_calls() -> None:
    assert read_calls([call(id="a", name="f", arguments="{}")], finish="stop") == [["a", "f", "{}"]]


def test_calls_cut_by_the_limit_are_not_ready() -> None:
    assert read_calls([call(id="a", name="f", arguments="{")], finish="length") == []
