"""What upstreams offered when they were last asked: one file each, in the cache folder.

    {"version": 1, "credential": "groq", "asked_at": "2026-01-31T09:00:00Z",
     "models": [{"id": "…", "context_length": 131072, "takes_tools": null}]}

Nothing in it is secret, and all of it can be asked for again: what cannot be read counts as absent,
what cannot be written is left out.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hiveloom_cli.clock import format_timestamp, parse_timestamp
from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.files import load_text, save_bytes
from hiveloom_cli.protocols.lookup import get_count, get_list, get_text
from hiveloom_cli.protocols.models import ModelInfo

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime
    from pathlib import Path

    from hiveloom_cli.clock import Clock
    from hiveloom_cli.upstream.resolve import Upstream

_VERSION = 1
_FRESH = timedelta(days=1)
_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Offer:
    """The models that the key `credential` was offered, and when."""

    credential: str
    asked_at: datetime
    models: tuple[ModelInfo, ...]


class ModelCache:
    """Offers under `folder`, one for each base URL, protocol and credential."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def load(self, upstream: Upstream) -> Offer | None:
        """Return the upstream's offer if it is not older than a day."""
        offer = _load_offer(self._folder / build_file_name(upstream))
        if offer is None or not timedelta() <= self._clock.now() - offer.asked_at <= _FRESH:
            return None
        return offer

    def save(self, upstream: Upstream, models: tuple[ModelInfo, ...]) -> Offer:
        """Keep what the upstream has just offered."""
        offer = Offer(upstream.credential, self._clock.now(), models)
        with suppress(OSError):
            save_bytes(self._folder / build_file_name(upstream), format_offer(offer).encode())
        return offer

    def load_window(self, upstream: Upstream, model: str) -> int | None:
        """Return how much a model reads, as the upstream last said, however long ago."""
        offer = _load_offer(self._folder / build_file_name(upstream))
        models = offer.models if offer is not None else ()
        return next((info.context_length for info in models if info.id == model), None)

    def load_ids(self, credentials: Collection[str]) -> list[str]:
        """Return the models that these credentials were ever offered, sorted; asks no upstream."""
        return sorted(
            {
                model.id
                for offer in self._load_all()
                if offer.credential in credentials
                for model in offer.models
            }
        )

    def _load_all(self) -> Iterator[Offer]:
        paths = self._folder.glob(f"*{_SUFFIX}")
        yield from (offer for path in paths if (offer := _load_offer(path)) is not None)


def build_file_name(upstream: Upstream) -> str:
    """Name an upstream's file: its host for people, a digest to tell it from its neighbours."""
    from hashlib import sha256

    text = f"{upstream.protocol} {upstream.credential} {upstream.base_url} {upstream.key!r}"
    host = "".join(char if char.isalnum() or char in ".-" else "_" for char in _shorten(upstream))
    return f"{host}-{sha256(text.encode()).hexdigest()[:16]}{_SUFFIX}"


def parse_offer(text: str) -> Offer:
    """Read a file of the cache; raise `ValueError` for anything that this version did not write."""
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise ValueError("not an offer")
    asked_at = parse_timestamp(get_text(document, "asked_at"))
    models = tuple(
        _parse_model(item)
        for item in get_list(document, "models")
        if get_text(item, "id").isprintable() and get_text(item, "id")
    )
    return Offer(get_text(document, "credential"), asked_at, models)


def format_offer(offer: Offer) -> str:
    """Write an offer as text."""
    document = {
        "version": _VERSION,
        "credential": offer.credential,
        "asked_at": format_timestamp(offer.asked_at),
        "models": [asdict(model) for model in offer.models],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _load_offer(path: Path) -> Offer | None:
    try:
        return parse_offer(load_text(path))
    except (HiveloomError, OSError, ValueError, RecursionError):
        return None


def _parse_model(item: Any) -> ModelInfo:
    takes_tools = item.get("takes_tools")
    return ModelInfo(
        get_text(item, "id"),
        get_count(item, "context_length"),
        takes_tools if isinstance(takes_tools, bool) else None,
    )


def _shorten(upstream: Upstream) -> str:
    return upstream.base_url.host[:60]
