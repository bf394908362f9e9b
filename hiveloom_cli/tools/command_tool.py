"""A tool that runs a program; `tools/command_settings.py` has the settings of its file."""

from __future__ import annotations

import shutil
from os import pathsep
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.tools.command_call import build_stdin, build_words, format_words
from hiveloom_cli.tools.command_environment import build_environment
from hiveloom_cli.tools.command_settings import parse_command_settings
from hiveloom_cli.tools.process import Cause, Job, run_process
from hiveloom_cli.tools.tool import Approval, ToolCard, ToolOutput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.stop import Stop
    from hiveloom_cli.tools.outside import Outside
    from hiveloom_cli.tools.process import Ended
    from hiveloom_cli.tools.tool_file import ToolFile

KIND = "command"
MOST_STDOUT = 1_000_000  # bytes, far more than a model is given
MOST_STDERR = 20_000


class CommandTool:
    """Runs the program that a file names: a `Tool`. Raises `SettingsInvalid`."""

    def __init__(self, file: ToolFile, outside: Outside) -> None:
        self._file = file
        self._settings = parse_command_settings(file)
        self._outside = outside

    def load_card(self) -> ToolCard:
        """Return what its file says; unless it says otherwise, it asks before each call."""
        file = self._file
        return ToolCard(
            reference=file.name,
            kind=KIND,
            definition=ToolDefinition(file.name, file.description, file.input_schema),
            approval=file.approval or Approval.ASK,
            definition_text=file.text,
        )

    def describe_call(self, arguments: Mapping[str, Any]) -> str:
        """Say which program would run, with which words, where, and what it would read."""
        job = self._build_job(arguments)
        lines = [format_words(job.words), f"in {format_words([str(job.folder)])}"]
        if self._settings.environment:
            lines.append(f"with {', '.join(self._settings.environment)}")
        if job.stdin is not None:
            lines.append(f"stdin: {job.stdin.decode().removesuffix(chr(10))}")
        return "\n".join(lines)

    def run(self, arguments: Mapping[str, Any], stop: Stop) -> ToolOutput:
        """Run the program, and give what it prints. Raises `HiveloomError`."""
        job = self._build_job(arguments)
        if stop.is_set:
            return ToolOutput("stopped before it began", is_error=True)
        try:
            ended = run_process(job, stop)
        except OSError as error:
            raise HiveloomError(
                f"{job.words[0]} cannot be run ({error.strerror})",
                hint=f"check the `command` of {self._file.path}",
            ) from error
        return _build_output(ended, job.timeout_s)

    def _build_job(self, arguments: Mapping[str, Any]) -> Job:
        """Build all that a call is made of, as it is right now."""
        settings, environ = self._settings, self._outside.environ
        program, *rest = build_words(settings, arguments)
        stdin = build_stdin(settings, arguments)
        return Job(
            words=(self._find_program(program), *rest),
            folder=self._find_folder(),
            environ=build_environment(environ, settings.environment),
            stdin=None if stdin is None else f"{stdin}\n".encode("utf-8", "replace"),
            timeout_s=settings.timeout_s,
            most_stdout=MOST_STDOUT,
            most_stderr=MOST_STDERR,
        )

    def _find_program(self, name: str) -> str:
        """Return the path of a program. Whatever the working folder holds is not found by name."""
        places = self._outside.environ.get("PATH", "").split(pathsep)
        path = pathsep.join(place for place in places if Path(place).is_absolute())
        try:
            found = shutil.which(str(Path(name).expanduser()), path=path)
        except RuntimeError:
            found = None
        if found is None or not Path(found).is_absolute():
            raise HiveloomError(
                f"there is no program {name}",
                hint=f"install it, or mend the `command` of {self._file.path}",
            )
        return found

    def _find_folder(self) -> Path:
        folder = self._settings.working_folder
        try:
            folder = folder or Path.cwd()
        except FileNotFoundError:
            raise HiveloomError("the working folder is gone", hint="cd to another") from None
        if not folder.is_dir():
            raise HiveloomError(
                f"there is no folder {folder}",
                hint=f"make it, or mend the `working_folder` of {self._file.path}",
            )
        return folder


def _build_output(ended: Ended, timeout_s: float) -> ToolOutput:
    stdout = ended.stdout.decode("utf-8", "replace")
    if ended.cause is Cause.ITSELF and ended.exit_code == 0:
        return ToolOutput(stdout)
    stderr = ended.stderr.decode("utf-8", "replace")
    parts = [_explain(ended, timeout_s)]
    parts += [f"{name}:\n{text}" for name, text in (("stderr", stderr), ("stdout", stdout)) if text]
    return ToolOutput("\n".join(parts), is_error=True)


def _explain(ended: Ended, timeout_s: float) -> str:
    match ended.cause:
        case Cause.TOO_LONG:
            return f"ended after its time limit of {timeout_s:g} s"
        case Cause.TOO_MUCH:
            return f"ended because it printed more than {MOST_STDOUT:,} bytes"
        case Cause.STOPPED:
            return "stopped before its end"
        case Cause.ITSELF if ended.exit_code < 0:
            return f"ended by signal {-ended.exit_code}"
    return f"exit code {ended.exit_code}"
