"""Asking whether a server answers, as a person on the same machine would; no token is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hiveloom_cli.protocols.base_url import BaseUrl

_PATIENCE_S = 2.0
_MOST_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a server of ours answers; `detail` says so to a person."""

    answers: bool
    detail: str


def ask_health(url: BaseUrl) -> Health:
    """Ask a server for `/healthz`; raises nothing."""
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.host, url.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", f"{url.path}/healthz")
        answer = connection.getresponse()
        return _judge(answer.status, answer.read(_MOST_BYTES))
    except TimeoutError:
        return Health(answers=False, detail=f"no answer within {_PATIENCE_S:g} s")
    except ConnectionRefusedError:
        return Health(answers=False, detail="nothing listens there")
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return Health(answers=False, detail=f"no answer: {reason}")
    finally:
        connection.close()


def _judge(status: int, body: bytes) -> Health:
    import json

    try:
        is_ours = status == 200 and json.loads(body) == {"status": "ok"}
    except ValueError:
        is_ours = False
    if is_ours:
        return Health(answers=True, detail="answers")
    if status == 421:
        return Health(answers=False, detail="not under that name: serve with --allow-host")
    return Health(answers=False, detail=f"something else answers there (HTTP {status})")
