"""Asking an upstream which models it offers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.errors import HiveloomError, ReplyNotUnderstood, UpstreamRefused
from hiveloom_cli.protocols.models import ModelPage, parse_models
from hiveloom_cli.protocols.table import PROTOCOLS
from hiveloom_cli.upstream.advice import decide_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hiveloom_cli.protocols.models import ModelInfo
    from hiveloom_cli.protocols.request import WireRequest
    from hiveloom_cli.secret import Secret
    from hiveloom_cli.upstream.client import Transport
    from hiveloom_cli.upstream.model_cache import ModelCache
    from hiveloom_cli.upstream.resolve import Upstream

_MOST_BYTES = 16 * 1024 * 1024  # the longest list known, OpenRouter's, has about one
_MOST_PAGES = 20


def load_models(
    upstream: Upstream, transport: Transport, key: Secret, *, with_key: bool = True
) -> tuple[ModelInfo, ...]:
    """Ask for the list of models, page after page; without the key if `with_key` is false.

    Raises `UpstreamError` with a hint that fits the upstream.
    """
    found: dict[str, ModelInfo] = {}
    try:
        for page in _load_pages(upstream, transport, key, with_key=with_key):
            found |= {model.id: model for model in page.models}
    except UpstreamRefused as error:
        error.hint = error.hint or decide_hint(error, upstream)
        raise
    return tuple(found.values())


def load_offered(
    upstream: Upstream, transport: Transport, load_key: Callable[[], Secret], cache: ModelCache
) -> list[str]:
    """List what an upstream offers, as kept or as it says now; [] if it does not say."""
    offer = cache.load(upstream)
    if offer is None:
        try:
            offer = cache.save(upstream, load_models(upstream, transport, load_key()))
        except HiveloomError:
            return []
    return [model.id for model in offer.models]


def _load_pages(
    upstream: Upstream, transport: Transport, key: Secret, *, with_key: bool
) -> Iterator[ModelPage]:
    wire = PROTOCOLS[upstream.protocol]
    seen = {""}
    after = ""
    for _ in range(_MOST_PAGES):
        request = wire.build_models_request(upstream.base_url, after)
        page = _load_page(request if with_key else replace(request, key_headers=()), transport, key)
        yield page
        after = page.next_after
        if after in seen:  # the last page; or a server that would go round for ever
            return
        seen.add(after)


def _load_page(request: WireRequest, transport: Transport, key: Secret) -> ModelPage:
    body = bytearray()
    # Reading belongs inside: the key is masked in every error that passes the transport.
    with transport.open_reply(request, key) as pieces:
        for piece in pieces:
            body += piece
            if len(body) > _MOST_BYTES:
                raise ReplyNotUnderstood(
                    f"the upstream's list of models is larger than {_MOST_BYTES >> 20} MiB"
                )
        return parse_models(bytes(body))
