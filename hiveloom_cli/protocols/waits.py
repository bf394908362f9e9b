"""How long an upstream asks to wait, out of its headers or its words.

The headers and their order are those that the official SDKs read: `retry-after-ms`, then
`Retry-After` in seconds or as an HTTP date (RFC 9110, section 10.2.3), and `x-should-retry`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Groq: "Please try again in 7.66s", "in 1m2.5s"; OpenAI: "in 20ms"; LiteLLM: "in 30 seconds".
_TEXT = re.compile(
    r"\b(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s*[a-z]*\s*)+)", re.IGNORECASE
)
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}  # by a unit's first letter
_LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class RetryAdvice:
    """What an answer's headers say of asking again; None where they say nothing."""

    wait_s: float | None = None
    should_retry: bool | None = None


def parse_retry(headers: Mapping[str, str], now: datetime) -> RetryAdvice:
    """Read an answer's headers; `headers` finds names in any case. What is not sound is not said.

    A date that has passed means no wait.
    """
    wait_s = _parse_number(headers.get("retry-after-ms", ""), 0.001)
    if wait_s is None:
        wait_s = _parse_after(headers.get("retry-after", ""), now)
    said = headers.get("x-should-retry", "").strip().lower()
    return RetryAdvice(wait_s, {"true": True, "false": False}.get(said))


def parse_wait_text(text: str) -> float | None:
    """Find "try again in 7.66s" and its like in an upstream's words; return seconds, or None.

    More than a number can hold is not said.
    """
    found = _TEXT.search(text[:_LONGEST_TEXT])
    if found is None:
        return None
    amounts = _AMOUNT.findall(found.group(1).lower())
    wait_s = sum(float(number) * _decide_unit_s(unit) for number, unit in amounts)
    return wait_s if math.isfinite(wait_s) else None


def _decide_unit_s(unit: str) -> float:
    if unit == "ms" or unit.startswith("milli"):
        return 0.001
    return _UNITS_S.get(unit[:1], 1.0)


def _parse_number(text: str, unit_s: float) -> float | None:
    try:
        seconds = float(text) * unit_s
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _parse_after(text: str, now: datetime) -> float | None:
    seconds = _parse_number(text, 1.0)
    if seconds is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)  # "-0000": universal time, its place unsaid
    return max(0.0, (moment - now).total_seconds())
