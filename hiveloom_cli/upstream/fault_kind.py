"""What kind of failure it was, which decides what helps and whether asking again can.

Upstreams give one status to many things (Groq's 413 is a limit per minute, OpenAI's 429 an empty
account) and one thing many statuses, so their words go before their numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from hiveloom_cli.errors import (
    AnswerEmpty,
    AnswerTimedOut,
    BaseUrlInvalid,
    HostUnknown,
    ProxyFailed,
    ReplyNotUnderstood,
    StreamCutShort,
    StreamStalled,
    TlsFailed,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnreachable,
)


class FaultKind(StrEnum):
    """What went wrong. Only the first seven can pass by themselves."""

    RATE_LIMIT = "rate_limit"  # too many requests or tokens for now
    OVERLOADED = "overloaded"
    SERVER = "server"  # it failed by its own account
    BUSY = "busy"  # 408, 409, 425: the request came at a bad moment
    UNREACHABLE = "unreachable"  # refused, reset, or closed without an answer
    HOST = "host"  # no address is known for the name; a network may come back
    CUT = "cut"  # the reply ended in the middle
    AUTHENTICATION = "authentication"
    BALANCE = "balance"  # the account has no money left
    QUOTA = "quota"  # what the account may use in a month is used
    PERMISSION = "permission"
    NO_MODEL = "no_model"
    NO_ROUTE = "no_route"  # a router that has no provider for such a request
    OVERFLOW = "overflow"  # more than the model's context holds
    TOO_LARGE = "too_large"  # more than one request may have
    MEDIA = "media"  # images or documents are not taken at all
    BAD_MEDIA = "bad_media"  # such as these are not, for their size or their form
    BAD_REQUEST = "bad_request"
    ADDRESS = "address"  # nothing of the API at that URL
    TLS = "tls"
    PROXY = "proxy"
    TIMEOUT = "timeout"  # the wait for a connection or a first byte was long already
    STRANGE = "strange"  # no reply of the protocol
    EMPTY = "empty"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Row:
    """A kind, and the words and statuses that tell it; without statuses, any status does."""

    kind: FaultKind
    words: re.Pattern[str] | None = None
    statuses: frozenset[int] = frozenset()
    unless: re.Pattern[str] | None = None

    def matches(self, status: int, text: str) -> bool:
        if self.statuses and status not in self.statuses:
            return False
        if self.unless and self.unless.search(text):
            return False
        return self.words is None or self.words.search(text) is not None


def _compile(*wordings: str) -> re.Pattern[str]:
    return re.compile("|".join(wordings))


_PER_TIME = _compile(r"rate.?limit", r"per (minute|day|hour)", r"\b[tr]p[md]\b")
# 0: an error inside a reply, which names no status.
_ROWS = (
    _Row(
        FaultKind.QUOTA,
        _compile(r"insufficient_quota", r"exceeded your (current|monthly) quota"),
    ),
    _Row(
        FaultKind.BALANCE,
        _compile(
            r"credit balance is too low",
            r"insufficient (balance|credits?|funds)",
            r"(more|not enough|out of|no) credits",
            r"spend(ing)? limit",
            r"billing_error",
            r"billing_hard_limit",
            r"account (is |has been )?suspended",
        ),
    ),
    _Row(FaultKind.BALANCE, statuses=frozenset({402})),
    _Row(FaultKind.TOO_LARGE, _compile(r"request too large", r"request_too_large")),
    _Row(
        FaultKind.OVERFLOW,
        _compile(
            r"context_length_exceeded",
            r"maximum context length",
            r"(prompt|input) is too long",
            r"prompt contains \d+ tokens",
            r"exceeds? the (model's )?(maximum )?context (window|limit|length)",
            r"exceeds? (the )?(available )?context",
            r"context (window|length|limit)s? exceed",
            r"too many tokens",
            r"longer than the model's context",
            r"`?inputs`? tokens \+ `?max_new_tokens`?",
            r"range of input length should be",
            r"exceeded model token limit",
            r"input token count exceeds",
            r"reduce the length of (the|your|either)",
            r"current length is \d+ while limit is",
        ),
        frozenset({0, 400, 413, 422, 429, 500}),
        unless=_PER_TIME,
    ),
    _Row(
        FaultKind.MEDIA,
        _compile(
            r"support (image|file|pdf|document) input",
            r"not support (vision|images?|files?|pdfs?|documents?)\b",
            r"(image|file|pdf|document) (input|content) (is )?not (supported|enabled)",
            r"is not a multimodal model",
            r"unknown variant `(image_url|file|image|document)`",
            r"(image_url|file) is only supported by",
            r"(unknown|unsupported|invalid) (content )?part type:? .?(image|file|document)",
        ),
        frozenset({0, 400, 404, 415, 422, 500}),
    ),
    _Row(
        FaultKind.BAD_MEDIA,
        _compile(
            r"image urls are not",
            r"image.{0,60}(exceed|too large|invalid|provided media type)",
            r"invalid image",
            r"at most \d+ image",
            r"maximum of \d+ pdf pages",
            r"pdf.{0,60}(invalid|not valid|too large|password|encrypted|could not)",
            r"invalid.{0,40}\bpdf",
        ),
        frozenset({0, 400, 404, 413, 415, 422, 500}),
    ),
    _Row(FaultKind.NO_ROUTE, _compile(r"no endpoints found")),
    _Row(
        FaultKind.NO_MODEL,
        _compile(
            r"model_not_found",
            r"model.{0,120}(does not|doesn't) exist",
            r"model.{0,120}not (be )?(found|available|supported|deployed)",
            r"(unknown|no such|invalid) model",
            r"not a valid model",
            r"no model (named|called|with)",
            r"no (healthy )?deployments? .{0,40}model",
            r"^model: ",
            r"(unsupported|incorrect) model",
        ),
        frozenset({0, 400, 403, 404, 422, 500}),
    ),
    _Row(
        FaultKind.AUTHENTICATION,
        _compile(
            r"(invalid|incorrect|malformed|missing|no|wrong) (x-)?api.?key",
            r"invalid_api_key",
            r"api.?key (is )?(not valid|invalid|missing|required)",
            r"authentication (error|fails)",
            r"no connected db",  # LiteLLM without a database: it cannot look the key up
        ),
        frozenset({0, 400, 403, 500}),
    ),
    _Row(FaultKind.AUTHENTICATION, statuses=frozenset({401})),
    _Row(FaultKind.ADDRESS, _compile(r"^a web page"), frozenset({400, 404, 405})),
    _Row(FaultKind.PERMISSION, statuses=frozenset({403, 451})),
    _Row(FaultKind.PROXY, statuses=frozenset({407})),
    _Row(
        FaultKind.OVERLOADED,
        _compile(r"overloaded", r"high traffic", r"(capacity|queue)_?.?exceeded", r"server busy"),
    ),
    _Row(FaultKind.OVERLOADED, statuses=frozenset({503, 529})),
    _Row(FaultKind.RATE_LIMIT, _compile(r"rate.?limit"), frozenset({0})),
    _Row(FaultKind.RATE_LIMIT, statuses=frozenset({429})),
    _Row(FaultKind.TOO_LARGE, statuses=frozenset({413})),
    _Row(FaultKind.BUSY, statuses=frozenset({408, 409, 425})),
    _Row(FaultKind.BAD_REQUEST, statuses=frozenset({400, 415, 422, 501})),
    _Row(FaultKind.ADDRESS, statuses=frozenset({404, 405, *range(300, 400)})),
    _Row(FaultKind.SERVER, statuses=frozenset(range(500, 600))),
)

_CLASSES: tuple[tuple[type[UpstreamError], FaultKind], ...] = (
    (HostUnknown, FaultKind.HOST),
    (TlsFailed, FaultKind.TLS),
    (ProxyFailed, FaultKind.PROXY),
    (AnswerTimedOut, FaultKind.TIMEOUT),
    (UpstreamUnreachable, FaultKind.UNREACHABLE),
    (BaseUrlInvalid, FaultKind.ADDRESS),
    (StreamStalled, FaultKind.TIMEOUT),
    (StreamCutShort, FaultKind.CUT),
    (ReplyNotUnderstood, FaultKind.STRANGE),
    (AnswerEmpty, FaultKind.EMPTY),
)


def decide_kind(error: UpstreamError) -> FaultKind:
    """Decide what kind of failure an error is; OTHER where nothing in it tells."""
    if isinstance(error, UpstreamRefused):
        text = "\n".join([error.detail, *error.labels]).lower()
        matching = (row.kind for row in _ROWS if row.matches(error.status, text))
        return next(matching, FaultKind.OTHER)
    return next((kind for fact, kind in _CLASSES if isinstance(error, fact)), FaultKind.OTHER)
