"""`hiveloom credential`: set, list, rotate, remove. No option takes a key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import choose_name, complete_credentials, take_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.app import App
    from hiveloom_cli.credentials.credential import Credential, Saved
    from hiveloom_cli.secret import Secret


def _take_source(command: Callable[..., Any]) -> Callable[..., Any]:
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


@click.group(name="credential")
def command() -> None:
    """Keys live in the operating system's keyring, or, where there is none, in an encrypted file.

    A key is typed at a hidden prompt, piped in, or taken with --from-env or --from-file.
    """


@command.command(name="set")
@take_name(complete_credentials)
@_take_source
@click.pass_obj
def set_credential(
    app: App,
    words: tuple[str, ...],
    name_option: str | None,
    from_env: str | None,
    from_file: str | None,
) -> None:
    """Store a key under a name; a key that is there is replaced."""
    from hiveloom_cli.credentials.credential import parse_credential_name

    name = parse_credential_name(choose_name(words, name_option))
    saved = app.credentials.save(name, _load_secret(app, name, from_env, from_file))
    _print_saved(app, saved, "Replaced" if saved.replaced else "Stored")


@command.command()
@take_name(complete_credentials)
@_take_source
@click.pass_obj
def rotate(
    app: App,
    words: tuple[str, ...],
    name_option: str | None,
    from_env: str | None,
    from_file: str | None,
) -> None:
    """Replace a key that is stored."""
    from hiveloom_cli.credentials.credential import parse_credential_name

    name = parse_credential_name(choose_name(words, name_option))
    app.credentials.load(name)  # an unknown name is told before a key is asked for
    saved = app.credentials.rotate(name, _load_secret(app, name, from_env, from_file))
    _print_saved(app, saved, "Rotated")


@command.command()
@take_name(complete_credentials)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(app: App, words: tuple[str, ...], name_option: str | None, *, yes: bool) -> None:
    """Delete a key from where it is kept."""
    from hiveloom_cli.credentials.credential import parse_credential_name
    from hiveloom_cli.terminal.question import ask_consent

    name = parse_credential_name(choose_name(words, name_option))
    app.credentials.load(name)
    ask_consent(f"Remove the key {name}?", yes=yes, streams=app.streams)
    app.credentials.remove(name)
    app.streams.print_line(f"Removed {name}.")


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_credentials(app: App, *, as_json: bool) -> None:
    """List the names, where each key is kept and which agents use it; never a key."""
    from hiveloom_cli.terminal.table import format_table

    credentials = app.credentials.load_all()
    users = _find_users(app)
    rows = [_build_summary(entry, users.get(name, [])) for name, entry in credentials.items()]
    if as_json:
        app.streams.print_line(json.dumps(rows, ensure_ascii=False, indent=2))
    elif rows:
        for line in format_table(
            ("NAME", "KEPT IN", "SET", "ROTATED", "USED BY"), [_format_row(row) for row in rows]
        ):
            app.streams.print_line(line)
    else:
        app.streams.print_notice("No key is stored yet: hiveloom credential set --name openai")


def _load_secret(app: App, name: str, from_env: str | None, from_file: str | None) -> Secret:
    from hiveloom_cli.terminal.secret_entry import load_secret

    secret = load_secret(
        name, from_env=from_env, from_file=from_file, environ=app.environ, streams=app.streams
    )
    app.secrets.append(secret)
    return secret


def _print_saved(app: App, saved: Saved, verb: str) -> None:
    from hiveloom_cli.credentials.choice import parse_passphrase
    from hiveloom_cli.credentials.notice import format_place, format_vault_notice

    credential = saved.credential
    place = format_place(credential.kept_in)
    app.streams.print_line(f"{verb} the key {credential.name} in the {place}.")
    if saved.vault_is_new:
        passphrase = parse_passphrase(app.environ) is not None
        for line in format_vault_notice(app.paths, passphrase=passphrase):
            app.streams.print_notice(line)
    if saved.left_in is not None:
        app.streams.print_notice(
            f"warning: the former key could not be deleted from the {format_place(saved.left_in)}"
        )


def _find_users(app: App) -> dict[str, list[str]]:
    """Find which agents use which credential: the one they name, else the one of their protocol."""
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.protocols.table import decide_protocol

    users: dict[str, list[str]] = {}
    for agent in app.agents.load_all():
        if isinstance(agent, Agent):
            name = agent.credential or decide_protocol(agent.model)
            users.setdefault(name, []).append(agent.name)
    return users


def _build_summary(credential: Credential, users: list[str]) -> dict[str, Any]:
    from hiveloom_cli.clock import format_timestamp

    rotated_at = credential.rotated_at
    return {
        "name": credential.name,
        "kept_in": credential.kept_in,
        "set_at": format_timestamp(credential.set_at),
        "rotated_at": format_timestamp(rotated_at) if rotated_at else None,
        "used_by": users,
    }


def _format_row(row: dict[str, Any]) -> tuple[str, ...]:
    from hiveloom_cli.credentials.notice import format_place

    return (
        row["name"],
        format_place(row["kept_in"]),
        row["set_at"],
        row["rotated_at"] or "-",
        ", ".join(row["used_by"]) or "-",
    )
