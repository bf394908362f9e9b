"""JSON and JSON Schema: what is wrong with a schema, and with a value that should fit one.

Source: JSON Schema, draft 2020-12 unless a schema names another draft as its `$schema`.

No `$ref` is fetched: what a schema refers to has to stand in it.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator
    from referencing import Resource
    from referencing._core import Resolver

_MOST_FAULTS = 5
_LONGEST_PATH = 120
_LONGEST_WORDS = 200
_TOO_DEEP = "it is nested too deeply, or refers to itself without end"
_REFERENCES = ("$ref", "$dynamicRef")


def parse_json(text: str) -> Any:
    """Read JSON as RFC 8259 has it, which knows no NaN and no raw line breaks in strings.

    Raises `ValueError` for anything else, a `json.JSONDecodeError` where it has a place.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON value")


def check_schema(schema: Any) -> list[str]:
    """Find what makes a schema unusable, each as a path and a message; none for a sound one.

    Takes a decoded JSON value of any kind. At most a few faults are told, and each is short.
    """
    if not isinstance(schema, dict):
        return ["$: a schema is a JSON object"]
    validator = _choose_validator(schema)
    meta = _choose_validator(validator.META_SCHEMA)
    judge = meta(validator.META_SCHEMA, format_checker=meta.FORMAT_CHECKER)
    try:
        faults = _list_first(_format_fault(error) for error in judge.iter_errors(schema))
        return faults or _list_first(_find_lost_references(schema, validator))
    except RecursionError:
        return [f"$: {_TOO_DEEP}"]
    except ValueError as error:  # an `$id` that is no address
        return [f"$: {_shorten(str(error), _LONGEST_WORDS)}"]


def find_schema_faults(value: Any, schema: dict[str, Any]) -> list[str]:
    """Find where a decoded JSON value breaks a schema, each as a path and a message.

    At most a few faults are told, and each is short. A schema that cannot be applied is told as a
    fault too; `check_schema` finds that beforehand.
    """
    from jsonschema.exceptions import UndefinedTypeCheck, UnknownType
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    validator = _choose_validator(schema)(schema, registry=Registry())
    try:
        return _list_first(_format_fault(error) for error in validator.iter_errors(value))
    except RecursionError:
        return [f"$: {_TOO_DEEP}"]
    except (
        Unresolvable,
        UnknownType,
        UndefinedTypeCheck,
        re.error,
        TypeError,
        ValueError,
        ArithmeticError,
    ):
        return ["$: the schema itself cannot be applied"]


def _choose_validator(schema: dict[str, Any]) -> type[Validator]:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    # A name that is no text breaks the metaschema, which then says so.
    named = isinstance(schema.get("$schema"), str)
    return validator_for(schema, default=Draft202012Validator) if named else Draft202012Validator


def _list_first(faults: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(islice(faults, _MOST_FAULTS)))


def _format_fault(error: ValidationError) -> str:
    from jsonschema.exceptions import best_match

    # "Not valid under any of the given schemas" helps nobody: tell what is wrong with the nearest.
    nearest = best_match(iter([error])) or error
    path, words = nearest.json_path, " ".join(nearest.message.split())
    return f"{_shorten(path, _LONGEST_PATH)}: {_shorten(words, _LONGEST_WORDS)}"


def _shorten(text: str, length: int) -> str:
    # The value stands first in a message, and what is wrong with it last.
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def _find_lost_references(schema: dict[str, Any], validator: type[Validator]) -> Iterator[str]:
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012, specification_with

    draft = specification_with(validator.META_SCHEMA["$schema"], default=DRAFT202012)
    root = draft.create_resource(schema)
    registry: Registry[Any] = Registry().with_resource(root.id() or "", root)
    yield from _walk_references(root, registry.resolver_with_root(root))


def _walk_references(resource: Resource[Any], resolver: Resolver[Any]) -> Iterator[str]:
    from referencing.exceptions import Unresolvable

    if not isinstance(resource.contents, dict):
        return  # true and false are schemas too
    for keyword in _REFERENCES:
        reference = resource.contents.get(keyword)
        if isinstance(reference, str):
            try:
                resolver.lookup(reference)
            except Unresolvable:
                told = _shorten(reference, _LONGEST_PATH)
                yield f"$: it refers to {told}, which is not in it; nothing is fetched"
    for inner in resource.subresources():
        yield from _walk_references(inner, resolver.in_subresource(inner))
