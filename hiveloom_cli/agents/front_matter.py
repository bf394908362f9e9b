"""Front matter: YAML between two `---` lines, then text. The only place that knows YAML.

Scalars follow YAML 1.2's core schema, so that `no`, `12:30` and dates stay the words that were
typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

import yaml

from hiveloom_cli.errors import AgentFileInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FENCE = "---"
# Far more than anyone writes, and too little to nest so deep that libyaml runs out of stack.
_MAX_SETTINGS = 10_000
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


def _build_class(base: Any) -> Any:
    class Restricted(base):  # type: ignore[misc]  # the base is known only at run time
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    for tag, pattern, first in _SCALARS:
        firsts = ["" if character == "\0" else character for character in first]
        Restricted.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), firsts)
    return Restricted


def _represent_text(dumper: Any, text: str) -> Any:
    style = '"' if _ESCAPED.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


# libyaml's parser where PyYAML was built with it, as its wheels are.
_Loader = _build_class(getattr(yaml, "CSafeLoader", yaml.SafeLoader))
_Dumper = _build_class(yaml.SafeDumper)
_Dumper.add_representer(str, _represent_text)


@dataclass(frozen=True, slots=True)
class Field:
    """A value of the front matter and the line of the file that its key stands on, from 1."""

    value: Any
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    """A file in its two parts; `body` is the text after the front matter, less blank lines."""

    fields: Mapping[str, Field]
    body: str


def parse_document(text: str, path: Path) -> Document:
    """Split and read a file; `path` is for messages. Raises `AgentFileInvalid` with the line."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if not lines or lines[0].rstrip() != _FENCE:
        raise AgentFileInvalid(path, "expected `---` on the first line, then the settings", line=1)
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            fields = _parse_fields("".join(lines[1:number]), path)
            return Document(fields, "".join(lines[number + 1 :]).strip("\r\n"))
    raise AgentFileInvalid(path, "expected a second `---` line after the settings", line=len(lines))


def format_document(fields: Mapping[str, Any], body: str) -> str:
    """Write front matter and text as a new file."""
    settings = yaml.dump(
        dict(fields), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return f"{_FENCE}\n{settings}{_FENCE}\n{body.strip(chr(10))}\n"


def _parse_fields(text: str, path: Path) -> dict[str, Field]:
    if len(text) > _MAX_SETTINGS:
        raise AgentFileInvalid(
            path, f"the settings are longer than {_MAX_SETTINGS:,} characters", line=2
        )
    try:
        _refuse_tags(text, path)
        return _build_fields(_Loader(text), path)
    except (yaml.YAMLError, *_FAULTS) as error:
        raise _explain(error, text, path) from error
    except RecursionError as error:
        raise AgentFileInvalid(path, "the settings are nested too deeply", line=2) from error


def _refuse_tags(text: str, path: Path) -> None:
    # A tag makes a value something else than it looks like, and no setting needs one.
    if "!" not in text:
        return
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.TagToken):
            raise AgentFileInvalid(
                path,
                "a value begins with `!`, which in YAML is a tag",
                line=token.start_mark.line + 2,
                hint="leave the tag out, or quote the value if the ! belongs to it",
            )


def _build_fields(loader: Any, path: Path) -> dict[str, Field]:
    root = loader.get_single_node()
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise AgentFileInvalid(path, "expected settings of the form `key: value`", line=2)
    fields: dict[str, Field] = {}
    for key_node, value_node in root.value if root is not None else ():
        line = key_node.start_mark.line + 2  # marks count from 0, and the fence is a line
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode) or not isinstance(key, str):
            raise AgentFileInvalid(path, "expected a word before the colon", line=line)
        if key in fields:
            raise AgentFileInvalid(path, f"`{key}` is set a second time", line=line)
        try:
            fields[key] = Field(loader.construct_object(value_node, deep=True), line)
        except _FAULTS as error:
            raise AgentFileInvalid(
                path, f"`{key}`: no value can be made of this", line=line
            ) from error
    return fields


def _explain(error: Exception, text: str, path: Path) -> AgentFileInvalid:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 2
        problem = f"the character U+{error.character:04X} is not allowed; write it as an escape"
        return AgentFileInvalid(path, problem, line=line)
    mark = getattr(error, "problem_mark", None)
    problem = cast("str", getattr(error, "problem", None) or str(error))
    line = mark.line + 2 if mark is not None else 2
    return AgentFileInvalid(
        path, f"not valid YAML: {problem}", line=line, hint="quote the value if it holds : or #"
    )
