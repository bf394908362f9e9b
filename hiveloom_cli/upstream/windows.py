"""How much a model reads, from what is kept of its upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.protocols.context_windows import decide_window
from hiveloom_cli.upstream.dialects import format_place

if TYPE_CHECKING:
    from hiveloom_cli.upstream.dialects import Dialects
    from hiveloom_cli.upstream.model_cache import ModelCache
    from hiveloom_cli.upstream.resolve import Upstream


def load_window(
    upstream: Upstream, model: str, cache: ModelCache, dialects: Dialects
) -> int | None:
    """Return a model's context window in tokens; None where nobody has said. Asks no upstream."""
    return decide_window(
        own=None,
        offered=cache.load_window(upstream, model),
        learned=dialects.load_window(format_place(upstream), model),
        model=model,
    )
