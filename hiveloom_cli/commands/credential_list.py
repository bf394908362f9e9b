"""The rows of `hiveloom credential list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.app import App
    from hiveloom_cli.credentials.credential import Credential

_HEADER = ("NAME", "GOES TO", "KEPT IN", "SET", "ROTATED", "USED BY")
_DATE = len("2026-01-31")


def build_rows(app: App) -> list[dict[str, Any]]:
    """Build one object for each credential, as `--json` prints it."""
    users = _find_users(app)
    return [
        _build_row(credential, users.get(name, []))
        for name, credential in app.credentials.load_all().items()
    ]


def format_rows(app: App, rows: list[dict[str, Any]]) -> Iterator[str]:
    """Format the rows as a table."""
    from hiveloom_cli.terminal.table import format_table

    return format_table(_HEADER, [_format_row(app, row) for row in rows])


def _find_users(app: App) -> dict[str, list[str]]:
    """Find which agents use which credential: the one they name, else the one of their protocol."""
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.protocols.table import decide_protocol

    users: dict[str, list[str]] = {}
    for _, agent in app.load_briefs():
        if isinstance(agent, Agent):
            name = agent.credential or decide_protocol(agent.model)
            users.setdefault(name, []).append(agent.name)
    return users


def _build_row(credential: Credential, users: list[str]) -> dict[str, Any]:
    from hiveloom_cli.clock import format_timestamp
    from hiveloom_cli.upstream.binding import find_address

    rotated_at = credential.rotated_at
    address = find_address(credential.name, credential)
    return {
        "name": credential.name,
        "base_url": address.base_url,
        "protocol": address.protocol,
        "kept_in": credential.kept_in,
        "set_at": format_timestamp(credential.set_at),
        "rotated_at": format_timestamp(rotated_at) if rotated_at else None,
        "used_by": users,
    }


def _format_row(app: App, row: dict[str, Any]) -> tuple[str, ...]:
    from hiveloom_cli.credentials.notice import format_place
    from hiveloom_cli.upstream.binding import Address, format_destination

    address = Address(row["base_url"], row["protocol"])
    return (
        row["name"],
        format_destination(row["name"], address, app.environ) or "by model",
        format_place(row["kept_in"]),
        row["set_at"][:_DATE],
        (row["rotated_at"] or "-")[:_DATE],
        ", ".join(row["used_by"]) or "-",
    )
