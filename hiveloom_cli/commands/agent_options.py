"""The settings of an agent as options, for the commands that make and change agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from hiveloom_cli.commands.connecting import take_credential, take_model
from hiveloom_cli.commands.numbers import TEMPERATURE, TOKENS, TOP_P
from hiveloom_cli.errors import HiveloomError, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.commands.connecting import Command

_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    take_model("The upstream's own name for the model."),
    click.option(
        "--system-prompt", metavar="TEXT", help="What the agent is told before anything else."
    ),
    click.option(
        "--system-prompt-file",
        type=click.File("r", encoding="utf-8"),
        metavar="FILE",
        help="Read the system prompt from a file (- for stdin).",
    ),
    click.option("--description", metavar="TEXT", help="One line for lists."),
    take_credential("The credential to use; without it the model decides."),
    click.option(
        "--temperature", type=TEMPERATURE, help="0 to 2; without it the upstream decides."
    ),
    click.option("--top-p", type=TOP_P, help="0 to 1; without it the upstream decides."),
    click.option("--max-tokens", type=TOKENS, help="The longest answer, in tokens."),
)


def take_agent_settings(command: Command) -> Command:
    """Declare the settings that an agent's file usually has; what is not given is None."""
    for declare in reversed(_OPTIONS):
        command = declare(command)
    return command


def load_prompt(options: dict[str, Any]) -> str | None:
    """Return the system prompt that was given, as text or in a file; None for none.

    Raises `UsageMistake` if it was given twice, and `HiveloomError` for what is not UTF-8.
    """
    text, file = options["system_prompt"], options["system_prompt_file"]
    if text is not None and file is not None:
        raise UsageMistake(
            "the system prompt was given twice",
            hint="give --system-prompt or --system-prompt-file, not both",
        )
    if file is None:
        return cast("str | None", text)
    from hiveloom_cli.agents.agent_file import MOST_BYTES

    try:
        # One character more than an agent's file can hold is refused where it is written.
        return str(file.read(MOST_BYTES + 1)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise HiveloomError(f"{file.name}: not UTF-8 text", hint="save it as UTF-8") from None


def check_typed(text: str) -> None:
    """Return if `text` is Unicode; raise `UsageMistake` for bytes that were not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageMistake("what was typed is not UTF-8 text") from None
