"""`hiveloom agent import`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import click

from hiveloom_cli.commands.agent_view import print_warnings
from hiveloom_cli.commands.connecting import take_model
from hiveloom_cli.commands.naming import complete_paths

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.incoming import Incoming
    from hiveloom_cli.app import App

_MOST_BYTES = 1024 * 1024  # of what comes from an address


@click.command(name="import")
@click.argument("source", metavar="FILE|-|URL", shell_complete=complete_paths)
@click.option("--name", metavar="NAME", help="Name it so, whatever the file says.")
@take_model("Use this model, whatever the file says.")
@click.option("--force", is_flag=True, help="Replace agents of the same names.")
@click.pass_obj
def import_agents(
    app: App, source: str, *, name: str | None, model: str | None, force: bool
) -> None:
    """Take in agents: from a manifest, an agent's file, or one of another program.

    \b
      hiveloom agent import helper.yaml
      hiveloom agent import ~/.claude/agents/reviewer.md --model claude-sonnet-5
      hiveloom agent import https://example.com/agents/helper.md
    """
    from hiveloom_cli.agents.incoming import Wishes, parse_incoming
    from hiveloom_cli.commands.faults import raise_faults
    from hiveloom_cli.files import decode_text

    content, path, shown = _load_source(app, source)
    wishes = Wishes(name or "", (model or "").strip())
    incoming, faults = parse_incoming(decode_text(content, path), path, wishes)
    raise_faults(faults, app.streams)
    store = app.agents.own
    if not force:
        for one in incoming:
            store.check_free(one.agent.name)
    saved = store.apply(
        {one.agent.name: one.text for one in incoming},
        f"imported from {shown}",
        None if force else dict.fromkeys(one.agent.name for one in incoming),
    )
    for one in incoming:
        app.streams.print_line(
            f"Imported {one.agent.name} ({one.agent.model}): {saved[one.agent.name].path}"
        )
        _print_notes(app, one)


def _load_source(app: App, source: str) -> tuple[bytes, Path, str]:
    """Return what is to be imported, its name in errors, and where it came from in words."""
    from hiveloom_cli.agents.web_page import check_no_page
    from hiveloom_cli.commands.sources import load_source
    from hiveloom_cli.upstream.fetch import format_url, is_url

    if not is_url(source):
        content, path = load_source(app, source)
        return content, path, str(path)
    content = app.fetch_url(source, most_bytes=_MOST_BYTES)
    check_no_page(content, source)
    parts = urlsplit(source)
    name = PurePosixPath(unquote(parts.path)).name or parts.netloc
    return content, Path(name), format_url(source)


def _print_notes(app: App, one: Incoming) -> None:
    agent = one.agent
    for note in one.notes:
        app.streams.print_notice(f"{agent.name}: {note}")
    print_warnings(agent, app.streams)
    abilities = [
        f"{what} {', '.join(names)}" if names else f"no {what}"
        for what, names in (("tools", agent.tools), ("skills", agent.skills))
    ]
    used = "; ".join([f"the model {agent.model}", _describe_credential(app, agent), *abilities])
    app.streams.print_notice(f"{agent.name} uses {used}")


def _describe_credential(app: App, agent: Agent) -> str:
    """Say which key the agent would be asked with: a file brings a credential's name, no key."""
    from hiveloom_cli.commands.upstream_view import load_upstream_view

    view = load_upstream_view(app, agent)
    state = f"cannot be used: {view.problem.message}" if view.problem else view.key.text
    brought = "only its name came, no key; " if agent.credential else ""
    return f"the credential {view.credential} ({brought}{state})"
