"""What is wrong with a schema, and with a value that should fit one, is said in short lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.json_schema import check_schema, find_schema_faults

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0},
        "pets": {"type": "array", "items": {"$ref": "#/$defs/pet"}},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
    "$defs": {"pet": {"type": "object", "required": ["kind"]}},
}
ENDLESS = {"$ref": "#"}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
KEYWORDS = st.sampled_from(
    ["type", "$ref", "$id", "$schema", "properties", "items", "anyOf", "pattern", "multipleOf"]
)


def nest(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "schema",
    [
        {},
        PERSON,
        ENDLESS,
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}},
        {"$schema": "https://example.org/unknown"},
        {"$id": "https://example.org/a", "$defs": {"b": {"$id": "b"}}, "$ref": "b"},
        {"const": {"$ref": "https://example.org/only-a-value"}},
        {"properties": {"$ref": {"type": "string"}, "open": True}},
    ],
)
def test_a_sound_schema_has_no_faults(schema: dict[str, Any]) -> None:
    assert check_schema(schema) == []


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ([], "$: a schema is a JSON object"),
        (True, "$: a schema is a JSON object"),
        ({"type": "text"}, "$.type: 'text' is not"),
        ({"properties": {"a": {"minimum": "0"}}}, "$.properties.a.minimum: '0' is not of type"),
        ({"properties": {"a": {"pattern": "["}}}, "$.properties.a.pattern: '[' is not a 'regex'"),
        ({"required": "name"}, "$.required: 'name' is not of type 'array'"),
        ({"$schema": 3}, "3 is not of type 'string'"),
        ({"$ref": "#/$defs/none"}, "it refers to #/$defs/none, which is not in it"),
        ({"items": {"$ref": "https://example.org/a"}}, "it refers to https://example.org/a,"),
        ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
        ({"$id": "http://[", "$ref": "a"}, "$: "),
    ],
)
def test_what_makes_a_schema_unusable_is_said_with_its_path(schema: Any, said: str) -> None:
    (fault,) = check_schema(schema)
    assert said in fault


def test_a_schema_that_is_nested_too_deeply_is_said_to_be() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5_000):
        schema = {"not": schema}
    assert check_schema(schema) == ["$: it is nested too deeply, or refers to itself without end"]


def test_a_value_that_fits_has_no_faults() -> None:
    assert find_schema_faults({"name": "Ann", "age": 3, "pets": [{"kind": "cat"}]}, PERSON) == []


def test_each_fault_has_its_path() -> None:
    value = {"name": 3, "age": -1, "pets": [{"kind": "cat"}, {}], "more": 1}
    assert sorted(find_schema_faults(value, PERSON)) == [
        "$.age: -1 is less than the minimum of 0",
        "$.name: 3 is not of type 'string'",
        "$.pets[1]: 'kind' is a required property",
        "$: Additional properties are not allowed ('more' was unexpected)",
    ]


def test_of_alternatives_the_nearest_is_told() -> None:
    schema = {"anyOf": [{"type": "integer"}, {"type": "object", "properties": {"a": {"const": 1}}}]}
    assert find_schema_faults({"a": 2}, schema) == ["$.a: 1 was expected"]


def test_a_newer_draft_reads_what_an_older_one_does_not() -> None:
    tuple_schema: dict[str, Any] = {"prefixItems": [{"type": "string"}]}
    older = {"$schema": "http://json-schema.org/draft-07/schema#", **tuple_schema}
    assert find_schema_faults([1], tuple_schema) == ["$[0]: 1 is not of type 'string'"]
    assert find_schema_faults([1], older) == []


def test_many_faults_of_long_values_stay_few_and_short() -> None:
    faults = find_schema_faults([["x" * 10_000]] * 1_000, {"items": {"items": {"type": "null"}}})
    assert len(faults) == 5
    assert all(len(fault) < 350 for fault in faults)
    assert all(fault.endswith("is not of type 'null'") for fault in faults)


def test_a_long_key_is_cut_in_a_path() -> None:
    (fault,) = find_schema_faults({"k" * 9_999: 1}, {"additionalProperties": {"type": "null"}})
    assert len(fault) < 350


def test_a_fault_is_one_line() -> None:
    assert find_schema_faults("a\nb", {"const": "c\n\nd"}) == ["$: 'c\\n\\nd' was expected"]


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        (1, ENDLESS, "$: it is nested too deeply, or refers to itself without end"),
        (nest(5_000), {"items": {"$ref": "#"}}, "$: it is nested too deeply,"),
        (1, {"$ref": "https://example.org/never-fetched"}, "$: the schema itself cannot"),
        ("a", {"pattern": "["}, "$: the schema itself cannot be applied"),
        (1, {"type": "text"}, "$: the schema itself cannot be applied"),
        (1, {"minimum": "0"}, "$: the schema itself cannot be applied"),
        (10**400, {"multipleOf": 0.1}, "$: "),
    ],
)
def test_a_schema_that_cannot_be_applied_is_a_fault(value: Any, schema: Any, said: str) -> None:
    (fault,) = find_schema_faults(value, schema)
    assert fault.startswith(said)


@given(JSON_VALUES)
def test_whatever_a_schema_is_it_is_judged(schema: Any) -> None:
    assert all(isinstance(fault, str) for fault in check_schema(schema))


@given(st.dictionaries(KEYWORDS, JSON_VALUES | st.dictionaries(KEYWORDS, JSON_VALUES)), JSON_VALUES)
def test_whatever_a_sound_schema_asks_a_value_is_judged(schema: Any, value: Any) -> None:
    if not check_schema(schema):
        assert all(isinstance(fault, str) for fault in find_schema_faults(value, schema))
