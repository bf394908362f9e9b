"""The settings of a tool that runs a program.

command: [git, log, --oneline]    # the program and its words; no shell reads them
arguments: flags                  # or stdin, the default: one JSON object
working_folder: ~/src/shop        # without it, the folder in which hiveloom runs
timeout: 30                       # seconds
environment: [GIT_DIR]            # passed on beside PATH, HOME, LANG and the like
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiveloom_cli.tools.command_call import is_passable
from hiveloom_cli.tools.command_environment import explain_refusal
from hiveloom_cli.tools.settings import build_fault, check_known, get_setting, parse_timeout

if TYPE_CHECKING:
    from hiveloom_cli.tools.tool_file import ToolFile

SETTINGS = (
    "command",
    "arguments",
    "working_folder",
    "timeout",
    "environment",
    "approval",
    "input",
)
_STDIN, _FLAGS = "stdin", "flags"
_TIMEOUT_S = 60.0
_LONGEST_S = 3600.0
_FLAG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """How a program is run.

    `flags` are the names that arguments can have as options; None where they go to stdin as JSON.
    `working_folder` is None for the folder in which this program runs. `environment` names the
    variables that are passed on beside the usual ones.
    """

    words: tuple[str, ...]
    flags: frozenset[str] | None
    working_folder: Path | None
    timeout_s: float
    environment: tuple[str, ...]


def parse_command_settings(file: ToolFile) -> CommandSettings:
    """Read the settings of a command's file. Raises `SettingsInvalid` with the line."""
    check_known(file, "a command", SETTINGS)
    return CommandSettings(
        words=_parse_words(file),
        flags=_parse_flags(file),
        working_folder=_parse_folder(file),
        timeout_s=parse_timeout(file, usual_s=_TIMEOUT_S, longest_s=_LONGEST_S),
        environment=_parse_environment(file),
    )


def _parse_words(file: ToolFile) -> tuple[str, ...]:
    value = get_setting(file, "command")
    if isinstance(value, str):
        hint = f"write a list: command: [{', '.join(_split(value))}]"
        raise build_fault(file, "command", "expected a list of words, which no shell reads", hint)
    if not isinstance(value, list) or not all(map(_is_word, value)):
        hint = 'put numbers in quotes, as in [sleep, "5"]'
        raise build_fault(file, "command", "expected a list of texts: program and words", hint)
    if not value or not value[0].strip():
        raise build_fault(file, "command", "expected a program first", "command: [git, log]")
    if _is_relative(value[0]):
        hint = "write its whole path, or its name alone where it is on the PATH"
        raise build_fault(file, "command", f"{value[0]} would depend on the working folder", hint)
    return tuple(value)


def _parse_flags(file: ToolFile) -> frozenset[str] | None:
    value = get_setting(file, "arguments", _STDIN)
    if value not in (_STDIN, _FLAGS):
        raise build_fault(file, "arguments", f"expected {_STDIN} or {_FLAGS}")
    if value == _STDIN:
        return None
    names = file.input_schema.get("properties", {})
    if not isinstance(names, dict):
        raise build_fault(file, "input", "`properties`: expected the name and the schema of each")
    for name in names:
        if not _FLAG_NAME.fullmatch(name):
            problem = f"“{name}” cannot be an option's name"
            raise build_fault(file, "input", problem, "use letters, digits, - and _")
    return frozenset(names)


def _parse_folder(file: ToolFile) -> Path | None:
    value = get_setting(file, "working_folder")
    if value is None:
        return None
    expected = "expected a whole path, or one that begins with ~"
    if not _is_word(value) or not value:
        raise build_fault(file, "working_folder", expected)
    try:
        folder = Path(value).expanduser()
    except RuntimeError:
        raise build_fault(file, "working_folder", f"nobody has the home of {value}") from None
    if not folder.is_absolute():
        raise build_fault(file, "working_folder", expected)
    return folder


def _parse_environment(file: ToolFile) -> tuple[str, ...]:
    value = get_setting(file, "environment", [])
    if not isinstance(value, list):
        raise build_fault(file, "environment", "expected a list of names, as in [GIT_DIR]")
    for name in value:
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            hint = "a name alone; its value is the one it has where hiveloom runs"
            raise build_fault(file, "environment", "expected names of variables", hint)
        if reason := explain_refusal(name):
            raise build_fault(file, "environment", reason)
    return tuple(dict.fromkeys(value))


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and is_passable(value)


def _is_relative(program: str) -> bool:
    has_folder = "/" in program or "\\" in program
    return has_folder and not program.startswith("~") and not Path(program).is_absolute()


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return ["program", "word"]
