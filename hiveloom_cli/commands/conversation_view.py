"""What the commands about conversations share: filters, times, objects for `--json`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import complete_agents, complete_models
from hiveloom_cli.commands.numbers import COUNT
from hiveloom_cli.commands.pricing import get_number
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from hiveloom_cli.chat.record import Filter, KeptMessage, Summary

_AGE = re.compile(r"([0-9]{1,6})([hdw])", re.ASCII)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_DATE_LENGTH = len("2026-01-31")


def choose_moment(text: str | None, option: str, *, is_end: bool = False) -> datetime | None:
    """Read what an option says of a moment; None for nothing. Raises `UsageMistake`."""
    if text is None:
        return None
    try:
        return parse_moment(text, datetime.now(UTC), is_end=is_end)
    except (ValueError, OverflowError, OSError):
        problem = f"{option}: “{text}” is no date and no age"
        raise UsageMistake(problem, hint="a date such as 2026-01-31, or 7d (also h, w)") from None


def parse_moment(text: str, now: datetime, *, is_end: bool = False) -> datetime:
    """Read a date, a date and time, or how long before `now`: hours, days or weeks.

    The machine's time zone holds where none is given; where `is_end`, a date means its end.
    Raises `ValueError` or `OverflowError` for anything else.
    """
    if match := _AGE.fullmatch(text.strip()):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    moment = datetime.fromisoformat(text.strip())
    if is_end and len(text.strip()) == _DATE_LENGTH:
        moment += timedelta(days=1)
    return moment.astimezone(UTC)


def take_filter(command: Callable[..., Any]) -> Callable[..., Any]:
    """Declare which conversations are meant; `build_filter` reads it."""
    for declare in (
        click.option("--until", metavar="WHEN", help="Up to then; a date is included."),
        click.option(
            "--since", metavar="WHEN", help="From then on: 2026-01-31, or 7d (also h, w)."
        ),
        click.option("--model", metavar="MODEL", help="With it.", shell_complete=complete_models),
        click.option("--agent", metavar="NAME", help="With it.", shell_complete=complete_agents),
    ):
        command = declare(command)
    return command


def take_limit(count: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare how many are shown."""
    return click.option(
        "--limit",
        type=COUNT,
        default=count,
        show_default=True,
        help="The most that are shown.",
    )


def build_filter(options: dict[str, Any]) -> Filter:
    """Build the filter from a command's options."""
    from hiveloom_cli.chat.record import Filter

    return Filter(
        options["agent"],
        options["model"],
        choose_moment(options["since"], "--since"),
        choose_moment(options["until"], "--until", is_end=True),
    )


def build_summary(summary: Summary) -> dict[str, Any]:
    """Build the object that `--json` prints of a conversation."""
    from hiveloom_cli.clock import format_timestamp

    return {
        "id": summary.id,
        "title": summary.title,
        "agent": summary.agent or None,
        "model": summary.model,
        "begun_at": format_timestamp(summary.begun_at),
        "changed_at": format_timestamp(summary.changed_at),
        "messages": summary.messages,
    }


def build_message(kept: KeptMessage, cost: Decimal | None = None) -> dict[str, Any]:
    """Build the object that `--json` prints of a message."""
    from dataclasses import asdict

    from hiveloom_cli.chat.message_json import build_block
    from hiveloom_cli.clock import format_timestamp

    return {
        "role": kept.message.role,
        "state": kept.state,
        "replaced": kept.is_replaced,
        "said_at": format_timestamp(kept.said_at),
        "text": kept.message.text,
        "content": [build_block(part) for part in kept.message.parts],
        "answered_by": asdict(kept.by) if kept.by else None,
        **(asdict(kept.ended) if kept.ended else {}),
        **({"cost": get_number(cost)} if kept.by else {}),
    }
