"""Reading a request's JSON field by field; what is wrong with one is told under its name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from hiveloom_cli.json_schema import parse_json
from hiveloom_cli.protocols.text import repair_text
from hiveloom_cli.serve.asked import Rejection

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEEPEST = 100  # no client means more, and what is deeper could not be sent on
_LONGEST_SHOWN = 80
_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a request and its place, such as `messages[0].role`, or `messages.0.role`."""

    value: Any
    place: str = ""
    brackets: bool = True

    @property
    def is_set(self) -> bool:
        """Whether the request says it; null counts as not said."""
        return self.value is not None

    def get(self, key: str) -> Field:
        """Return a member of an object, set or not; raises `Rejection` for what is no object."""
        members = self._read(dict)
        place = f"{self.place}.{key}" if self.place else key
        return Field(members.get(key), place, self.brackets)

    def read_map(self) -> dict[str, Any]:
        """Return an object as it is."""
        return self._read(dict)

    def read_items(self, most: int) -> list[Field]:
        """Return the items of an array of `most` at most."""
        items = self._read(list)
        if len(items) > most:
            raise self.refuse(f"{len(items)} items are too many; {most} is the most")
        form = "{}[{}]" if self.brackets else "{}.{}"
        return [
            Field(item, form.format(self.place, index), self.brackets)
            for index, item in enumerate(items)
        ]

    def read_text(self) -> str:
        """Return a string."""
        return self._read(str)

    def read_optional_text(self) -> str:
        """Return a string, "" where there is none."""
        return self._read(str) if self.is_set else ""

    def read_flag(self) -> bool:
        """Return a boolean, false where there is none."""
        return self._read(bool) if self.is_set else False

    def read_number(self, least: float, most: float) -> float | None:
        """Return a number between two, or None where there is none."""
        if not self.is_set:
            return None
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.refuse("a number is expected")
        if not least <= self.value <= most:
            raise self.refuse(f"a number from {least:g} to {most:g} is expected")
        return self.value

    def read_count(self, most: int) -> int | None:
        """Return a whole number from 1 to `most`, or None where there is none; 2.0 is one too."""
        if not self.is_set:
            return None
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse("a whole number is expected")
        if not 1 <= value <= most:
            raise self.refuse(f"a whole number from 1 to {most} is expected")
        return value

    def read_word(self, words: Iterable[str]) -> str:
        """Return a string that is one of `words`."""
        word, known = self._read(str), sorted(words)
        if word not in known:
            choice = f"one of {', '.join(known)}" if len(known) > 1 else f"“{known[0]}”"
            raise self.refuse(f"{self.shown} is not {choice}")
        return word

    @property
    def shown(self) -> str:
        """The value for a message: one line, and short."""
        text = self.value if isinstance(self.value, str) else type(self.value).__name__
        plain = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
        return f"“{plain if len(plain) <= _LONGEST_SHOWN else plain[:_LONGEST_SHOWN] + '…'}”"

    def refuse(self, problem: str, *, status: int = 400) -> Rejection:
        """Build what to raise where something is wrong with the value."""
        return Rejection(status, f"{self.place}: {problem}" if self.place else problem)

    def _read(self, kind: type[_T]) -> _T:
        if isinstance(self.value, kind):
            return self.value
        if not self.is_set and self.place:
            raise self.refuse("it is required")
        raise self.refuse(f"{_KINDS[kind]} is expected")


def parse_body(body: bytes, *, brackets: bool = True) -> Field:
    """Read a request's body, an object; raises `Rejection` for anything else."""
    try:
        value = _clean(parse_json(body.decode("utf-8-sig")), _DEEPEST)
    except UnicodeDecodeError:
        raise Rejection(400, "the body is not UTF-8") from None
    except ValueError:
        raise Rejection(400, "the body is not JSON that can be read") from None
    if not isinstance(value, dict):
        raise Rejection(400, "the body is not a JSON object")
    return Field(value, "", brackets)


def _clean(value: Any, depth: int) -> Any:
    """Make every text one that can be written again; what cannot be is a `ValueError`."""
    match value:
        case str():
            return repair_text(value)
        case float() if not math.isfinite(value):
            raise ValueError("a number is too large")
        case dict() | list() if depth <= 0:
            raise ValueError("nested too deeply")
        case dict():
            return {repair_text(key): _clean(inner, depth - 1) for key, inner in value.items()}
        case list():
            return [_clean(inner, depth - 1) for inner in value]
    return value
