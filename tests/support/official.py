"""Holding a request body to the TypedDicts that the official clients are built from.

Unlike a validator at run time this knows no leniency: a key that a type does not declare is a fault
at any depth, since strict servers refuse it.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from typing_extensions import ReadOnly, is_typeddict

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName

_OFFICIAL: dict[tuple[ProtocolName, bool], Any] = {
    ("openai", True): CompletionCreateParamsStreaming,
    ("openai", False): CompletionCreateParamsNonStreaming,
    ("anthropic", True): MessageCreateParamsStreaming,
    ("anthropic", False): MessageCreateParamsNonStreaming,
}
# The version of the protocol that we name has these; the newest version, which Anthropic's types
# describe, has them no more.
_VERSIONED = {"anthropic": {"temperature", "top_p"}, "openai": set[str]()}


def check_official(protocol: ProtocolName, body: dict[str, Any]) -> None:
    """Hold a body to the official type: what it demands is there, and nothing it does not know."""
    judged = {key: value for key, value in body.items() if key not in _VERSIONED[protocol]}
    assert list_faults(judged, _OFFICIAL[protocol, body.get("stream", False)]) == []


def list_faults(value: Any, expected: Any, place: str = "body") -> list[str]:
    """List where `value`, decoded JSON, is not of the type `expected`."""
    origin = get_origin(expected)
    if expected is Any or expected is object:
        return []
    if is_typeddict(expected):
        return _list_dict_faults(value, expected, place)
    if origin is None:
        return _list_scalar_faults(value, expected, place)
    return _list_generic_faults(value, origin, get_args(expected), place)


def _list_generic_faults(value: Any, origin: Any, inner: tuple[Any, ...], place: str) -> list[str]:
    if origin in (Required, NotRequired, ReadOnly):
        return list_faults(value, inner[0], place)
    if origin in (Union, types.UnionType):
        return min((list_faults(value, option, place) for option in inner), key=len)
    if origin is Literal:
        return [] if value in inner else [f"{place}: {value!r} is none of {inner}"]
    if issubclass(origin, Mapping):
        return [] if isinstance(value, dict) else [f"{place}: {value!r} is no object"]
    return _list_item_faults(value, inner[0], place)


def _list_dict_faults(value: Any, expected: Any, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place}: {value!r} is no object"]
    hints = get_type_hints(expected, include_extras=True)
    needed = _find_required(expected, hints)
    faults = [f"{place}: {key} is missing" for key in sorted(needed - value.keys())]
    for key, inner in value.items():
        if key in hints:
            faults += list_faults(inner, hints[key], f"{place}.{key}")
        else:
            faults.append(f"{place}: {key} is not declared")
    return faults


def _find_required(expected: Any, hints: dict[str, Any]) -> set[str]:
    # `__required_keys__` is wrong where annotations are strings, as they are in both packages.
    bases = [base for base in getattr(expected, "__orig_bases__", ()) if is_typeddict(base)]
    needed: set[str] = set().union(*(_find_required(base, hints) for base in bases))
    inherited = {key for base in bases for key in base.__annotations__}
    for key in expected.__annotations__.keys() - inherited:
        origin = get_origin(hints[key])
        if origin is Required or (expected.__total__ and origin is not NotRequired):
            needed.add(key)
    return needed


def _list_item_faults(value: Any, expected: Any, place: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{place}: {value!r} is no array"]
    return [
        fault
        for index, item in enumerate(value)
        for fault in list_faults(item, expected, f"{place}[{index}]")
    ]


def _list_scalar_faults(value: Any, expected: Any, place: str) -> list[str]:
    if expected is None or expected is type(None):
        fits = value is None
    elif expected is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif expected is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif isinstance(expected, type):
        fits = isinstance(value, expected)
    else:
        return [f"{place}: this test does not know the type {expected!r}"]
    return [] if fits else [f"{place}: {value!r} is no {expected}"]
