"""The arguments of a call are an object that fits the schema, or it is said why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.tools.arguments import parse_call

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ANY: dict[str, Any] = {"type": "object"}
OBJECTS = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    ),
    max_size=4,
)


@given(OBJECTS)
def test_any_object_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    assert parse_call(json.dumps(value), ANY) == value
    assert parse_call(f" {json.dumps(value, ensure_ascii=False)}\n", ANY) == value


def test_half_a_letter_is_mended_wherever_it_stands() -> None:
    read = parse_call(r'{"a\ud83d": ["\ud83d", {"b": "\ud83d\udc1d"}], "n": 1}', ANY)
    assert read == {"a\ufffd": ["\ufffd", {"b": "🐝"}], "n": 1}


@given(st.text() | OBJECTS.map(json.dumps).flatmap(lambda text: st.just(text[:-1])))
def test_any_text_is_an_object_or_a_fault_in_few_words(text: str) -> None:
    try:
        assert isinstance(parse_call(text, ANY), dict)
    except UsageMistake as mistake:
        assert len(mistake.message) < 1200  # noqa: PT017 - what is given decides which it is


@pytest.mark.parametrize("text", ["", " ", "\n", "{}", " {} "])
def test_no_text_is_no_arguments(text: str) -> None:
    assert parse_call(text, ANY) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"city": ', 'the arguments are not JSON (Expecting value): {"city": '),
        ("city=Bern", "the arguments are not JSON (Expecting value): city=Bern"),
        ('"Bern"', 'the arguments are no JSON object: "Bern"'),
        ("null", "the arguments are no JSON object: null"),
        ("{}", "the arguments do not fit the tool's schema: $: 'city' is a required property"),
        ('{"city": {"a": 1}}', "$.city: {'a': 1} is not of type 'string'"),
        ("[" * 9000, "the arguments are not JSON (nested too deeply): ["),
        ("{" * 9000, "the arguments are not JSON ("),
        ("9" * 9000, "the arguments are not JSON ("),
    ],
)
def test_what_is_wrong_is_said_and_what_was_written_shown(text: str, said: str) -> None:
    with pytest.raises(UsageMistake) as caught:
        parse_call(text, CITY)
    assert said in caught.value.message
    assert len(caught.value.message) < 1200


def test_many_faults_are_told_in_few_words() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    arguments = json.dumps({f"field {number}": "x" * 9000 for number in range(50)})
    with pytest.raises(UsageMistake) as caught:
        parse_call(arguments, schema)
    assert len(caught.value.message) < 2000


@pytest.mark.parametrize(
    "schema",
    [{"type": "nonsense"}, {"$ref": "https://example.org/x"}, {"$ref": "#"}, {"pattern": "("}],
)
def test_a_schema_that_cannot_be_applied_is_a_fault_as_well_or_holds_nothing(
    schema: dict[str, Any],
) -> None:
    try:
        assert parse_call("{}", schema) == {}
    except UsageMistake as mistake:
        assert mistake.message.startswith("the arguments do not fit")  # noqa: PT017 - as above
