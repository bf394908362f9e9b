"""Agents of other programs: Markdown with front matter of their own.

| key | Claude Code | opencode | GitHub Copilot | becomes |
|---|---|---|---|---|
| `name` | yes | | yes | the name, made fit |
| `description` | yes | yes | yes | `description` |
| the text below | yes | yes | yes | the system prompt |
| `model` | a name or an alias | `provider/name` | a name, or one for people | `model` |
| `temperature`, `top_p` | | yes | | the same |
| `prompt` | | yes, if there is no text | | the system prompt |

Everything else is about the other program itself: its tools, what they may do, its colours. That is
left out, each with a reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.sketch import Sketch
from hiveloom_cli.errors import SettingsInvalid
from hiveloom_cli.front_matter.document import Document, parse_document, split_document
from hiveloom_cli.front_matter.plain_settings import Field
from hiveloom_cli.protocols.providers import find_provider
from hiveloom_cli.protocols.table import decide_protocol
from hiveloom_cli.secret import MASK, looks_like_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MOST_SHOWN = 60  # characters of a value
_OURS_ALONE = frozenset({"credential", "max_tokens", "stop"})
_KEPT = ("description", "temperature", "top_p")
_READ = frozenset({"name", "model", "prompt", *_KEPT})
_ENDINGS = re.compile(r"(\.agent|\.chatmode)?\.(md|markdown|mdown|ya?ml|json|txt)$", re.IGNORECASE)
_COPILOT_FILE = re.compile(r"\.(agent|chatmode)\.md$", re.IGNORECASE)
_ALIASES = frozenset(
    {"inherit", "default", "auto", "sonnet", "opus", "haiku", "fable", "best", "opusplan"}
)
_LINE = re.compile(r"([A-Za-z][\w-]*):[ \t]+([^\s\"'\[{|>&*!%@`].*?)[ \t]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Another program, and the keys that tell its files from ours."""

    program: str
    keys: frozenset[str]


_OPENCODE = Dialect(
    "opencode",
    frozenset({"mode", "permission", "steps", "maxSteps", "disable", "hidden", "prompt"}),
)
_COPILOT = Dialect(
    "GitHub Copilot",
    frozenset(
        {
            *("target", "mcp-servers", "argument-hint", "handoffs", "infer", "agents"),
            *("user-invocable", "user-invokable", "disable-model-invocation"),
        }
    ),
)
_CLAUDE_CODE = Dialect(
    "Claude Code",
    frozenset(
        {
            *("name", "color", "permissionMode", "disallowedTools", "mcpServers", "maxTurns"),
            *("hooks", "memory", "background", "isolation", "effort", "initialPrompt"),
        }
    ),
)
_DIALECTS = (_OPENCODE, _COPILOT, _CLAUDE_CODE)  # `color` and `name` are in files of all three

# Why a key has no place here; whatever else there is has none either, for no reason of its own.
_REASONS: Mapping[str, str] = {
    "tools": "tools of another program",
    "disallowedTools": "tools of another program",
    "skills": "skills of another program",
    "permission": "what another program allows",
    "permissionMode": "what another program allows",
    "mcp-servers": "servers that another program starts",
    "mcpServers": "servers that another program starts",
    "hooks": "commands that another program runs",
    "color": "how another program shows it",
}
_NO_REASON = "no setting of an agent here"


def parse_foreign(text: str, path: Path) -> Sketch | None:
    """Read an agent's file of another program; None for one of ours, valid or not.

    `path` is for messages, and its last part tells about the file. Raises `SettingsInvalid`.
    """
    try:
        document = _parse_leniently(text, path)
    except SettingsInvalid:
        return None
    dialect = decide_dialect({key: one.value for key, one in document.fields.items()}, path.name)
    if dialect is None:
        return None
    return _build_sketch(dialect, document, path)


def decide_dialect(values: Mapping[str, Any], file_name: str) -> Dialect | None:
    """Tell whose file it is by its keys and its name; None for one of ours."""
    if _OURS_ALONE & values.keys():
        return None
    if _COPILOT_FILE.search(file_name):
        return _COPILOT
    if isinstance(values.get("tools"), dict):
        return _OPENCODE
    for dialect in _DIALECTS:
        if dialect.keys & values.keys():
            return dialect
    model = values.get("model")
    if isinstance(values.get("tools"), str) or (isinstance(model, str) and is_alias(model)):
        return _CLAUDE_CODE
    return None


def is_alias(model: str) -> bool:
    """Whether a model's name means one of several, or the one that happens to be in use."""
    return model.strip().lower().partition("[")[0] in _ALIASES


def get_stem(file_name: str) -> str:
    """Return a file's name without what says of which kind it is."""
    return _ENDINGS.sub("", file_name)


def _parse_leniently(text: str, path: Path) -> Document:
    """Read front matter; where it is no YAML, each line's text after the colon is the value.

    Descriptions with a colon inside are common, and the programs that read them take them so.
    """
    try:
        return parse_document(text, path)
    except SettingsInvalid:
        parts = split_document(text, path)
        quoted = "".join(map(_quote, parts.settings.splitlines(keepends=True)))
        if quoted == parts.settings:
            raise
        return parse_document(parts.head + quoted + parts.fence + parts.body, path)


def _quote(line: str) -> str:
    match = _LINE.fullmatch(line.rstrip("\r\n"))
    if match is None or not re.search(r":(\s|$)|\s#", match[2]):
        return line
    return f"{match[1]}: {json.dumps(match[2], ensure_ascii=False)}\n"


def _build_sketch(dialect: Dialect, document: Document, path: Path) -> Sketch:
    given = document.fields
    fields = {key: given[key] for key in _KEPT if key in given and given[key].value is not None}
    asked = given.get("model")
    model, credential = _decide_model(dialect, asked.value if asked else None)
    if asked and model:
        fields["model"] = Field(model, asked.line)
        if credential:
            fields["credential"] = Field(credential, asked.line)
    name = given["name"].value if "name" in given else ""
    prompt = given["prompt"].value if "prompt" in given and not document.body else document.body
    return Sketch(
        name if isinstance(name, str) and name.strip() else get_stem(path.name),
        line=1,
        fields=fields,
        prompt=prompt if isinstance(prompt, str) else "",
        asked_model=f"{dialect.program} calls it {_shorten(asked.value)}" if asked else "",
        left_out=tuple(_list_left_out(given)),
    )


def _decide_model(dialect: Dialect, value: Any) -> tuple[str, str]:
    """Return model and credential; "" for a model that only the other program can find."""
    if not isinstance(value, str) or is_alias(value) or len(value.split()) != 1:
        return "", ""
    if dialect is not _OPENCODE:
        return value, ""
    provider, slash, model = value.partition("/")
    row = find_provider(provider) if slash else None
    if row is None:
        return "", ""
    return model, "" if decide_protocol(model) == row.name else row.name


def _list_left_out(given: Mapping[str, Field]) -> Iterator[str]:
    for key, field in given.items():
        if key not in _READ and field.value not in (None, "", [], {}):
            yield f"{key}: {_shorten(field.value)} ({_REASONS.get(key, _NO_REASON)})"


def _shorten(value: Any) -> str:
    """Show what a value is. Of settings in it only their names: a value may be a key."""
    if isinstance(value, dict | list):
        pieces = [str(piece) for piece in value if not isinstance(piece, dict | list)]
        text = ", ".join(pieces) or f"{len(value)} of them"
    else:
        text = "yes" if value is True else "no" if value is False else str(value)
    text = " ".join(MASK if looks_like_key(word) else word for word in text.split())
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
