"""An answer is judged by what it says and by its schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.chat.structured import (
    Judgement,
    build_retry,
    decide_again,
    format_failure,
    format_reason,
    judge_answer,
)
from hiveloom_cli.protocols.event import FinishReason
from hiveloom_cli.protocols.output_schema import OutputSchema

OUTPUT = OutputSchema(
    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
)
RIGHT = '{"a": 1}'
ANYTHING = OutputSchema({})


@pytest.mark.parametrize(
    "said",
    [
        RIGHT,
        f"\n {RIGHT} \n",
        f"```json\n{RIGHT}\n```",
        f"```\n{RIGHT}\n```\n",
        f"~~~~ json\n{RIGHT}\n~~~~",
        f"Here it is:\n\n```json\n{RIGHT}\n```\n\nDoes that help?",
        f"  ```json\n  {RIGHT}\n  ```",
    ],
)
def test_the_json_is_taken_out_of_what_is_around_it(said: str) -> None:
    assert judge_answer(said, OUTPUT) == Judgement(RIGHT, {"a": 1}, ())


def test_the_json_stays_as_the_model_wrote_it() -> None:
    said = '{ "a" : 1,\n  "b": 1.50, "c": "\\u00e9 ```" }'
    assert judge_answer(f"```json\n{said}\n```", OUTPUT).text == said


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("Sorry.", "$: not JSON: line 1, column 1: Expecting value"),
        ("", "$: not JSON: line 1, column 1: Expecting value"),
        ('{"a": 1', "$: not JSON: line 1, column 8: Expecting ',' delimiter"),
        (f"{RIGHT} {RIGHT}", "$: not JSON: line 1, column 10: Extra data"),
        (f"```\n{RIGHT}\n```\n```\n{RIGHT}\n```", "$: not JSON: line 1, column 1"),
        (f"It is {RIGHT}, I think.", "$: not JSON: line 1, column 1"),
        ('{"a": NaN}', "$: not JSON: NaN is no JSON value"),
        ('{"a": "x\ny"}', "$: not JSON: line 1, column 9: Invalid control character"),
        ("[" * 100_000, "$: not JSON: it is nested too deeply"),
        ("1" * 5_000, "$: not JSON: Exceeds the limit"),
        ('{"a": "1"}', "$.a: '1' is not of type 'integer'"),
        ("{}", "$: 'a' is a required property"),
        ("[]", "$: [] is not of type 'object'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(said: str, fault: str) -> None:
    (found,) = judge_answer(said, OUTPUT).faults
    assert found.startswith(fault)
    assert len(found) < 350


def test_json_that_does_not_fit_is_kept_with_its_value() -> None:
    judgement = judge_answer('```json\n{"a": "1"}\n```', OUTPUT)
    assert (judgement.text, judgement.value) == ('{"a": "1"}', {"a": "1"})


@given(st.text())
def test_whatever_a_model_says_is_judged(said: str) -> None:
    judgement = judge_answer(said, OUTPUT)
    assert judgement.faults or isinstance(judgement.value, dict)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(["{}", "```json\n{}\n```", "Well:\n```\n{}\n```\nSo?"]),
)
def test_any_json_is_found_within_a_fence(value: Any, frame: str) -> None:
    said = frame.replace("{}", json.dumps(value, ensure_ascii=False))
    judgement = judge_answer(said, ANYTHING)
    assert (judgement.value, judgement.faults) == (value, ())


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        (FinishReason.STOP, True),
        (FinishReason.OTHER, True),
        (FinishReason.LENGTH, False),
        (FinishReason.CONTENT_FILTER, False),
    ],
)
def test_only_an_answer_that_ended_by_itself_is_asked_for_again(
    reason: FinishReason, *, again: bool
) -> None:
    assert decide_again(judge_answer("no", OUTPUT), reason) is again
    assert decide_again(judge_answer(RIGHT, OUTPUT), reason) is False


def test_the_model_is_told_what_is_wrong_and_what_is_asked() -> None:
    told = build_retry(judge_answer("{}", OUTPUT), OUTPUT)
    assert "- $: 'a' is a required property" in told
    assert json.dumps(OUTPUT.schema) in told


def test_a_person_is_told_the_first_fault_and_how_many_there_are() -> None:
    assert format_reason(Judgement("", None, ("one", "two", "three"))) == "one; and 2 more"
    assert len(format_reason(Judgement("", None, ("x" * 500,)))) == 120


@pytest.mark.parametrize(
    ("reason", "said", "hint"),
    [
        (FinishReason.STOP, "$: 'a' is a required property", "another model"),
        (FinishReason.LENGTH, "cut at the token limit", "--max-tokens"),
        (FinishReason.CONTENT_FILTER, "a filter broke the answer off", "in another way"),
    ],
)
def test_why_no_answer_fits_is_said(reason: FinishReason, said: str, hint: str) -> None:
    what, try_this = format_failure(judge_answer("{}", OUTPUT), reason)
    assert said in what
    assert hint in try_this
