"""What Click finds wrong with a command line, in the program's own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOO_MANY = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)
_NO_COMMAND = re.compile(r"No such command '(.*)'\.", re.DOTALL)
_NO_VALUE = re.compile(r"Option '(\S+)' requires an argument\.")
_NO_FLAG = re.compile(r"Option '(\S+)' does not take a value\.")


def explain_usage(fault: click.UsageError, program: str) -> UsageMistake:
    """Build the error that says what is wrong, and what to type."""
    context = fault.ctx
    # A parser that finds an option without its value knows no command.
    hint = f"{context.command_path} --help" if context else f"{program} COMMAND --help"
    match fault:
        case click.MissingParameter(param=click.Parameter()) if context:
            return _explain_missing(fault, context)
        case click.NoSuchOption():
            if context and any("-- " in shown for shown in _list_arguments(context)):
                hint = f"put a command after -- ({hint})"
            return UsageMistake(_explain_option(fault), hint=hint)
        case click.BadParameter(param=click.Parameter() as parameter) if context:
            name = _name_parameter(parameter, context)
            return UsageMistake(f"{name}: {_explain_value(fault, parameter)}", hint=hint)
    return _explain_rest(fault, hint)


def _explain_missing(fault: click.MissingParameter, context: click.Context) -> UsageMistake:
    parameter = fault.param
    assert parameter is not None  # noqa: S101 -- the caller looked
    shown = parameter.make_metavar(context)
    command = " ".join([context.command_path, *_list_arguments(context)])
    if isinstance(parameter, click.Option):
        option = parameter.opts[0]
        return UsageMistake(
            f"{max(parameter.opts, key=len)} is missing", hint=f"{command} {option} {shown}"
        )
    if isinstance(parameter.type, click.Choice):
        choices = ", ".join(map(str, parameter.type.choices))
        return UsageMistake(f"{shown} is missing; there are: {choices}", hint=command)
    return UsageMistake(f"{shown} is missing", hint=command)


def _list_arguments(context: click.Context) -> list[str]:
    return [
        parameter.make_metavar(context)
        for parameter in context.command.get_params(context)
        if isinstance(parameter, click.Argument)
    ]


def _explain_option(fault: click.NoSuchOption) -> str:
    meant = f"; did you mean {fault.possibilities[0]}?" if fault.possibilities else ""
    return f"there is no option {fault.option_name}{meant}"


def _name_parameter(parameter: click.Parameter, context: click.Context) -> str:
    """Name what the value came from: a variable, an option, or an argument."""
    source = context.get_parameter_source(parameter.name or "")
    if source is ParameterSource.ENVIRONMENT and isinstance(parameter.envvar, str):
        return parameter.envvar
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return parameter.make_metavar(context)


def _explain_value(fault: click.BadParameter, parameter: click.Parameter) -> str:
    if isinstance(parameter.type, click.Choice):
        return f"expected one of: {', '.join(map(str, parameter.type.choices))}"
    return fault.message.removesuffix(".")


def _explain_rest(fault: click.UsageError, hint: str) -> UsageMistake:
    message = fault.format_message()
    if found := _NO_COMMAND.match(message):
        return UsageMistake(_explain_command(found[1], fault.ctx), hint=hint)
    if found := _TOO_MANY.fullmatch(message):
        quotes = f"put words that belong together in quotes; {hint} shows what goes where"
        return UsageMistake(f"more words than expected: {found[1]}", hint=quotes)
    if found := _NO_VALUE.fullmatch(message):
        return UsageMistake(f"{found[1]} needs a value", hint=hint)
    if found := _NO_FLAG.fullmatch(message):
        return UsageMistake(f"{found[1]} takes no value", hint=hint)
    return UsageMistake(message, hint=hint)


def _explain_command(name: str, context: click.Context | None) -> str:
    from difflib import get_close_matches

    names: Sequence[str] = ()
    if context is not None and isinstance(context.command, click.Group):
        names = context.command.list_commands(context)
    close = get_close_matches(name, names, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    return f"there is no command {name}{meant}"
