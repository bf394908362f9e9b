"""`hiveloom provider`: the table of known upstreams, and what to type for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.connecting import complete_providers
from hiveloom_cli.commands.naming import choose_name, take_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.app import App
    from hiveloom_cli.protocols.providers import Provider

_MODEL = "MODEL"


@click.group(name="provider")
def command() -> None:
    """Known upstreams: where they are, what they speak, where a key is to be had.

    Any other that speaks one of the two protocols works as well:

    \b
      hiveloom credential set --name work --base-url https://llm.example.org/v1
    """


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_providers(app: App, *, as_json: bool) -> None:
    """List the providers."""
    from hiveloom_cli.protocols.providers import PROVIDERS
    from hiveloom_cli.terminal.table import format_table

    if as_json:
        rows = [_build_summary(provider) for provider in PROVIDERS]
        app.streams.print_json(rows)
        return
    for line in format_table(
        ("NAME", "BASE URL", "USUAL VARIABLE"),
        [(row.name, row.base_url, row.key_variable or "-") for row in PROVIDERS],
    ):
        app.streams.print_line(line)
    app.streams.print_notice("What to type for one of them: hiveloom provider show NAME")


@command.command()
@take_name(complete_providers)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(app: App, words: tuple[str, ...], name_option: str | None, *, as_json: bool) -> None:
    """Show a provider, and the commands to use it."""
    from hiveloom_cli.protocols.providers import get_provider

    provider = get_provider(choose_name(words, name_option))
    if as_json:
        document = {**_build_summary(provider), "commands": _build_commands(provider)}
        app.streams.print_json(document)
        return
    for line in _format_provider(provider):
        app.streams.print_line(line)


def _build_summary(provider: Provider) -> dict[str, Any]:
    return {
        "name": provider.name,
        "title": provider.title,
        "protocol": provider.protocol,
        "base_url": provider.base_url,
        "example_models": list(provider.example_models),
        "key_variable": provider.key_variable or None,
        "key_page": provider.key_page or None,
    }


def _build_commands(provider: Provider) -> list[str]:
    """Build what to type to use the provider beside others."""
    from hiveloom_cli.protocols.providers import MOVABLE

    own = "" if provider.name in MOVABLE else f" --credential {provider.name}"
    create = f"hiveloom agent create --name helper --model {_choose_model(provider)}{own}"
    chat = "hiveloom chat helper"
    if not provider.is_hosted:
        return [create, chat]
    return [f"hiveloom credential set --name {provider.name}", create, chat]


def _build_moving(provider: Provider) -> list[str]:
    """Build what to type to send all of Chat Completions to the provider, in one shell."""
    chat = f'hiveloom chat --model {_choose_model(provider)} "a question"'
    return [f"export HIVELOOM_OPENAI_BASE_URL={provider.base_url}", chat]


def _format_provider(provider: Provider) -> Iterator[str]:
    from hiveloom_cli.protocols.providers import MOVABLE
    from hiveloom_cli.protocols.table import PROTOCOLS

    yield f"{provider.title}, through {PROTOCOLS[provider.protocol].title}"
    yield ""
    yield f"base URL:        {provider.base_url}"
    yield f"example models:  {', '.join(provider.example_models)}"
    if provider.is_hosted:
        yield f"get a key:       {provider.key_page}"
        yield f"usual variable:  {provider.key_variable} (taken where no key is stored)"
        yield f"in a service:    LoadCredential=hiveloom.{provider.name}:FILE (taken before that)"
    yield ""
    yield "Beside other providers:"
    yield from (f"  {line}" for line in _build_commands(provider))
    if not provider.is_hosted:
        yield ""
        yield "If it wants a key, or runs elsewhere:"
        yield f"  hiveloom credential set --name {provider.name} --base-url https://HOST/v1"
    if provider.name not in MOVABLE:
        yield ""
        yield "For all Chat Completions of this shell, with the key stored as openai:"
        yield from (f"  {line}" for line in _build_moving(provider))


def _choose_model(provider: Provider) -> str:
    example = provider.example_models[0]
    return _MODEL if " " in example else example  # "whatever your proxy offers" is not to be typed
