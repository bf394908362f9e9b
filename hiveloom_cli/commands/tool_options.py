"""The settings of a tool as options, for the commands that write and change tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.agent_options import check_typed
from hiveloom_cli.commands.connecting import take_credential
from hiveloom_cli.commands.naming import complete_paths
from hiveloom_cli.errors import FileUnreadable, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.app import App
    from hiveloom_cli.commands.connecting import Command

_MOST_BYTES = 1_000_000
_MOST_CHARACTERS = 10_000  # of a value: what is longer fits in no file
_PLAIN = ("url", "credential", "allow_private", "approval")

_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--url", metavar="URL", help="The endpoint; {city} in it stands for an argument."),
    click.option("--method", metavar="METHOD", help="GET, POST and so on."),
    click.option(
        "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header; never a key."
    ),
    take_credential("Whose key goes along, to its own address alone."),
    click.option(
        "--allow-private/--no-allow-private",
        default=None,
        help="Whether the URL may lead into your own network.",
    ),
    click.option(
        "--description", metavar="TEXT", help="What the model is told of it: what it does, when."
    ),
    click.option(
        "--from-file",
        metavar="FILE",
        help="The description, or a whole tool, from a file (- for stdin).",
        shell_complete=complete_paths,
    ),
    click.option(
        "--input",
        "schema",
        metavar="SCHEMA",
        help="The JSON Schema of its arguments, as JSON or a file's name.",
        shell_complete=complete_paths,
    ),
    click.option(
        "--approval",
        type=click.Choice(["auto", "ask", "deny"]),
        help="What has to happen before it runs.",
    ),
    click.option(
        "--set",
        "pairs",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set any setting; the value is YAML, as in timeout=30.",
    ),
)


def take_tool_settings(command: Command) -> Command:
    """Declare the settings of tools' files; what is not given is None or empty."""
    for declare in reversed(_OPTIONS):
        command = declare(command)
    return command


def load_settings(app: App, options: dict[str, Any]) -> dict[str, Any]:
    """Read the settings that were given, in the order in which a new file has them.

    Raises `UsageMistake` for what contradicts itself or looks like a key.
    """
    given = {key: options[key] for key in _PLAIN if options[key] is not None}
    if options["method"]:
        given["method"] = options["method"].upper()
    if options["headers"]:
        given["headers"] = dict(map(_parse_header, options["headers"]))
    if options["schema"] is not None:
        given["input"] = _load_schema(app, options["schema"])
    for text in options["pairs"]:
        key, value = _parse_pair(text)
        if key in given:
            raise UsageMistake(f"{key} is given in two ways", hint="give each setting once")
        given[key] = value
    order = ("url", "method", "headers", "credential")
    return {key: given[key] for key in sorted(given, key=lambda key: (*order, key).index(key))}


def load_description(app: App, options: dict[str, Any]) -> str | None:
    """Return the text that was given, as such or in a file; None for none.

    One that begins with `---` is a whole file.
    """
    text, file = options["description"], options["from_file"]
    if text is not None and file is not None:
        raise UsageMistake(
            "the description was given twice", hint="give --description or --from-file, not both"
        )
    if text is not None:
        check_typed(text)
        return str(text)
    return None if file is None else load_file(app, file)


def load_file(app: App, name: str) -> str:
    """Read a text file, or stdin for `-`. Raises `OSError` and `FileUnreadable`."""
    from hiveloom_cli.files import decode_text

    path = Path("stdin" if name == "-" else name)
    if name == "-":
        content = app.streams.stdin.buffer.read(_MOST_BYTES + 1)
    else:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise FileUnreadable(path, f"larger than {_MOST_BYTES:,} bytes, which no tool is")
    return decode_text(content, path).removeprefix("\ufeff")


def _parse_header(text: str) -> tuple[str, str]:
    from hiveloom_cli.secret import looks_like_key

    check_typed(text)
    name, colon, value = (part.strip() for part in text.partition(":"))
    if not name or not colon:
        hint = "--header 'Accept: text/csv'"
        raise UsageMistake("--header: expected a name and a value", hint=hint)
    if any(map(looks_like_key, value.split())):
        raise UsageMistake(
            f"--header: {name} looks like a key, and a tool's file is no place for one",
            hint="hiveloom credential set NAME, then --credential NAME",
        )
    return name, value


def _load_schema(app: App, text: str) -> Any:
    import json

    source = text if text.lstrip().startswith("{") else load_file(app, text)
    try:
        schema = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise UsageMistake(f"--input: not JSON ({error})", hint=_SCHEMA_HINT) from None
    if not isinstance(schema, dict):
        raise UsageMistake("--input: expected a JSON Schema of type object", hint=_SCHEMA_HINT)
    return schema


_SCHEMA_HINT = """as in '{"properties": {"city": {"type": "string"}}, "required": ["city"]}'"""


def _parse_pair(text: str) -> tuple[str, Any]:
    from hiveloom_cli.front_matter.yaml_text import parse_value

    check_typed(text)
    key, equals, written = text.partition("=")
    key = key.strip()
    if not key or not equals:
        raise UsageMistake("--set: expected a key and a value", hint="--set timeout=30")
    if len(written) > _MOST_CHARACTERS:
        raise UsageMistake(f"{key}: longer than {_MOST_CHARACTERS:,} characters")
    try:
        return key, parse_value(written)
    except ValueError:
        raise UsageMistake(
            f"{key}: the value is not valid YAML",
            hint=f"put it in quotes within the shell's: --set '{key}=\"…\"'",
        ) from None
