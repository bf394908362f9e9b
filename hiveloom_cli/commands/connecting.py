"""Options that several commands share: where a key comes from, where it goes, how it is tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import click
from click.shell_completion import CompletionItem

from hiveloom_cli.commands.naming import complete_credentials, complete_models

Command: TypeAlias = Callable[..., Any]


def take_source(command: Command) -> Command:
    """Declare where the key comes from, if not from a hidden prompt or a pipe."""
    command = click.option(
        "--from-env", metavar="VARIABLE", help="Take the key from an environment variable."
    )(command)
    return click.option(
        "--from-file",
        type=click.Path(),
        metavar="PATH",
        help="Take the key from a file.",
    )(command)


def take_address(command: Command) -> Command:
    """Declare where the key may be sent, if not to the provider that its name says."""
    command = click.option(
        "--protocol",
        type=click.Choice(["openai", "anthropic"]),
        help="What is spoken there: Chat Completions or Anthropic Messages.",
    )(command)
    command = click.option(
        "--base-url", metavar="URL", help="The address, with its version prefix: https://host/v1."
    )(command)
    return click.option(
        "--provider",
        metavar="PRESET",
        help="The address of a known provider (hiveloom provider list).",
        shell_complete=complete_providers,
    )(command)


def take_allow_http(command: Command) -> Command:
    """Declare the consent to send a key without encryption."""
    return click.option(
        "--allow-http",
        is_flag=True,
        help="Allow plain http to another machine, on a network that you trust.",
    )(command)


def take_model(text: str) -> Callable[[Command], Command]:
    """Declare `--model`, completed with what upstreams offered when they were last asked."""
    return click.option("--model", metavar="MODEL", help=text, shell_complete=complete_models)


def take_credential(text: str) -> Callable[[Command], Command]:
    """Declare `--credential`."""
    return click.option(
        "--credential", metavar="NAME", help=text, shell_complete=complete_credentials
    )


def complete_providers(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of providers."""
    from hiveloom_cli.protocols.providers import PROVIDERS

    return [
        CompletionItem(row.name, help=row.title)
        for row in PROVIDERS
        if row.name.startswith(incomplete)
    ]
