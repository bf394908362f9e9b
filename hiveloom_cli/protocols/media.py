"""What may be attached: the limits of a protocol, of an upstream, and of a model.

Sources: Anthropic's guides on vision, PDF and request sizes. What is larger than one image may be
is measured there as base64, as it is sent. Chat Completions has no limit that all its servers
share; what one of them has, it says in a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hiveloom_cli.protocols.anthropic_messages.limits import has_short_context
from hiveloom_cli.protocols.providers import find_speaker

if TYPE_CHECKING:
    from hiveloom_cli.protocols.base_url import BaseUrl
    from hiveloom_cli.protocols.providers import ProtocolName

MEGABYTE = 1024 * 1024
PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """The most of each that a request may have; None for what nobody has said.

    `image_bytes` and `request_bytes` count base64. A request of more than `few_images` images holds
    each to `side_of_many` pixels in place of `side`. `refused` are media types, and `setter` names
    who refuses or limits.
    """

    setter: str = "Chat Completions"
    image_bytes: int | None = None
    request_bytes: int | None = None
    side: int | None = None
    images: int | None = None
    few_images: int | None = None
    side_of_many: int | None = None
    pdf_pages: int | None = None
    refused: frozenset[str] = frozenset()


def decide_limits(protocol: ProtocolName, base_url: BaseUrl, model: str) -> MediaLimits:
    """Decide what a request to a model may have attached."""
    if protocol == "anthropic":
        short = has_short_context(model)
        return MediaLimits(
            setter="Anthropic Messages",
            image_bytes=10 * MEGABYTE,
            request_bytes=32 * MEGABYTE,
            side=8000,
            images=100 if short else 600,
            few_images=20,
            side_of_many=2000,
            pdf_pages=100 if short else None,
        )
    provider = find_speaker(base_url, protocol)
    if provider is None:
        return MediaLimits()
    return MediaLimits(setter=provider.title, refused=provider.refused_media)
