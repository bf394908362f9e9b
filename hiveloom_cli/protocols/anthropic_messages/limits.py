"""How many tokens an answer may have: the one number that the protocol demands.

Source: Anthropic's models overview: 128,000 from version 4.6 on, 64,000 for the 4.5 family.
"""

from __future__ import annotations

import re

# For models not known here: the smallest maximum of those in service before 4.5, and enough for a
# long answer.
DEFAULT_MAX_TOKENS = 32_000
# Anthropic's own clients refuse more than this without streaming: such a reply may take over ten
# minutes.
MAX_TOKENS_UNSTREAMED = 21_333

# `claude-opus-4-6`, `claude-haiku-4-5-20251001`: a family, a version of one or two numbers, a date.
_VERSION = re.compile(r"claude-[a-z]+-(\d{1,2})(?:-(\d{1,2}))?(?![\d])")
_MAXIMA = (((4, 6), 128_000), ((4, 5), 64_000))
_CONTEXTS = (((4, 6), 1_000_000), ((4, 5), 200_000))
_FIRST_WITH_A_MILLION = (4, 6)  # tokens of context


def find_max_tokens(model: str) -> int | None:
    """Return a model's maximum of output tokens, or None if its name says no known version."""
    version = _find_version(model)
    if version is None:
        return None
    return next((most for oldest, most in _MAXIMA if version >= oldest), None)


def find_context_length(model: str) -> int | None:
    """Return how many tokens a model reads, or None if its name says no known version."""
    version = _find_version(model)
    if version is None:
        return None
    return next((length for oldest, length in _CONTEXTS if version >= oldest), None)


def has_short_context(model: str) -> bool:
    """Whether a model is known to read 200,000 tokens and no more."""
    version = _find_version(model)
    return version is not None and version < _FIRST_WITH_A_MILLION


def _find_version(model: str) -> tuple[int, int] | None:
    found = _VERSION.match(model)
    return (int(found[1]), int(found[2] or 0)) if found else None


def decide_max_tokens(model: str, *, stream: bool) -> int:
    """Decide the limit where the agent sets none: all that the model can, as far as is safe."""
    most = find_max_tokens(model) or DEFAULT_MAX_TOKENS
    return most if stream else min(most, MAX_TOKENS_UNSTREAMED)
