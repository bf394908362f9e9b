"""A request of an HTTP tool, and what comes back: neither is of any wire format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.protocols.request import KeyHeader


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A request of an HTTP tool. `allows_private` lets it reach addresses that are not public.

    The key goes in `key_header`. `timeout_s` is for all of it, `most_bytes` for the reply's body.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    key_header: KeyHeader | None
    allows_private: bool
    timeout_s: float
    most_bytes: int


@dataclass(frozen=True, slots=True)
class WebReply:
    """What came back, whatever the status; `is_cut` where the body was longer than allowed."""

    status: int
    content_type: str
    body: bytes
    is_cut: bool
    location: str = ""
