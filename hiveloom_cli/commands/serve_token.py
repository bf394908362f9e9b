"""`hiveloom serve token`: whom the server lets in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import choose_name, find_app, take_name

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from hiveloom_cli.app import App
    from hiveloom_cli.serve.door.tokens import Tokens

_DATE = len("2026-01-31")


def open_tokens(app: App) -> Tokens:
    """Open the tokens that let programs in; no file is touched yet."""
    from hiveloom_cli.serve.door.tokens import Tokens

    return Tokens(app.paths.serve_tokens, app.clock)


def complete_tokens(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of tokens."""
    from click.shell_completion import CompletionItem

    names = [token.name for token in open_tokens(find_app(context)).load_all()]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_nothing(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer nothing: a new name is the person's to think of."""
    return []


@click.group(name="token")
def command() -> None:
    """Tokens let programs in to `hiveloom serve`; only their digests are kept.

    A program sends its token as `Authorization: Bearer TOKEN` or as `x-api-key: TOKEN`, which is
    where clients of OpenAI and Anthropic put their API key.
    """


@command.command(short_help="Make a token and print it, once.")
@take_name(complete_nothing)
@click.pass_obj
def create(app: App, words: tuple[str, ...], name_option: str | None) -> None:
    """Make a token and print it; it cannot be shown again.

    The token alone goes to stdout. A server that runs lets it in at once.
    """
    name = choose_name(words, name_option) if words or name_option is not None else ""
    token, secret = open_tokens(app).create(name)
    app.streams.print_line(secret.reveal())
    app.streams.print_notice(f"Made the token {token.name}. Keep it: it is not shown again.")


@command.command(name="list", short_help="List the tokens, without what is secret of them.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_tokens(app: App, *, as_json: bool) -> None:
    """List the tokens by name and id; the tokens themselves are not kept."""
    from hiveloom_cli.clock import format_timestamp

    rows = [
        {"id": token.id, "name": token.name, "created_at": format_timestamp(token.created_at)}
        for token in open_tokens(app).load_all()
    ]
    if as_json:
        app.streams.print_json(rows)
    elif rows:
        from hiveloom_cli.terminal.table import format_table

        cells = [(row["name"], row["id"], row["created_at"][:_DATE]) for row in rows]
        app.streams.print_lines(format_table(("NAME", "ID", "CREATED"), cells))
    else:
        app.streams.print_notice("There is no token yet: hiveloom serve token create")


@command.command(short_help="Revoke a token: it stops working at once.")
@take_name(complete_tokens)
@click.pass_obj
def revoke(app: App, words: tuple[str, ...], name_option: str | None) -> None:
    """Revoke the token of that name or id; a server that runs lets it in no more."""
    token = open_tokens(app).revoke(choose_name(words, name_option))
    app.streams.print_line(f"Revoked {token.name}.")
