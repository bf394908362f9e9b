"""Whether to ask again and after how long, row by row."""

from __future__ import annotations

import pytest

from hiveloom_cli.errors import (
    AnswerEmpty,
    ReplyNotUnderstood,
    StreamCutShort,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnreachable,
)
from hiveloom_cli.upstream.limits import Patience
from hiveloom_cli.upstream.retry import decide_wait, format_reason


def refuse(
    status: int,
    detail: str = "",
    retry_after_s: float | None = None,
    *,
    should_retry: bool | None = None,
    labels: tuple[str, ...] = (),
) -> UpstreamRefused:
    error = UpstreamRefused("no", status=status, detail=detail)
    error.retry_after_s = retry_after_s
    error.should_retry = should_retry
    error.labels = labels
    return error


def wait(
    error: UpstreamError,
    *,
    tried: int = 1,
    spent_s: float = 0.0,
    draw: float = 1.0,
    patience: Patience = Patience(),  # noqa: B008 -- a frozen value
) -> float | None:
    return decide_wait(error, patience, tried=tried, spent_s=spent_s, draw=draw)


@pytest.mark.parametrize(
    "error",
    [
        UpstreamUnreachable("no route"),
        StreamCutShort("cut"),
        *map(refuse, [408, 409, 429, 500, 502, 503, 504, 520, 524, 529]),
        refuse(400, "Failed to call a function", labels=("tool_use_failed",)),
        refuse(429, "Rate limit reached. Please try again in 7.66s", 7.66),
        refuse(400, should_retry=True),
    ],
)
def test_passing_faults_are_waited_out(error: UpstreamError) -> None:
    assert wait(error) is not None


@pytest.mark.parametrize(
    "error",
    [
        *map(refuse, [400, 401, 402, 403, 404, 413, 422, 501]),
        refuse(429, "You exceeded your current quota, please check your plan and billing details."),
        refuse(429, "insufficient_quota"),
        refuse(400, "Your credit balance is too low to access the Anthropic API."),
        refuse(413, "Request too large for model `x` on tokens per minute (TPM): Limit 6000"),
        refuse(429, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000"),
        refuse(500, "maximum context length is 8192 tokens"),
        refuse(503, should_retry=False),
        AnswerEmpty("nothing"),
        ReplyNotUnderstood("garbage"),
    ],
)
def test_faults_that_stay_are_not(error: UpstreamError) -> None:
    assert wait(error) is None


def test_waits_double_up_to_a_limit_with_full_jitter() -> None:
    error, patience = refuse(503), Patience(tries=9, within_s=1000)
    waits = [wait(error, tried=tried, patience=patience) for tried in range(1, 8)]
    assert waits == [2, 4, 8, 16, 16, 16, 16]
    assert wait(error, draw=0.0) == 0
    assert wait(error, draw=0.25) == 0.5


def test_an_upstreams_own_wait_is_kept_to() -> None:
    assert wait(refuse(429, retry_after_s=7.66), draw=0.1) == 7.66


def test_four_tries_within_a_minute_and_both_can_be_set() -> None:
    error = refuse(503)
    assert wait(error, tried=3) is not None
    assert wait(error, tried=4) is None
    assert wait(error, tried=1, patience=Patience(tries=1)) is None
    assert wait(error, tried=4, patience=Patience(tries=9)) is not None
    assert wait(error, spent_s=59) is None
    assert wait(refuse(429, retry_after_s=61)) is None
    assert wait(refuse(429, retry_after_s=61), patience=Patience(within_s=100)) == 61


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (refuse(429), "rate limited"),
        (refuse(529), "the upstream is overloaded"),
        (refuse(502), "the upstream answered 502"),
        (UpstreamUnreachable("x"), "no connection"),
        (StreamCutShort("x"), "connection lost"),
    ],
)
def test_the_reason_is_a_few_words(error: UpstreamError, reason: str) -> None:
    assert format_reason(error) == reason
