"""Whether to ask an upstream again after a failure, and how long to wait first. Pure.

Source: what the official clients do (connection errors, 408, 409, 429, 5xx and 529; `Retry-After`
and its kin honoured; exponential back-off with full jitter), less what they retry in vain: a quota,
a balance, a request that is too large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import UpstreamError, UpstreamRefused
from hiveloom_cli.upstream.fault_kind import FaultKind, decide_kind

if TYPE_CHECKING:
    from hiveloom_cli.upstream.limits import Patience

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 16.0
_PASSING = {
    FaultKind.RATE_LIMIT,
    FaultKind.OVERLOADED,
    FaultKind.SERVER,
    FaultKind.BUSY,
    FaultKind.UNREACHABLE,
    FaultKind.HOST,
    FaultKind.CUT,
}
# What an upstream may call worth another try, and is not.
_HOPELESS = {FaultKind.QUOTA, FaultKind.BALANCE, FaultKind.TOO_LARGE, FaultKind.OVERFLOW}
# Groq: the model wrote a tool call that is none, or JSON that does not fit the schema.
_MISSPELT = {"tool_use_failed", "json_validate_failed"}


def decide_wait(
    error: UpstreamError, patience: Patience, *, tried: int, spent_s: float, draw: float
) -> float | None:
    """Decide how many seconds to wait before the next try, or None to give up.

    `tried` counts the requests sent so far, `spent_s` is the time since the first of them, `draw` a
    random number from 0 to 1.
    """
    if tried >= patience.tries or not _is_passing(error):
        return None
    asked_s = error.retry_after_s if isinstance(error, UpstreamRefused) else None
    if asked_s is not None:
        wait_s = asked_s
    else:
        wait_s = draw * min(_FIRST_WAIT_S * 2**tried, _LONGEST_WAIT_S)
    # A wait that would end after the limit is none that the person agreed to.
    return wait_s if spent_s + wait_s <= patience.within_s else None


def format_reason(error: UpstreamError) -> str:
    """Say in a few words why the upstream is asked again."""
    match decide_kind(error):
        case FaultKind.RATE_LIMIT:
            return "rate limited"
        case FaultKind.OVERLOADED:
            return "the upstream is overloaded"
        case FaultKind.UNREACHABLE | FaultKind.HOST:
            return "no connection"
        case FaultKind.CUT:
            return "connection lost"
        case _:
            status = error.status if isinstance(error, UpstreamRefused) else 0
            return f"the upstream answered {status}"


def _is_passing(error: UpstreamError) -> bool:
    kind = decide_kind(error)
    if isinstance(error, UpstreamRefused):
        if error.should_retry is not None and kind not in _HOPELESS:
            return error.should_retry
        if _MISSPELT.intersection(error.labels):
            return True
    return kind in _PASSING
