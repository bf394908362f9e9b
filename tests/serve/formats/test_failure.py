"""What a client is told of a failure: a status, a code, and no more than concerns it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hiveloom_cli.errors import (
    AgentNotFound,
    AnswerInvalid,
    AnswerTimedOut,
    CeilingReached,
    ConversationNotFound,
    CredentialNotFound,
    HiveloomError,
    HostUnknown,
    Interrupted,
    Locked,
    ProxyFailed,
    SecretMissing,
    SettingsInvalid,
    SourceUnusable,
    StreamCutShort,
    StreamStalled,
    TlsFailed,
    ToolNotFound,
    Untrusted,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnreachable,
    UsageMistake,
)
from hiveloom_cli.serve.formats.failure import explain_failure, find_status, find_wait_s

_PRIVATE = "a thing of the server's own: sk-secret at /home/me"


def _refused(status: int, detail: str = "") -> UpstreamRefused:
    return UpstreamRefused(f"it says {detail}", status=status, detail=detail)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (AgentNotFound("no agent"), 404, "model_not_found"),
        (ConversationNotFound("no conversation"), 404, "conversation_not_found"),
        (UsageMistake("no such thing"), 400, "invalid_request_error"),
        (SourceUnusable("too large"), 400, "invalid_request_error"),
        (CeilingReached("1 USD a day"), 403, "ceiling_reached"),
        (AnswerInvalid("no such JSON"), 502, "answer_invalid"),
        (_refused(400, "maximum context length is 5"), 400, "context_length_exceeded"),
        (_refused(400, "temperature is deprecated"), 400, "invalid_request_error"),
        (_refused(404, "model is not a multimodal model"), 400, "invalid_request_error"),
        (_refused(413), 413, "request_too_large"),
    ],
)
def test_what_is_about_the_request_is_told_as_it_is(
    error: HiveloomError, status: int, code: str
) -> None:
    assert find_status(error) == (status, code)
    assert explain_failure(error) == error.message


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (_refused(429, _PRIVATE), 429, "rate_limit_exceeded"),
        (_refused(429, f"insufficient_quota {_PRIVATE}"), 502, "upstream_refused"),
        (_refused(402, _PRIVATE), 502, "upstream_refused"),
        (_refused(401, _PRIVATE), 502, "upstream_refused"),
        (_refused(403, _PRIVATE), 502, "upstream_refused"),
        (_refused(404, f"model_not_found {_PRIVATE}"), 502, "upstream_refused"),
        (_refused(529, _PRIVATE), 503, "overloaded"),
        (_refused(500, _PRIVATE), 502, "upstream"),
        (UpstreamError(_PRIVATE), 502, "upstream"),
        (UpstreamUnreachable(_PRIVATE), 502, "upstream_unreachable"),
        (HostUnknown(_PRIVATE), 502, "upstream_unreachable"),
        (TlsFailed(_PRIVATE), 502, "upstream_unreachable"),
        (ProxyFailed(_PRIVATE), 502, "upstream_unreachable"),
        (AnswerTimedOut(_PRIVATE), 504, "upstream_timed_out"),
        (StreamStalled(_PRIVATE), 504, "upstream_timed_out"),
        (StreamCutShort(_PRIVATE), 502, "stream_cut_short"),
        (SecretMissing(_PRIVATE), 500, "credential"),
        (CredentialNotFound(_PRIVATE), 500, "credential"),
        (SettingsInvalid(Path("/home/me/a.md"), _PRIVATE), 500, "server_error"),
        (ToolNotFound(_PRIVATE), 500, "server_error"),
        (Untrusted(_PRIVATE), 500, "untrusted"),
        (Locked(_PRIVATE), 503, "locked"),
        (Interrupted(_PRIVATE), 503, "interrupted"),
        (HiveloomError(_PRIVATE), 500, "server_error"),
    ],
)
def test_what_is_the_servers_own_is_told_in_other_words(
    error: HiveloomError, status: int, code: str
) -> None:
    assert find_status(error) == (status, code)
    told = explain_failure(error)
    assert told
    assert "sk-secret" not in told
    assert "/home/me" not in told


def test_a_client_learns_how_long_to_wait() -> None:
    error = _refused(429)
    error.retry_after_s = 7.5
    assert find_wait_s(error) == 7.5
    assert find_wait_s(HiveloomError("")) is None


def test_what_an_upstream_said_with_half_a_letter_can_be_written() -> None:
    assert explain_failure(_refused(400, "half \ud83d")) == "it says half \ufffd"
