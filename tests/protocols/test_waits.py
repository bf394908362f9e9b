"""How long an upstream asks to wait, in headers and in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.protocols.faults import parse_error_body, parse_error_event
from hiveloom_cli.protocols.waits import RetryAdvice, parse_retry, parse_wait_text

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "wait_s", "should_retry"),
    [
        ({}, None, None),
        ({"retry-after": "3"}, 3.0, None),
        ({"retry-after": " 1.5 "}, 1.5, None),
        ({"retry-after": "3", "retry-after-ms": "250"}, 0.25, None),
        ({"retry-after": "3", "retry-after-ms": "soon"}, 3.0, None),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:07 GMT"}, 7.0, None),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:07 -0000"}, 7.0, None),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:07 +0100"}, 7.0, None),
        ({"retry-after": "Sun, 22 Nov 2020 10:00:07 GMT"}, 0.0, None),
        ({"retry-after": "0"}, 0.0, None),
        ({"retry-after": "-1"}, None, None),
        ({"retry-after": "nan"}, None, None),
        ({"retry-after": "1e400"}, None, None),
        ({"retry-after": "soon"}, None, None),
        ({"retry-after": "Sun, 22 Nov 99999 10:00:07 GMT"}, None, None),
        ({"x-should-retry": "true"}, None, True),
        ({"x-should-retry": " False"}, None, False),
        ({"x-should-retry": "perhaps"}, None, None),
    ],
)
def test_headers(
    headers: Mapping[str, str], wait_s: float | None, *, should_retry: bool | None
) -> None:
    assert parse_retry(headers, NOW) == RetryAdvice(wait_s, should_retry)


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("Rate limit reached. Please try again in 7.66s. Visit ...", 7.66),
        ("No deployments available for selected model, Try again in 60 seconds.", 60),
        ("Please try again in 20ms.", 0.02),
        ("try again in 500 milliseconds", 0.5),
        ("Please try again in 1m2.5s", 62.5),
        ("Please try again in 6m0s.", 360),
        ("Please try again in 1h2m3s", 3723),
        ("Please retry in 41.5s.", 41.5),
        ("try again in 2 minutes", 120),
        ("try again after 5", 5),
        ("try again in 1 day", 86_400),
        ("try again in 3 seconds or 5 minutes", 3),
        ("Please try again later", None),
        (f"Please try again in {'9' * 400}s", None),
        ("", None),
    ],
)
def test_words(text: str, wait_s: float | None) -> None:
    assert parse_wait_text(text) == (None if wait_s is None else pytest.approx(wait_s))


@given(st.text(), st.text())
def test_any_text_gives_an_answer(text: str, header: str) -> None:
    parse_wait_text(f"try again in {text}")
    parse_retry({"retry-after": header, "retry-after-ms": text}, NOW)


@given(st.integers(100, 599), st.binary())
def test_any_bytes_give_an_error_with_the_status(status: int, body: bytes) -> None:
    assert parse_error_body(status, body).status == status


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = st.sampled_from(["error", "message", "detail", "code", "type", "status", "metadata", "loc"])


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, JSON) | JSON))
def test_any_object_gives_an_error(value: dict[str, object]) -> None:
    assert parse_error_event(value).message
