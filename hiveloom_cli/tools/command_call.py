"""One call of a tool that runs a program: its words, and what it reads.

What a model chooses becomes either JSON on stdin or the value of an option that the file declares,
in one word `--name=value`: it is never a word of its own, which a program might take for an option
of another name, and no shell reads it.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hiveloom_cli.tools.command_settings import CommandSettings

_ESCAPED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e"}


def is_passable(text: str) -> bool:
    """Whether a text can be a word of a command: without a null, and Unicode."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def build_words(settings: CommandSettings, arguments: Mapping[str, Any]) -> list[str]:
    """Build the words of a call, the program's own name first.

    Raises `UsageMistake` for an argument that the tool's file does not declare, and for a value
    that no command can be given.
    """
    return [*settings.words, *_build_options(settings.flags, arguments)]


def build_stdin(settings: CommandSettings, arguments: Mapping[str, Any]) -> str | None:
    """Build the JSON that the program reads; None where its stdin is empty."""
    if settings.flags is not None:
        return None
    return json.dumps(arguments, ensure_ascii=False)


def format_words(words: Sequence[str]) -> str:
    """Write a command as a person would type it, on one line whatever is in it."""
    return " ".join(map(_quote, words))


def _build_options(names: frozenset[str] | None, arguments: Mapping[str, Any]) -> Iterator[str]:
    if names is None:
        return
    for name, value in arguments.items():
        if name not in names:
            declared = ", ".join(sorted(names)) or "none"
            raise UsageMistake(f"there is no argument “{name}”", hint=f"there are: {declared}")
        for option in _build_option(name, value):
            if not is_passable(option):
                raise UsageMistake(f"{name}: a command cannot be given such a text")
            yield option


def _build_option(name: str, value: Any) -> list[str]:
    match value:
        case None | False:
            return []
        case True:
            return [f"--{name}"]
        case list():
            return [f"--{name}={_format_value(item)}" for item in value]
    return [f"--{name}={_format_value(value)}"]


def _format_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _quote(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    # A line break in quotes would let a value pass for a line of what is shown around it.
    return f"$'{''.join(map(_escape, word))}'"


def _escape(character: str) -> str:
    if character in _ESCAPED:
        return _ESCAPED[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\U{code:08x}"
