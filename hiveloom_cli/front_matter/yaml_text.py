"""YAML in and out. The only place that knows the library.

Scalars follow YAML 1.2's core schema, so that `no`, `12:30` and dates stay the words that were
typed.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

import yaml

from hiveloom_cli.errors import SettingsInvalid, UsageMistake
from hiveloom_cli.front_matter.plain_settings import Field
from hiveloom_cli.front_matter.yaml_limits import MOST_VALUES, check_tokens, count_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SCALARS = (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0"),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
        "-+.0123456789",
    ),
)
# What PyYAML would write in a way that reads back as something else, or as nothing.
_ESCAPED = re.compile(
    "[^\t -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# What construction lets through, beside YAML's own errors, of a value that is not what it seems.
_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_UNLIMITED = 1_000_000  # columns: a long text stays on its line


class Literal(str):
    """A text that is written as a block of lines, as it stands, wherever YAML can hold it so."""

    __slots__ = ()


def _build_class(base: Any) -> Any:
    class Restricted(base):  # type: ignore[misc]  # the base is known only at run time
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
            """Keys stay the words that were typed, as they have to be in JSON."""
            return {
                _get_word(key): self.construct_object(value, deep=deep) for key, value in node.value
            }

        def analyze_scalar(self, text: str) -> Any:
            """Spaces at the end of a line are kept by a block as well as by quotes."""
            analysis = super().analyze_scalar(text)
            analysis.allow_block = bool(text) and not _ESCAPED.search(text.replace("\n", ""))
            return analysis

    for tag, pattern, first in _SCALARS:
        firsts = ["" if character == "\0" else character for character in first]
        Restricted.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), firsts)
    return Restricted


def _represent_text(dumper: Any, text: str) -> Any:
    # libyaml takes a tab at the beginning of a block for its indentation.
    is_block = isinstance(text, Literal) and not text.startswith("\t")
    is_literal = is_block and not _ESCAPED.search(text.replace("\n", ""))
    style = "|" if is_literal else '"' if _ESCAPED.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)


def _represent_mapping(dumper: Any, fields: dict[str, Any]) -> Any:
    return dumper.represent_mapping("tag:yaml.org,2002:map", fields, flow_style=False)


def _represent_list(dumper: Any, items: list[Any]) -> Any:
    on_one_line = not any(isinstance(item, dict | list) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=on_one_line)


# libyaml's parser where PyYAML was built with it, as its wheels are.
_Loader = _build_class(getattr(yaml, "CSafeLoader", yaml.SafeLoader))
_Dumper = _build_class(yaml.SafeDumper)
_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(Literal, _represent_text)
_Dumper.add_representer(dict, _represent_mapping)
_Dumper.add_representer(list, _represent_list)
_Dumper.ignore_aliases = lambda _dumper, _value: True


class _Setting(dict[str, Any]):
    """A mapping of one entry, whose value is to stand on the key's line."""


def _represent_inline_text(dumper: Any, text: str) -> Any:
    style = '"' if _ESCAPED.search(text) or "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_inline_mapping(dumper: Any, fields: dict[str, Any]) -> Any:
    return dumper.represent_mapping("tag:yaml.org,2002:map", fields, flow_style=True)


def _represent_inline_list(dumper: Any, items: list[Any]) -> Any:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)


_InlineDumper = _build_class(_Dumper)
_InlineDumper.add_representer(str, _represent_inline_text)
_InlineDumper.add_representer(dict, _represent_inline_mapping)
_InlineDumper.add_representer(list, _represent_inline_list)
_InlineDumper.add_representer(_Setting, _represent_mapping)


def parse_mapping(text: str, path: Path, *, line: int = 1) -> dict[str, Field]:
    """Read a text that is one mapping and begins at `line` of the file; blank, it is empty.

    `path` is for messages. Raises `SettingsInvalid` with the line.
    """
    with _explained(text, path, line):
        if "!" in text:
            check_tokens(yaml.scan(text, Loader=_Loader), path, line)
        loader = _Loader(text)
        node = loader.get_single_node()
        return _build_fields(loader, node, path, line) if node is not None else {}


