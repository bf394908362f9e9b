"""Kept conversations in lists: when, who, and what a search found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hiveloom_cli.chat.record import Found
    from hiveloom_cli.terminal.streams import Streams

_WHO = {"user": "you", "tool": "tools"}


def format_when(moment: datetime) -> str:
    """Write a moment for a person: their own time, to the minute."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def print_found(found: Iterable[Found], streams: Streams) -> None:
    """Print what a search found, a line each that begins with the conversation's id."""
    from hiveloom_cli.terminal.snippet import print_snippet

    for row in found:
        who = _WHO.get(row.role) or row.agent or "the model"
        head = f"{row.conversation_id}  {format_when(row.said_at)}  {who}: "
        print_snippet(head, row.snippet, streams)
