"""The root command and `main`: the only error boundary, the only place that ends the process."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from hiveloom_cli import __version__
from hiveloom_cli.app import App
from hiveloom_cli.commands import COMMANDS
from hiveloom_cli.commands.lazy import LazyGroup
from hiveloom_cli.errors import HiveloomError, Interrupted, UsageMistake
from hiveloom_cli.terminal.report import format_error_json, print_error
from hiveloom_cli.terminal.streams import open_streams

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROGRAM = "hiveloom"
_COMPLETION_VARIABLE = "_HIVELOOM_COMPLETE"
_EXIT_BROKEN_PIPE = 141  # what a shell reports of a program that SIGPIPE ended


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit: 1 failure, 2 usage, 3 credential, 4 upstream, 5 not found, 130 interrupted.",
)
@click.version_option(__version__, prog_name=_PROGRAM)
@click.option("--no-color", is_flag=True, help="No colours (as NO_COLOR does).")
@click.pass_context
def cli(context: click.Context, *, no_color: bool) -> None:
    """Talk to language-model agents from the shell.

    Store a key, create an agent, chat:

    \b
      hiveloom credential set --name openai
      hiveloom agent create --name helper --model gpt-4o-mini
      hiveloom chat helper
    """
    if no_color:
        app: App = context.obj
        app.streams = app.streams.without_colour()


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    app = App(os.environ, open_streams())
    try:
        code = _run(app, words)
        app.streams.stdout.flush()
    except BrokenPipeError:
        # The reader has had enough. What is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), app.streams.stdout.fileno())
        code = _EXIT_BROKEN_PIPE
    sys.exit(code)


def _run(app: App, words: list[str]) -> int:
    try:
        return _invoke(app, words)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every failure is told here
        return _report(app, words, error)


def _invoke(app: App, words: list[str]) -> int:
    if _COMPLETION_VARIABLE in app.environ:
        cli.main(prog_name=_PROGRAM, obj=app)  # answers the shell and ends the process
    try:
        # Not `cli.main`, which has its own ways with Ctrl-C and closed pipes.
        with cli.make_context(_PROGRAM, words, obj=app) as context:
            cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as help_wanted:
        app.streams.stderr.write(f"{help_wanted.format_message()}\n")
        return UsageMistake.exit_code
    return 0


def _report(app: App, words: list[str], fault: BaseException) -> int:
    if app.environ.get("HIVELOOM_DEBUG", "") not in ("", "0"):
        _print_traceback(app, fault)
    error = _explain(fault)
    if "--json" in words:
        app.streams.write(format_error_json(error) + "\n")
    print_error(error, app.streams)
    return error.exit_code


def _explain(fault: BaseException) -> HiveloomError:
    match fault:
        case HiveloomError():
            return fault
        case click.UsageError():
            command = fault.ctx.command_path if fault.ctx else _PROGRAM
            return UsageMistake(fault.format_message(), hint=f"{command} --help")
        case click.ClickException():
            return HiveloomError(fault.format_message())
        case KeyboardInterrupt() | click.Abort():
            return Interrupted("interrupted")
        case OSError(strerror=str(reason)):
            place = f"{fault.filename}: " if fault.filename else ""
            return HiveloomError(f"{place}{reason}", hint="check the file's place and permissions")
        case _:
            return HiveloomError(
                f"hiveloom met a fault of its own: {type(fault).__name__}: {fault}",
                hint="run it again with HIVELOOM_DEBUG=1 and report what it prints",
            )


def _print_traceback(app: App, fault: BaseException) -> None:
    import traceback

    from hiveloom_cli.secret import mask_secret

    text = "".join(traceback.format_exception(fault))
    for secret in app.secrets:
        text = mask_secret(text, secret)
    app.streams.stderr.write(text)
