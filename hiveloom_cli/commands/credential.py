"""`hiveloom credential`: set, list, test, rotate, remove. No option takes a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.connecting import (
    take_address,
    take_allow_http,
    take_model,
    take_source,
)
from hiveloom_cli.commands.naming import choose_name, complete_credentials, take_name

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.credentials.credential import Credential, Saved
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.upstream.binding import Address
    from hiveloom_cli.upstream.key_check import KeyCheck
    from hiveloom_cli.upstream.resolve import Upstream

_ASKED = "The model to ask for one token, where a list of models tells nothing."


@click.group(name="credential")
def command() -> None:
    """Keys live in the operating system's keyring, or, where there is none, in an encrypted file.

    A key is typed at a hidden prompt, piped in, or taken with --from-env or --from-file.
    """


@command.command(name="set")
@take_name(complete_credentials)
@take_address
@take_allow_http
@take_source
@click.option(
    "--from-systemd",
    is_flag=True,
    help="Keep the address alone; systemd hands the key to the service, as hiveloom.NAME.",
)
@click.pass_obj
def set_credential(app: App, /, **options: Any) -> None:
    """Store a key under a name; a key that is there is replaced.

    The key is bound to one address: the one given, else the one it has, else that of the provider
    of its name. A key named openai or anthropic goes where the environment points that protocol. A
    name that says nothing leaves it to the model.

    \b
      hiveloom credential set openai
      hiveloom credential set groq
      hiveloom credential set work --base-url https://llm.example.org/v1
    """
    from hiveloom_cli.credentials.credential import parse_credential_name

    name = parse_credential_name(choose_name(options["words"], options["name_option"]))
    address = _decide_address(app, name, options)
    if options["from_systemd"]:
        _save_handed(app, name, address, options)
        return
    secret = _load_secret(app, name, options)
    saved = app.credentials.save(name, secret, base_url=address.base_url, protocol=address.protocol)
    _print_saved(app, saved, "Replaced" if saved.replaced else "Stored")


@command.command(name="test")
@take_name(complete_credentials)
@take_model(_ASKED)
@take_allow_http
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def try_credential(app: App, /, **options: Any) -> None:
    """Ask a key's upstream whether it takes the key.

    It is asked for its list of models; where that tells nothing, a model is asked for one token.
    """
    from hiveloom_cli.credentials.credential import parse_credential_name

    name = parse_credential_name(choose_name(options["words"], options["name_option"]))
    app.credentials.load(name)
    upstream = _decide_upstream(app, name, options)
    check = app.check_key(upstream, app.load_key(upstream.key), options["model"] or "")
    if options["as_json"]:
        document = _build_check(name, upstream, check)
        app.streams.print_json(document)
    else:
        app.streams.print_line(_format_check(name, upstream, check))


@command.command(short_help="Replace a key that is stored; its address stays.")
@take_name(complete_credentials)
@click.option("--test", is_flag=True, help="Try the new key first; the old one stays if it fails.")
@take_model(_ASKED)
@take_allow_http
@take_source
@click.pass_obj
def rotate(app: App, /, **options: Any) -> None:
    """Replace a key that is stored; the address that it belongs to stays."""
    from hiveloom_cli.credentials.credential import parse_credential_name

    name = parse_credential_name(choose_name(options["words"], options["name_option"]))
    # An unknown name is told before a key is asked for.
    _check_ours(app.credentials.load(name))
    upstream = _decide_upstream(app, name, options) if options["test"] else None
    secret = _load_secret(app, name, options)
    if upstream is not None:
        where = upstream.base_url.origin
        app.streams.print_notice(f"Trying the new key at {where}; the old one stays if it fails.")
        check = app.check_key(upstream, secret, options["model"] or "")
        app.streams.print_line(_format_check(name, upstream, check))
    _print_saved(app, app.credentials.rotate(name, secret), "Rotated")


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


@command.command(name="list", short_help="List the names, and where each key goes; never a key.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_credentials(app: App, *, as_json: bool) -> None:
    """List the names, where each key goes and is kept, and which agents use it; never a key."""
    from hiveloom_cli.commands.credential_list import build_rows, format_rows

    rows = build_rows(app)
    if as_json:
        app.streams.print_json(rows)
    elif rows:
        for line in format_rows(app, rows):
            app.streams.print_line(line)
    else:
        app.streams.print_notice("No key is stored yet: hiveloom credential set --name openai")
    if handed := app.credentials.load_handed_names() - {row["name"] for row in rows}:
        names = ", ".join(sorted(handed))
        app.streams.print_notice(f"note: systemd hands over, for their own addresses: {names}")


def _save_handed(app: App, name: str, address: Address, options: dict[str, Any]) -> None:
    from hiveloom_cli.errors import UsageMistake

    if options["from_env"] is not None or options["from_file"] is not None:
        raise UsageMistake("the key was given twice", hint="give --from-systemd alone")
    saved = app.credentials.save_handed(name, base_url=address.base_url, protocol=address.protocol)
    _print_saved(app, saved, "Left")
    app.streams.print_notice(f"The unit needs a line: LoadCredential=hiveloom.{name}:FILE")


def _check_ours(credential: Credential) -> None:
    """Return if a key is ours to replace; raise `UsageMistake` if systemd hands it over."""
    from hiveloom_cli.errors import UsageMistake

    if credential.kept_in == "systemd":
        raise UsageMistake(
            f"systemd hands over the key {credential.name}, so it is not replaced here",
            hint="put the new key into the file that the unit names, and restart the service",
        )


def _decide_address(app: App, name: str, options: dict[str, Any]) -> Address:
    from hiveloom_cli.protocols.providers import suggest_provider
    from hiveloom_cli.upstream.binding import AddressWish, decide_address
    from hiveloom_cli.upstream.resolve import is_http_allowed

    allow_http = options["allow_http"] or is_http_allowed(app.environ)
    wish = AddressWish(
        options["provider"], options["base_url"], options["protocol"], allow_http=allow_http
    )
    address = decide_address(name, app.credentials.load_all().get(name), wish)
    close = suggest_provider(name) if address.is_open else ""
    if close not in ("", name):
        app.streams.print_notice(f"note: no provider is called {name}; did you mean {close}?")
    return address


def _decide_upstream(app: App, name: str, options: dict[str, Any]) -> Upstream:
    from hiveloom_cli.upstream.binding import check_settled

    model = options["model"] or ""
    if not model:
        check_settled(name, app.credentials.load(name), hint="say it: --model MODEL")
    return app.decide_upstream(model, name, allow_http=options["allow_http"])


def _load_secret(app: App, name: str, options: dict[str, Any]) -> Secret:
    from hiveloom_cli.terminal.secret_entry import load_secret

    secret = load_secret(
        name,
        from_env=options["from_env"],
        from_file=options["from_file"],
        environ=app.environ,
        streams=app.streams,
    )
    app.secrets.append(secret)
    return secret


def _print_saved(app: App, saved: Saved, verb: str) -> None:
    from hiveloom_cli.credentials.handed import load_passphrase
    from hiveloom_cli.credentials.notice import format_place, format_vault_notice
    from hiveloom_cli.upstream.binding import format_destination

    credential = saved.credential
    place = format_place(credential.kept_in)
    where = f"to the {place}" if credential.kept_in == "systemd" else f"in the {place}"
    origin = format_destination(credential.name, credential, app.environ)
    goal = f", for {origin}" if origin else "; the model's name decides where it goes"
    app.streams.print_line(f"{verb} the key {credential.name} {where}{goal}.")
    if saved.vault_is_new:
        passphrase = load_passphrase(app.environ) is not None
        for line in format_vault_notice(app.paths, passphrase=passphrase):
            app.streams.print_notice(line)
    if saved.left_in is not None:
        app.streams.print_notice(
            f"warning: the former key could not be deleted from the {format_place(saved.left_in)}"
        )


def _build_check(name: str, upstream: Upstream, check: KeyCheck) -> dict[str, Any]:
    return {
        "name": name,
        "base_url": str(upstream.base_url),
        "protocol": upstream.protocol,
        "works": None if check.proof == "none" else True,
        "models": len(check.models) if check.models is not None else None,
        "asked": check.asked or None,
    }


def _format_check(name: str, upstream: Upstream, check: KeyCheck) -> str:
    where = upstream.base_url.origin
    count = len(check.models or ())
    models = f"{count} model{'' if count == 1 else 's'}"
    if check.proof == "none":
        return f"{where} offers {models} to anyone, so the key {name} was not put to the test."
    if check.proof == "answer":
        return f"The key {name} works at {where}: {check.asked} answered."
    return f"The key {name} works at {where}: it opens {models}."
