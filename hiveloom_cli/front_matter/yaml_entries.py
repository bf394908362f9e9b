"""Where the entries of a mapping stand in its text, character by character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hiveloom_cli.front_matter.yaml_text import compose_mapping


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: from `start` up to, not including, `end`, in characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a key and its value stand in a text; `items` are those of a list.

    Comments belong to none of them, but those inside a list's brackets.
    """

    key: Span
    value: Span
    items: tuple[Span, ...] = ()
    is_block_list: bool = False


def find_entries(text: str) -> dict[str, Entry]:
    """Find where the entries of a mapping stand in its text.

    Gives {} for a mapping in braces, whose layout tells no entry's lines. Raises `ValueError` for
    a text that another change has broken.
    """
    root = compose_mapping(text)
    if root is None or root.flow_style:
        return {}
    return {key.value: _build_entry(key, value) for key, value in root.value}


def _build_entry(key: Any, value: Any) -> Entry:
    is_list = value.id == "sequence"
    return Entry(
        Span(key.start_mark.index, key.end_mark.index),
        _build_span(value),
        tuple(map(_build_span, value.value)) if is_list else (),
        is_list and not value.flow_style,
    )


def _build_span(node: Any) -> Span:
    """Find where a value ends, which for one in lines is where its last piece does.

    The library lets those reach up to the next key, over comments that belong to it.
    """
    last = node
    while last.id != "scalar" and not last.flow_style and last.value:
        last = last.value[-1]
        last = last[1] if isinstance(last, tuple) else last
    return Span(node.start_mark.index, last.end_mark.index)
