"""Why no answer came, in words: read off the chain of errors that a failed request leaves.

Libraries wrap what went wrong several times; what a person can act on is at the bottom.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from typing import Any

from hiveloom_cli.errors import (
    AnswerTimedOut,
    HostUnknown,
    ProxyFailed,
    TlsFailed,
    UpstreamUnreachable,
)

_MOST_CAUSES = 20
_SOCKS = "socks"  # PySocks, with which requests asks such a proxy, where it is installed
_WAIT_LONGER = "ask again, or allow more: --first-byte-timeout SECONDS"


def build_unreachable(error: BaseException, origin: str) -> UpstreamUnreachable:
    """Build the error for a request that `origin` did not answer."""
    causes = list_causes(error)
    if any(type(cause).__module__ == _SOCKS for cause in causes):
        return build_proxy_failed(error, origin)
    for cause in causes:
        match cause:
            case socket.gaierror():
                return HostUnknown(
                    f"cannot reach {origin}: no address is known for that name"
                    f" ({_format_cause(cause)})",
                    hint="check the host in the base URL, and the network",
                )
            case ssl.SSLError():
                return _build_tls(cause, origin)
            case http.client.RemoteDisconnected():
                problem = "it closed the connection without an answer"
                return _build_plain(origin, problem, "ask again, or look at the server")
            case http.client.HTTPException():
                problem = "what answers there does not speak HTTP"
                return _build_plain(origin, problem, "check the base URL's scheme and port")
    hint = "check the address, and that the server runs"
    return _build_plain(origin, _format_cause(causes[-1]), hint)


def build_proxy_failed(error: BaseException, origin: str) -> ProxyFailed:
    """Build the error for a proxy that did not let a request for `origin` through."""
    return ProxyFailed(
        f"cannot reach {origin}: the proxy did not let us through"
        f" ({_format_cause(list_causes(error)[-1])})",
        hint="check HTTPS_PROXY and HTTP_PROXY, or name the host in NO_PROXY to go without",
    )


def build_no_connection(origin: str, limit_s: float) -> AnswerTimedOut:
    """Build the error for an address that let nobody connect in time."""
    return AnswerTimedOut(
        f"cannot reach {origin}: no connection within {limit_s:g} s",
        hint="check the address and the network",
    )


def build_no_first_byte(origin: str, limit_s: float) -> AnswerTimedOut:
    """Build the error for a server that took the request and kept silent."""
    return AnswerTimedOut(
        f"cannot reach {origin}: no answer within {limit_s:g} s (--first-byte-timeout)",
        hint=_WAIT_LONGER,
    )


def list_causes(error: BaseException) -> list[BaseException]:
    """List an error and what it wraps, the innermost last."""
    causes = [error]
    while len(causes) < _MOST_CAUSES:
        seen: Any = causes[-1]
        inner = getattr(seen, "reason", None) or seen.__cause__ or seen.__context__
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        if inner is None or inner in causes:
            break
        causes.append(inner)
    return causes


def _build_plain(origin: str, problem: str, hint: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"cannot reach {origin}: {problem}", hint=hint)


def _build_tls(error: ssl.SSLError, origin: str) -> TlsFailed:
    problem = getattr(error, "verify_message", "") or error.reason or str(error)
    return TlsFailed(
        f"cannot reach {origin}: TLS failed: {problem}", hint=_decide_tls_hint(error, problem)
    )


def _decide_tls_hint(error: ssl.SSLError, problem: str) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "check the base URL: does the server speak https there, or http?"
    if "expired" in problem or "not yet valid" in problem:
        return "check this machine's clock; otherwise the server needs a new certificate"
    if "mismatch" in problem or "not valid for" in problem:
        return "check the host in the base URL: the certificate is for another name"
    return "if you trust who signed it, name their certificate: SSL_CERT_FILE=/path/to/ca.pem"


def _format_cause(error: BaseException) -> str:
    """Say it in the operating system's own words, where it has some."""
    if isinstance(error, OSError) and error.strerror:
        known = error.errno and error.errno > 0 and not isinstance(error, socket.gaierror)
        return os.strerror(error.errno) if known and error.errno else error.strerror
    return str(error) or type(error).__name__
