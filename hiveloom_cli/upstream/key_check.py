"""Trying a key, to learn whether its upstream takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from hiveloom_cli.errors import AnswerEmpty, UpstreamError, UpstreamRefused
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.protocols.providers import find_provider_at
from hiveloom_cli.protocols.request import ChatRequest, Parameters
from hiveloom_cli.upstream.fault_kind import FaultKind, decide_kind
from hiveloom_cli.upstream.models import load_models

if TYPE_CHECKING:
    from hiveloom_cli.protocols.models import ModelInfo
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.upstream.client import ModelClient, Transport
    from hiveloom_cli.upstream.resolve import Upstream

# There is no list, or this key may not see it: both say nothing about asking a model.
_NO_LIST = frozenset({403, 404, 405, 501})

Proof: TypeAlias = Literal["models", "answer", "none"]
"""What shows that a key is taken: a list that others do not get, an answer, or nothing."""


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What came of trying a key. `models` is None where no list of them was to be had.

    `asked` is the model that answered, or "". The proof "none" is a server that takes any key.
    """

    proof: Proof
    models: tuple[ModelInfo, ...] | None = None
    asked: str = ""


def check_key(client: ModelClient, transport: Transport, key: Secret, model: str = "") -> KeyCheck:
    """Ask the upstream for its models; where that tells nothing about the key, for one token.

    `model` is whom to ask for the token; without it, the provider's example or the first that is
    offered. Some upstreams (OpenRouter, most local servers) show their list to anyone, so a list
    counts only if it is refused without the key. Raises `UpstreamError`.
    """
    upstream = client.upstream
    models: tuple[ModelInfo, ...] | None = None
    refusal: UpstreamRefused | None = None
    try:
        models = load_models(upstream, transport, key)
    except UpstreamRefused as error:
        if error.status not in _NO_LIST:
            raise
        refusal = error
    if models is not None and not _is_list_public(upstream, transport, key):
        return KeyCheck("models", models)
    asked = model or _choose_model(upstream, models or ())
    if asked:
        _ask_for_a_token(client, asked)
        return KeyCheck("answer", models, asked)
    if refusal is not None:
        refusal.hint = f"{refusal.hint}; or name a model to ask: --model MODEL".lstrip("; ")
        raise refusal
    return KeyCheck("none", models)


def _is_list_public(upstream: Upstream, transport: Transport, key: Secret) -> bool:
    try:
        load_models(upstream, transport, key, with_key=False)
    except UpstreamRefused as error:
        return decide_kind(error) not in (FaultKind.AUTHENTICATION, FaultKind.PERMISSION)
    except UpstreamError:
        return True  # it was not refused for want of a key, so the list proves nothing
    return True


def _choose_model(upstream: Upstream, models: tuple[ModelInfo, ...]) -> str:
    """Choose whom to ask for a token: the provider's example, else the first that is offered.

    Nobody on this machine, where the first token may take a model of 40 GB to load.
    """
    names = [model.id for model in models]
    provider = find_provider_at(upstream.base_url)
    if provider is not None and provider.is_hosted:
        example = provider.example_models[0]
        return example if example in names or not names else names[0]
    return names[0] if names and not upstream.base_url.is_loopback else ""


def _ask_for_a_token(client: ModelClient, model: str) -> None:
    parameters = Parameters(max_tokens=1)
    message = build_user_message("Hi")
    chat = ChatRequest(model, (message,), parameters=parameters, stream=False)
    try:
        for _ in client.open_reply(chat).stream_events():
            pass
    except AnswerEmpty:
        pass  # one token is often too few for a text; the key was taken
