"""`--schema`: the JSON Schema that an answer has to fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import complete_paths
from hiveloom_cli.errors import FileUnreadable, HiveloomError, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.protocols.output_schema import OutputSchema

_STDIN = "-"
_QUESTION = 'hiveloom chat AGENT "a question" --schema FILE'


def take_schema(command: Callable[..., Any]) -> Callable[..., Any]:
    """Declare the option; `load_schema` reads it."""
    return click.option(
        "--schema",
        metavar="FILE|JSON",
        shell_complete=complete_paths,
        help="Print nothing but JSON that fits this JSON Schema: a file, or the schema itself.",
    )(command)


def load_schema(given: str | None) -> OutputSchema | None:
    """Load the schema, and check that it is one.

    Raises `UsageMistake` for what is wrong on the command line, `FileUnreadable` for what is wrong
    in a file, and `OSError` if there is none.
    """
    from hiveloom_cli.protocols.output_schema import OutputSchema

    if given is None:
        return None
    if given == _STDIN:
        hint = "pipe in the message, and name the schema's file"
        raise UsageMistake("--schema reads no pipe", hint=hint)
    path = None if given.lstrip().startswith("{") else Path(given)
    text = given if path is None else _load_text(path)
    try:
        return OutputSchema(_parse_schema(text))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _build_mistake(path, f"not JSON: {where}: {error.msg}", error.lineno) from None
    except ValueError as error:
        raise _build_mistake(path, str(error), 0) from None


def check_question(schema: OutputSchema | None, *, has_question: bool) -> None:
    """Return if a question is asked by schema, or none is. Raises `UsageMistake`."""
    if schema is not None and not has_question:
        raise UsageMistake("--schema is for one question, and there is none", hint=_QUESTION)


def _load_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise FileUnreadable(path, "it is not UTF-8 text") from None


def _parse_schema(text: str) -> dict[str, Any]:
    from hiveloom_cli.json_schema import check_schema, parse_json

    schema: dict[str, Any] = parse_json(text)
    if faults := check_schema(schema):
        raise ValueError(f"no JSON Schema that can be used: {'; '.join(faults)}")
    return schema


def _build_mistake(path: Path | None, problem: str, line: int) -> HiveloomError:
    if path is None:
        return UsageMistake(f"--schema: {problem}", hint=_QUESTION)
    return FileUnreadable(path, problem, line=line, hint="correct the file")
