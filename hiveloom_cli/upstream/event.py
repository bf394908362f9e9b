"""What can happen on the way to a reply, besides the reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hiveloom_cli.protocols.event import ReplyEvent


@dataclass(frozen=True, slots=True)
class RetryWaiting:
    """The upstream is asked again after a wait; attempt `attempt` of `attempts` follows."""

    reason: str
    wait_s: float
    attempt: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the person should know, in one line; the turn goes on."""

    text: str


UpstreamEvent: TypeAlias = ReplyEvent | RetryWaiting | Notice
