"""`hiveloom capability list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.naming import complete_agents

if TYPE_CHECKING:
    from hiveloom_cli.app import App

_MOST_SHOWN = 60


@click.command(name="list")
@click.argument("agent", metavar="AGENT", shell_complete=complete_agents)
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_capabilities(app: App, agent: str, *, as_json: bool) -> None:
    """List the tools and skills that an agent's file names, and what is wrong with any."""
    from hiveloom_cli.commands.capability_view import build_row

    held = app.agents.load(agent).agent
    rows = [build_row(app, "tools", name) for name in held.tools]
    rows += [build_row(app, "skills", name) for name in held.skills]
    if as_json:
        app.streams.print_json(rows)
    elif rows:
        from hiveloom_cli.terminal.table import format_table

        header = ("NAME", "KIND", "APPROVAL", "DESCRIPTION")
        app.streams.print_lines(format_table(header, list(map(_format_row, rows))))
    else:
        app.streams.print_notice(
            f"{agent} has no tool and no skill yet: hiveloom capability add {agent} --help"
        )


def _format_row(row: dict[str, Any]) -> tuple[str, ...]:
    from hiveloom_cli.terminal.visible import format_one_line

    if row["problem"]:
        return row["name"], row["kind"] or "broken", "-", row["problem"]
    text = format_one_line(row["description"] or "", _MOST_SHOWN)
    return row["name"], row["kind"], row["approval"] or "-", text
