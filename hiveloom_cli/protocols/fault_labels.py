"""What an error calls itself, and the HTTP status that such an error has.

Sources: Anthropic's API reference, "Errors"; OpenAI's error codes; the classes of vLLM. An error
inside a reply comes under status 200, and only its name tells whether asking again makes sense.
"""

from __future__ import annotations

from typing import Any

_STATUSES = {
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "auth_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "notfounderror": 404,
    "model_not_found": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "api_error": 500,
    "server_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "internalservererror": 500,
    "notimplementederror": 501,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_LONGEST = 80  # a name; what is longer is text that landed in the wrong field


def find_labels(value: Any) -> tuple[str, ...]:
    """Return an error's `code` and `type` in small letters, the inner object's before the outer's.

    A code says more than a type does, so it comes first. The general "error" is no label.
    """
    inner = value.get("error") if isinstance(value, dict) else None
    found = [
        holder[key].lower()
        for holder in (inner, value)
        if isinstance(holder, dict)
        for key in ("code", "type")
        if isinstance(holder.get(key), str) and 0 < len(holder[key]) <= _LONGEST
    ]
    return tuple(label for label in dict.fromkeys(found) if label != "error")


def parse_status(value: dict[str, Any], labels: tuple[str, ...]) -> int:
    """Return the status that an error inside a reply names, or that its labels stand for, or 0."""
    inner = value.get("error")
    for holder in (inner, value):
        if isinstance(holder, dict) and (status := _find_number(holder)):
            return status
    return next((_STATUSES[label] for label in labels if label in _STATUSES), 0)


def _find_number(holder: dict[str, Any]) -> int:
    for key in ("status_code", "status", "code", "raw_status_code"):
        number = holder.get(key)
        if isinstance(number, str) and len(number) == 3 and number.isdecimal():
            number = int(number)
        if isinstance(number, int) and 400 <= number < 600:
            return number
    return 0
