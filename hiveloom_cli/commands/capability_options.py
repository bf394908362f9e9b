"""What a capability is made of, as options, for the commands that write and change one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import complete_credentials, complete_paths
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.commands.connecting import Command

API_KEY, MARKDOWN = "api_key", "markdown"

_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--description", metavar="TEXT", help="What the model is told of it."),
    click.option("--cap-endpoint", metavar="URL", help="Where a tool's calls are sent."),
    click.option(
        "--auth-type",
        type=click.Choice(["none", API_KEY, MARKDOWN]),
        help="What a call needs; markdown is a skill, which is read and calls nothing.",
    ),
    click.option(
        "--credential-ref",
        metavar="NAME",
        help="The credential whose key goes along (api_key).",
        shell_complete=complete_credentials,
    ),
    click.option(
        "--from-file",
        metavar="FILE",
        help="The skill's text, or a tool's file with more settings (- for stdin).",
        shell_complete=complete_paths,
    ),
)


def take_capability_settings(command: Command) -> Command:
    """Declare what a capability is made of; what is not given is None."""
    for declare in reversed(_OPTIONS):
        command = declare(command)
    return command


def check_options(options: dict[str, Any], *, is_skill: bool) -> None:
    """Return if the options agree with each other; raise `UsageMistake` if not."""
    auth, credential = options["auth_type"], options["credential_ref"]
    if is_skill and auth in (None, MARKDOWN):
        for key in ("cap_endpoint", "credential_ref"):
            if options[key] is not None:
                option = f"--{key.replace('_', '-')}"
                raise UsageMistake(f"a skill calls nothing, so {option} has no place", hint=_HINT)
    elif is_skill or auth == MARKDOWN:
        raise UsageMistake(f"--auth-type {auth} has no place here", hint=_HINT)
    elif auth == API_KEY and credential is None:
        hint = "hiveloom credential set NAME, then --credential-ref NAME"
        raise UsageMistake("--auth-type api_key needs a credential", hint=hint)
    elif auth == "none" and credential is not None:
        hint = f"--auth-type api_key --credential-ref {credential}"
        raise UsageMistake("a call that needs no key has no credential", hint=hint)


_HINT = "a tool has --cap-endpoint URL, a skill --auth-type markdown and --from-file FILE"
