"""What a failure is to a program that asked over HTTP: a status, a code, and a sentence.

What is wrong between this server and a model's server is told in words of its own: the program
that asked cannot mend it, its own token is not to blame, and keys, paths and hosts are not its
business. Only what is about the request itself is told as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import (
    AgentNotFound,
    AnswerEmpty,
    AnswerInvalid,
    CeilingReached,
    ConversationNotFound,
    CredentialError,
    CredentialNotFound,
    HiveloomError,
    Interrupted,
    Locked,
    SourceUnusable,
    Untrusted,
    UpstreamError,
    UpstreamRefused,
    UsageMistake,
)
from hiveloom_cli.protocols.text import repair_text
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.upstream.fault_kind import FaultKind, decide_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INVALID = "invalid_request_error"
_REFUSED = "upstream_refused"
# From the more particular to the more general. Where there are no words, the error's own are told.
_FACTS: tuple[tuple[type[HiveloomError], tuple[int, str, str]], ...] = (
    (AgentNotFound, (404, "model_not_found", "")),
    (ConversationNotFound, (404, "conversation_not_found", "")),
    (CeilingReached, (403, "ceiling_reached", "")),
    (UsageMistake, (400, _INVALID, "")),
    (SourceUnusable, (400, _INVALID, "")),
    (AnswerInvalid, (502, "answer_invalid", "")),
    (AnswerEmpty, (502, "answer_empty", "")),
    (
        Untrusted,
        (
            500,
            "untrusted",
            "the agent may not be used before somebody on its own machine agrees to what it brings",
        ),
    ),
    (CredentialError, (500, "credential", "the server has no usable key for the agent's model")),
    (CredentialNotFound, (500, "credential", "the server has no usable key for the agent's model")),
    (Locked, (503, "locked", "the server is busy: another process holds what it needs")),
    (Interrupted, (503, "interrupted", "the server is shutting down")),
)
_KINDS: Mapping[FaultKind, tuple[int, str, str]] = {
    FaultKind.RATE_LIMIT: (
        429,
        "rate_limit_exceeded",
        "the agent's upstream takes no more requests for now",
    ),
    FaultKind.OVERLOADED: (503, "overloaded", "the agent's upstream is overloaded"),
    FaultKind.AUTHENTICATION: (
        502,
        _REFUSED,
        "the agent's upstream refused the key that the server has for it",
    ),
    FaultKind.PERMISSION: (
        502,
        _REFUSED,
        "the agent's upstream does not let the server use that model",
    ),
    FaultKind.BALANCE: (
        502,
        _REFUSED,
        "the server's account at the agent's upstream has no money left",
    ),
    FaultKind.QUOTA: (502, _REFUSED, "the server's quota at the agent's upstream is used up"),
    FaultKind.NO_MODEL: (502, _REFUSED, "the agent's upstream does not have the agent's model"),
    FaultKind.OVERFLOW: (400, "context_length_exceeded", ""),
    FaultKind.TOO_LARGE: (413, "request_too_large", ""),
    FaultKind.MEDIA: (400, _INVALID, ""),
    FaultKind.BAD_MEDIA: (400, _INVALID, ""),
    FaultKind.BAD_REQUEST: (400, _INVALID, ""),
    FaultKind.TIMEOUT: (504, "upstream_timed_out", "the agent's upstream did not answer in time"),
    FaultKind.UNREACHABLE: (
        502,
        "upstream_unreachable",
        "the agent's upstream cannot be reached",
    ),
    FaultKind.HOST: (502, "upstream_unreachable", "the agent's upstream cannot be reached"),
    FaultKind.TLS: (502, "upstream_unreachable", "the agent's upstream cannot be reached"),
    FaultKind.PROXY: (502, "upstream_unreachable", "the agent's upstream cannot be reached"),
    FaultKind.CUT: (502, "stream_cut_short", "the upstream's answer ended in the middle"),
    FaultKind.STRANGE: (
        502,
        "reply_not_understood",
        "what the agent's upstream sent is no answer",
    ),
}
_UPSTREAM = (502, "upstream", "the agent's upstream gave no answer")
_OTHER = (500, "server_error", "the agent cannot be asked as things are on the server")


def list_told() -> Iterator[tuple[int, str]]:
    """List every HTTP status, and the code beside it, that an error can be told by."""
    for told in (*(told for _, told in _FACTS), *_KINDS.values(), _UPSTREAM, _OTHER):
        yield told[:2]


def find_status(error: HiveloomError | Rejection) -> tuple[int, str]:
    """Find the HTTP status and the code that tell of an error."""
    return _find(error)[:2]


def explain_failure(error: HiveloomError | Rejection) -> str:
    """Build the sentence that tells a client of an error; no key is ever in it.

    It can be written whatever an upstream said: half a letter is U+FFFD.
    """
    return _find(error)[2] or repair_text(error.message)


def is_kept_back(error: HiveloomError) -> bool:
    """Whether what went wrong is told in general words, so that nobody but the operator knows."""
    return bool(_find(error)[2]) and not isinstance(error, Interrupted)


def find_wait_s(error: HiveloomError | Rejection) -> float | None:
    """Return how many seconds the upstream asks to wait, if it does."""
    return error.retry_after_s if isinstance(error, UpstreamRefused) else None


def _find(error: HiveloomError | Rejection) -> tuple[int, str, str]:
    if isinstance(error, Rejection):
        return error.status, error.code, error.message
    for kind, told in _FACTS:
        if isinstance(error, kind):
            return told
    if isinstance(error, UpstreamError):
        return _KINDS.get(decide_kind(error), _UPSTREAM)
    return _OTHER
