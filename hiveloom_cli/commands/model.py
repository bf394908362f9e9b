"""`hiveloom model`: what upstreams offer."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.connecting import take_allow_http, take_credential
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.app import App
    from hiveloom_cli.protocols.models import ModelInfo
    from hiveloom_cli.upstream.model_cache import Offer
    from hiveloom_cli.upstream.resolve import Upstream

_TOOLS = {True: "yes", False: "no", None: "-"}


@click.group(name="model")
def command() -> None:
    """List models, and forget what was learned of them."""


@command.command(name="list")
@take_credential("Ask the upstream of this key; without it, where Chat Completions goes.")
@click.option("--refresh", is_flag=True, help="Ask anew; a list is kept for a day.")
@take_allow_http
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def list_models(app: App, /, **options: Any) -> None:
    """List the models that an upstream offers.

    With each stands its context in tokens and whether it takes tools; a dash stands for what the
    upstream does not say.
    """
    upstream = _decide_upstream(app, options["credential"] or "", options)
    offer = None if options["refresh"] else app.model_cache.load(upstream)
    is_kept = offer is not None
    if offer is None:
        offer = app.model_cache.save(upstream, app.load_models(upstream))
    if options["as_json"]:
        document = _build_document(upstream, offer)
        app.streams.print_json(document)
    else:
        _print_models(app, upstream, offer, is_kept=is_kept)


@command.command(short_help="Forget what was learned of a model.")
@click.argument("model", required=False)
@click.option("--all", "everything", is_flag=True, help="Forget what was learned of every model.")
@click.pass_obj
def forget(app: App, model: str | None, *, everything: bool) -> None:
    """Forget what was learned of a model's dialect; it is learned anew when it is asked."""
    if (model is None) is not everything:
        raise UsageMistake(
            "forget one model, or all of them", hint="hiveloom model forget MODEL, or --all"
        )
    count = app.dialects.forget(model)
    if not count:
        of = "any model" if model is None else model
        app.streams.print_line(f"Nothing was learned of {of}: there is nothing to forget.")
        return
    what = "model" if count == 1 else "models"
    app.streams.print_line(f"Forgot what was learned of {count} {what}.")


def _decide_upstream(app: App, credential: str, options: dict[str, Any]) -> Upstream:
    from hiveloom_cli.upstream.binding import check_settled

    stored = app.credentials.load_all().get(credential)
    if stored is not None:
        hint = f"bind it: hiveloom credential set --name {credential} --provider PRESET"
        check_settled(credential, stored, hint=hint)
    return app.decide_upstream("", credential, allow_http=options["allow_http"])


def _print_models(app: App, upstream: Upstream, offer: Offer, *, is_kept: bool) -> None:
    from hiveloom_cli.terminal.table import format_table

    where = upstream.base_url.origin
    if offer.models:
        rows = [_format_row(model) for model in offer.models]
        for line in format_table(("MODEL", "CONTEXT", "TOOLS"), rows):
            app.streams.print_line(line)
    else:
        app.streams.print_notice(f"{where} offers no model yet.")
    if is_kept:
        at = offer.asked_at.astimezone().strftime("%Y-%m-%d %H:%M")
        app.streams.print_notice(f"note: {where} said so at {at}; --refresh asks again")


def _format_row(model: ModelInfo) -> tuple[str, ...]:
    context = "-" if model.context_length is None else f"{model.context_length:,}"
    return model.id, context, _TOOLS[model.takes_tools]


def _build_document(upstream: Upstream, offer: Offer) -> dict[str, Any]:
    from hiveloom_cli.clock import format_timestamp

    return {
        "base_url": str(upstream.base_url),
        "protocol": upstream.protocol,
        "asked_at": format_timestamp(offer.asked_at),
        "models": [asdict(model) for model in offer.models],
    }
