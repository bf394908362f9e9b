"""The root command and `main`: the only error boundary, the only place that ends the process."""

from __future__ import annotations

import os
import re
import sys
from contextlib import closing, suppress
from itertools import takewhile
from typing import TYPE_CHECKING, NoReturn

import click

from hiveloom_cli import __version__
from hiveloom_cli.app import App
from hiveloom_cli.commands import COMMANDS
from hiveloom_cli.commands.lazy import LazyGroup
from hiveloom_cli.errors import HiveloomError, Interrupted, NotFound, UsageMistake
from hiveloom_cli.secret import MASK, looks_like_key, mask_secret
from hiveloom_cli.signals import find_termination, raise_on_termination
from hiveloom_cli.terminal.report import format_error_json, print_error
from hiveloom_cli.terminal.streams import open_streams

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROGRAM = "hiveloom"
_COMPLETION_VARIABLE = "_HIVELOOM_COMPLETE"
_PIECE = re.compile(r"[^\s'\"=,:;()-][^\s'\"=,:;()]*")  # of a word: an option's value, say
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
    try:
        streams = open_streams()
    except Exception as error:  # noqa: BLE001 - as in `_run`, but with nothing to tell it on
        sys.exit(f"error: the standard streams cannot be used: {error}")
    raise_on_termination()
    try:
        with closing(App(os.environ, streams)) as app:
            code = _run(app, words)
    except KeyboardInterrupt:
        code = Interrupted.exit_code  # once more, while the first was being told
    finally:
        streams.release()
    sys.exit(code)


def _run(app: App, words: list[str]) -> int:
    try:
        code = _invoke(app, words)
        app.streams.stdout.flush()
    except BrokenPipeError:
        return _EXIT_BROKEN_PIPE  # the reader has had enough
    except (Exception, KeyboardInterrupt) as fault:  # noqa: BLE001 - every failure is told here
        if end := find_termination(fault):
            raise end from None  # the terminal may be gone, which restoring it then meets
        return _report(app, words, fault)
    return code


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
        _print_traceback(app, words, fault)
    error = _explain(fault)
    if isinstance(error, UsageMistake | NotFound):
        error.message, error.hint = _mask_keys(error.message, words), _mask_keys(error.hint, words)
    if _COMPLETION_VARIABLE in app.environ:
        return error.exit_code  # a shell that completes would show it amidst what is being typed
    if "--json" in takewhile(lambda word: word != "--", words):
        with suppress(OSError):
            app.streams.print_line(format_error_json(error))
    print_error(error, app.streams)
    return error.exit_code


def _mask_keys(text: str, words: list[str]) -> str:
    """Hide what looks like a key among the words of the command line, where no key belongs."""
    pieces = {piece for word in words for piece in (word, *_PIECE.findall(word))}
    for piece in sorted(filter(looks_like_key, pieces), key=len, reverse=True):
        text = text.replace(piece, MASK)
    return text


def _explain(fault: BaseException) -> HiveloomError:
    match fault:
        case HiveloomError():
            return fault
        case click.UsageError():
            from hiveloom_cli.commands.usage import explain_usage

            return explain_usage(fault, _PROGRAM)
        case click.ClickException():
            return HiveloomError(fault.format_message())
        case KeyboardInterrupt() | click.Abort() | RuntimeError(__cause__=KeyboardInterrupt()):
            # Before 3.12, Python wraps what happens while a class is made, such as in an import.
            return Interrupted("interrupted")
    return _explain_os(fault) or HiveloomError(
        f"hiveloom met a fault of its own: {type(fault).__name__}: {fault}",
        hint="run it again with HIVELOOM_DEBUG=1 and report what it prints",
    )


def _explain_os(fault: BaseException) -> HiveloomError | None:
    match fault:
        case UnicodeDecodeError():
            hint = "set the terminal to UTF-8"
            return UsageMistake("what was typed is not UTF-8 text", hint=hint)
        case OSError(strerror=str(reason), filename=None):
            # Files have names; what is left are the standard streams.
            hint = "check where its input comes from and where its output goes"
            return HiveloomError(f"input or output failed: {reason}", hint=hint)
        case FileNotFoundError():
            return HiveloomError(f"{fault.filename}: no such file", hint="check its name and place")
        case IsADirectoryError():
            return HiveloomError(f"{fault.filename}: a folder", hint="name a file in it")
        case OSError(strerror=str(reason)):
            hint = "check the file's place and permissions"
            return HiveloomError(f"{fault.filename}: {reason}", hint=hint)
    return None


def _print_traceback(app: App, words: list[str], fault: BaseException) -> None:
    import traceback

    text = _mask_keys("".join(traceback.format_exception(fault)), words)
    for secret in app.secrets:
        text = mask_secret(text, secret)
    app.streams.print_aside(text.rstrip("\n"))
