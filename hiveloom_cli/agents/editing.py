"""Changes to single settings of an agent's file that leave the rest of it as it was written.

Comments, blank lines, the order of keys, settings that are not known, quotes, line ends and a byte
order mark stay, byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from hiveloom_cli.agents.schema import find_expected, parse_agent
from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.front_matter.document import MAX_SETTINGS, parse_document, split_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hiveloom_cli.front_matter.document import Parts

_BODY = re.compile(r"([\r\n]*)(.*?)([\r\n]*)", re.DOTALL)
_NEEDED = "model"


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to differ afterwards; no key stands in two of them but in `added` and `removed`.

    `settings` are given these values, those in `unset` go. `added` and `removed` are items of lists
    such as `tools`. A `prompt` of None stays as it is.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    added: Mapping[str, Sequence[str]] = field(default_factory=dict)
    removed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    prompt: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be changed."""
        return self == Changes()

    @property
    def lists(self) -> list[str]:
        """The keys of the lists that something is added to or removed from."""
        return list(dict.fromkeys((*self.added, *self.removed)))


def edit_settings(text: str, path: Path, changes: Changes) -> str:
    """Change an agent's file as told, and nothing else in it; `path` is for messages.

    Raises `SettingsInvalid` for a file that is broken as it is, and `UsageMistake` for changes
    that cannot be made, or not in a file that is laid out as this one is.
    """
    parse_agent(path.stem, text, path)
    parts = split_document(text, path)
    former = {key: one.value for key, one in parse_document(text, path).fields.items()}
    wished = _build_wished(former, changes)
    body = _put_prompt(parts, changes.prompt)
    try:
        settings = _splice(parts, former, wished, changes)
    except (SettingsInvalid, LookupError, ValueError):
        _refuse(path)
    if len(settings) > MAX_SETTINGS:
        raise UsageMistake(f"the settings would be longer than {MAX_SETTINGS:,} characters")
    edited = f"{parts.head}{settings}{_end_line(parts, body)}{body}"
    _check(edited, path, wished, body)
    return edited


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same in YAML: `1` and `1.0` are, `1` and `true` are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(map(is_same, one.values(), other.values()))
    return bool(one == other)


def _build_wished(former: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """Build the settings as they are to be afterwards. Raises `UsageMistake`."""
    wished = {**former, **changes.settings}
    for key in changes.unset:
        if key not in former:
            raise UsageMistake(f"{key} is not set, so it cannot be unset{_list(former, 'set are')}")
        if key == _NEEDED:
            raise UsageMistake("an agent needs a model", hint="give it another with --model MODEL")
        del wished[key]
    for key in changes.lists:
        wished[key] = _build_items(key, former.get(key, []), changes)
    for key, value in wished.items():
        if expected := find_expected(key, value):
            raise UsageMistake(f"{key}: expected {expected}")
    return wished


def _build_items(key: str, former: Sequence[str], changes: Changes) -> list[str]:
    """Build a list as it is to be afterwards. Raises `UsageMistake` for what is not in it."""
    added, removed = changes.added.get(key, ()), changes.removed.get(key, ())
    items = [*former, *(item for item in dict.fromkeys(added) if item not in former)]
    for item in removed:
        if item not in items:
            raise UsageMistake(f"“{item}” is not among the {key}{_list(items, 'there are')}")
    return [item for item in items if item not in removed]


def _list(names: Any, verb: str) -> str:
    return f"; {verb}: {', '.join(map(str, names))}" if names else "; there are none"


def _splice(
    parts: Parts, former: Mapping[str, Any], wished: Mapping[str, Any], changes: Changes
) -> str:
    from hiveloom_cli.front_matter.splicing import drop_entry, put_value

    text, line_end = parts.settings, _get_line_end(parts)
    for key in changes.unset:
        text = drop_entry(text, key)
    for key, value in changes.settings.items():
        if key not in former:
            text = put_value(text, key, value, line_end)
        elif _keeps_items(former[key], value):
            text = _splice_items(text, key, former[key], value, line_end)
        elif not is_same(former[key], value):
            text = put_value(text, key, value, line_end)
    for key in changes.lists:
        if key in former:
            text = _splice_items(text, key, former[key], wished[key], line_end)
        else:
            text = put_value(text, key, wished[key], line_end)
    return text


def _keeps_items(old: Any, new: Any) -> bool:
    """Whether a list of words becomes the other by what is added at its end, and what is removed.

    The items that stay need not be touched then.
    """
    if not _is_words(old) or not _is_words(new):
        return False
    kept = [item for item in old if item in new]
    return bool(kept) and new[: len(kept)] == kept


def _is_words(value: Any) -> bool:
    """Whether a value is a list of texts, each of them once."""
    is_texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return is_texts and len(set(value)) == len(value)


def _splice_items(
    text: str, key: str, former: Sequence[str], wished: Sequence[str], line_end: str
) -> str:
    from hiveloom_cli.front_matter.splicing import add_item, drop_item

    # First what is added: a list that was empty in between would lose its style.
    for item in wished:
        if item not in former:
            text = add_item(text, key, item, line_end)
    for index in reversed(range(len(former))):
        if former[index] not in wished:
            text = drop_item(text, key, index)
    return text


def _put_prompt(parts: Parts, prompt: str | None) -> str:
    """Return the file's body with another prompt, in the blank lines that the old one stood in."""
    match = _BODY.fullmatch(parts.body)
    if prompt is None or match is None:
        return parts.body
    try:
        prompt.encode()
    except UnicodeEncodeError:
        raise UsageMistake("the system prompt is not UTF-8 text", hint="save it as UTF-8") from None
    before, old, after = match.groups()
    new = prompt.strip("\r\n").replace("\r\n", "\n")
    if new == old.replace("\r\n", "\n"):
        return parts.body
    line_end = _get_line_end(parts)
    return f"{before}{new.replace(chr(10), line_end)}{after or line_end}"


def _end_line(parts: Parts, body: str) -> str:
    """Return the line that closes the settings, with an end if something follows it."""
    is_open = body and not parts.fence.endswith("\n")
    return parts.fence + _get_line_end(parts) if is_open else parts.fence


def _get_line_end(parts: Parts) -> str:
    return "\r\n" if parts.head.endswith("\r\n") else "\n"


def _check(edited: str, path: Path, wished: Mapping[str, Any], body: str) -> None:
    """Return if the file reads as it was wished; raise `UsageMistake` if not."""
    try:
        document = parse_document(edited, path)
    except SettingsInvalid:
        _refuse(path)
    read = {key: one.value for key, one in document.fields.items()}
    is_same_keys = read.keys() == wished.keys()
    if not is_same_keys or not all(is_same(read[key], wished[key]) for key in read):
        _refuse(path)
    if document.body != body.strip("\r\n"):
        _refuse(path)


def _refuse(path: Path) -> NoReturn:
    raise UsageMistake(
        f"{path}: the way its settings are laid out does not let this be changed by itself",
        hint=f"change it in an editor: hiveloom agent edit {path.stem}",
    ) from None