def parse_records(text: str, path: Path, key: str) -> list[dict[str, Field]]:
    """Read a text of records: each document is one, or a list of them, there or under `key`.

    `path` is for messages. Raises `SettingsInvalid` with the line.
    """
    with _explained(text, path, 1):
        check_tokens(yaml.scan(text, Loader=_Loader), path, 1)
        loader = _Loader(text)
        records = []
        while loader.check_node():
            for node in _list_records(loader.get_node(), path, key):
                records.append(_build_fields(loader, node, path, 1))  # noqa: PERF401 -- errors have lines
        return records


def parse_value(text: str) -> Any:
    """Read one value as it would stand behind a colon. Raises `ValueError`."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 -- a safe loader's subclass
    except (yaml.YAMLError, RecursionError, *_FAULTS) as error:
        raise ValueError("not a value") from error


def compose_mapping(text: str) -> Any:
    """Return the library's node of a text that is one mapping; None for an empty one.

    Raises `ValueError` for what is no YAML.
    """
    try:
        return _Loader(text).get_single_node()
    except yaml.YAMLError as error:
        raise ValueError("not valid YAML") from error


def format_mapping(fields: Mapping[str, Any]) -> str:
    """Write a mapping, a line for each key; a list of words stays on its key's line."""
    options: Any = {"sort_keys": False, "allow_unicode": True, "width": _UNLIMITED}
    try:
        text: str = yaml.dump(dict(fields), Dumper=_Dumper, **options)
    except RecursionError:
        raise UsageMistake("the settings are nested too deeply") from None
    return text


def format_setting(key: str, value: Any) -> str:
    """Write a key and its value on one line, without the line's end."""
    return _format_inline(_Setting({key: value}))


def format_value(value: Any) -> str:
    """Write a value on one line, as it stands behind a key's colon."""
    return format_setting("k", value).removeprefix("k: ")


def format_item(value: Any) -> str:
    """Write a value on one line, as it stands between the brackets of a list."""
    return _format_inline([value])[1:-1]


def _format_inline(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_InlineDumper, sort_keys=False, allow_unicode=True, width=_UNLIMITED
    )
    return text.removesuffix("\n")


@contextmanager
def _explained(text: str, path: Path, line: int) -> Iterator[None]:
    """Turn what the library raises into an error with path and line."""
    try:
        yield
    except RecursionError as error:
        raise SettingsInvalid(path, "the settings are nested too deeply", line=line) from error
    except (yaml.YAMLError, *_FAULTS) as error:
        raise _explain(error, text, path, line) from error


def _explain(error: Exception, text: str, path: Path, first: int) -> SettingsInvalid:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + first
        problem = f"the character U+{error.character:04X} is not allowed; write it as an escape"
        return SettingsInvalid(path, problem, line=line)
    mark = getattr(error, "problem_mark", None)
    problem = cast("str", getattr(error, "problem", None) or str(error))
    line = mark.line + first if mark is not None else first
    return SettingsInvalid(
        path, f"not valid YAML: {problem}", line=line, hint="quote the value if it holds : or #"
    )


def _get_word(key: Any) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key is no word", key.start_mark)
    return cast("str", key.value)


def _list_records(node: Any, path: Path, key: str) -> list[Any]:
    if not isinstance(node, yaml.MappingNode):
        return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]
    for key_node, value in node.value:
        if key_node.value == key:
            if isinstance(value, yaml.SequenceNode):
                return cast("list[Any]", value.value)
            line = key_node.start_mark.line + 1
            raise SettingsInvalid(path, f"`{key}`: expected a list", line=line)
    return [node]


def _build_fields(loader: Any, root: Any, path: Path, first: int) -> dict[str, Field]:
    if not isinstance(root, yaml.MappingNode):
        line = root.start_mark.line + first
        raise SettingsInvalid(path, "expected settings of the form `key: value`", line=line)
    fields: dict[str, Field] = {}
    for key_node, value_node in root.value:
        line = key_node.start_mark.line + first
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode) or not isinstance(key, str):
            raise SettingsInvalid(path, "expected a word before the colon", line=line)
        if key in fields:
            raise SettingsInvalid(path, f"`{key}` is set a second time", line=line)
        if count_values(value_node, {}) > MOST_VALUES:
            raise SettingsInvalid(path, f"`{key}` repeats itself too often", line=line)
        try:
            fields[key] = Field(loader.construct_object(value_node, deep=True), line)
        except _FAULTS as error:
            raise SettingsInvalid(
                path, f"`{key}`: no value can be made of this", line=line
            ) from error
    return fields
