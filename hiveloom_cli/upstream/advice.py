"""What a person can do about an upstream's refusal: which key was used, which command helps."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, assert_never

from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.providers import PROVIDERS
from hiveloom_cli.upstream.fault_kind import FaultKind, decide_kind
from hiveloom_cli.upstream.resolve import EnvironmentKey, PlaceholderKey, StoredKey, SystemdKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hiveloom_cli.errors import UpstreamRefused
    from hiveloom_cli.upstream.resolve import Upstream

_ENDPOINTS = ("/chat/completions", "/completions", "/v1/messages", "/messages", "/responses")
_MOST_LOOKALIKES = 3
_LONGEST_WAIT_S = 86_400 * 30


@dataclass(frozen=True, slots=True)
class _Case:
    """What is known when a hint is built."""

    error: UpstreamRefused
    upstream: Upstream
    model: str
    offered: Sequence[str]


def decide_hint(
    error: UpstreamRefused, upstream: Upstream, model: str = "", offered: Sequence[str] = ()
) -> str:
    """Decide what to suggest for a refusal, or "".

    `model` is what was asked for, `offered` the models that the upstream has, where they are known.
    """
    build_hint = _HINTS.get(decide_kind(error))
    return build_hint(_Case(error, upstream, model, offered)) if build_hint else ""


def explain_media(error: UpstreamRefused, kind: FaultKind, sent: str) -> None:
    """Say of a refusal that it is, or may be, about what was attached; `sent` names that."""
    if kind is FaultKind.MEDIA:
        error.message = f"this model takes no {sent}: {error.message}"
        error.args = (error.message,)
    elif kind is FaultKind.BAD_REQUEST:
        error.hint = (
            f"this upstream may take no {sent}: ask another model, or leave the attachment out;"
            " otherwise check the model's name and the agent's parameters"
        )


def _suggest_key(case: _Case) -> str:
    match case.upstream.key:
        case StoredKey(name):
            return (
                f"the key stored as {name} was sent; put another in its place:"
                f" hiveloom credential rotate --name {name}"
            )
        case SystemdKey(name):
            return (
                f"the key that systemd hands over as hiveloom.{name} was sent; put another into its"
                " file, and restart the service"
            )
        case EnvironmentKey(variable):
            return (
                f"the key in the variable {variable} was sent; check it, or store one:"
                " hiveloom credential set"
            )
        case PlaceholderKey():
            name = case.upstream.credential or case.upstream.protocol
            return f"this server wants a key: hiveloom credential set --name {name}"
        case _:
            assert_never(case.upstream.key)


def _format_key(upstream: Upstream) -> str:
    match upstream.key:
        case StoredKey(name):
            return f"the key stored as {name}"
        case SystemdKey(name):
            return f"the key that systemd hands over as hiveloom.{name}"
        case EnvironmentKey(variable):
            return f"the key in the variable {variable}"
        case PlaceholderKey():
            return "no key"
        case _:
            assert_never(upstream.key)


def _suggest_permission(case: _Case) -> str:
    return (
        f"{_format_key(case.upstream)} was sent: see at {case.upstream.base_url.host} what it may"
        " use, or name another with --credential NAME"
    )


def _suggest_balance(case: _Case) -> str:
    return (
        f"check the account's balance and limits at {case.upstream.base_url.host}"
        f" ({_format_key(case.upstream)} was sent)"
    )


def _suggest_wait(case: _Case) -> str:
    wait_s = case.error.retry_after_s
    if not wait_s or wait_s > _LONGEST_WAIT_S:
        return "wait a little, then ask again"
    return f"wait {max(1, round(wait_s))} s, then ask again"


def _suggest_model(case: _Case) -> str:
    alike = get_close_matches(case.model, case.offered, _MOST_LOOKALIKES, cutoff=0.5)
    if alike:
        return f"did you mean {' or '.join(alike)}? Name it with --model, or in the agent's file"
    match case.upstream.key:
        case StoredKey(name):
            return f"see what it offers: hiveloom model list --credential {name}"
        case _:
            return "see what it offers: hiveloom model list"


def _suggest_address(case: _Case) -> str:
    where = case.upstream.moved_by or "the base URL"
    if 300 <= case.error.status < 400:
        return f"check {where} ({case.upstream.base_url}): it must be the API's own address"
    if meant := _find_meant_url(case.upstream):
        return f"check {where} ({case.upstream.base_url}): did you mean {meant}?"
    return f"check the model's name and {where} ({case.upstream.base_url})"


def _find_meant_url(upstream: Upstream) -> str:
    """Find what a base URL was probably meant to be, or ""."""
    base_url = upstream.base_url
    for ending in _ENDPOINTS:  # an endpoint's own address, pasted whole
        if base_url.path.endswith(ending):
            return f"{base_url.origin}{base_url.path.removesuffix(ending)}"
    for provider in PROVIDERS:
        preset = parse_base_url(provider.base_url, source=provider.name)
        if provider.protocol == upstream.protocol and preset.origin == base_url.origin:
            return "" if preset == base_url else str(preset)
    if upstream.protocol == "openai" and not base_url.path.endswith("/v1"):
        return base_url.join("/v1")
    return ""


def _say(text: str) -> Callable[[_Case], str]:
    return lambda _: text


_HINTS: Mapping[FaultKind, Callable[[_Case], str]] = {
    FaultKind.RATE_LIMIT: _suggest_wait,
    FaultKind.OVERLOADED: _suggest_wait,
    FaultKind.SERVER: _say("ask again; the fault is the upstream's"),
    FaultKind.BUSY: _say("ask again"),
    FaultKind.AUTHENTICATION: _suggest_key,
    FaultKind.BALANCE: _suggest_balance,
    FaultKind.QUOTA: _suggest_balance,
    FaultKind.PERMISSION: _suggest_permission,
    FaultKind.NO_MODEL: _suggest_model,
    FaultKind.NO_ROUTE: _say("ask another model, or allow more providers in the router's settings"),
    FaultKind.OVERFLOW: _say(
        "the conversation is longer than the model can read: begin anew with /new, send less,"
        " lower --max-tokens, or ask a model with a larger context"
    ),
    FaultKind.TOO_LARGE: _say(
        "send less at a time, lower --max-tokens, or ask a model with higher limits"
    ),
    FaultKind.MEDIA: _say(
        "ask a model that takes images or documents, or leave the attachment out; of a PDF the text"
        " can be attached"
    ),
    FaultKind.BAD_MEDIA: _say("attach something smaller or in another format, or leave it out"),
    FaultKind.BAD_REQUEST: _say(
        "the upstream does not take the request as it is: check the model's name and the agent's"
        " parameters"
    ),
    FaultKind.ADDRESS: _suggest_address,
    FaultKind.PROXY: _say("check HTTPS_PROXY and HTTP_PROXY, or name the host in NO_PROXY"),
    FaultKind.OTHER: _say("ask again; if it goes on, check the base URL and what serves it"),
}
