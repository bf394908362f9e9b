"""`hiveloom agent export` and `hiveloom agent import`."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from hiveloom_cli.commands.connecting import take_model
from hiveloom_cli.commands.naming import complete_agents, complete_paths
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.agent_file import AgentFile
    from hiveloom_cli.agents.incoming import Incoming
    from hiveloom_cli.app import App

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@click.command(name="export")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_agents)
@click.option("--all", "everything", is_flag=True, help="Every agent, as one list.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of YAML.")
@click.option("--markdown", is_flag=True, help="The agent's own file, as it stands.")
@click.pass_obj
def export(
    app: App, names: tuple[str, ...], *, everything: bool, as_json: bool, markdown: bool
) -> None:
    """Print agents as a manifest, which `agent import` and `apply` take.

    \b
      hiveloom agent export helper > helper.yaml
      hiveloom agent export --all --json
    """
    from hiveloom_cli.agents.manifest import format_manifest

    if everything == bool(names):
        raise UsageMistake(
            "which agents? A name is missing", hint="hiveloom agent export NAME, or --all"
        )
    if markdown and (everything or as_json or len(names) > 1):
        raise UsageMistake("--markdown prints the file of one agent", hint="give one name alone")
    wanted = app.agents.load_names() if everything else list(dict.fromkeys(names))
    files = [app.agents.load(name) for name in wanted]
    if markdown:
        _print_file(app, files[0])
        return
    agents = [file.agent for file in files]
    as_list = everything or len(agents) > 1
    text = format_manifest(agents, as_json=as_json, as_list=as_list)
    app.streams.print_line(text.removesuffix("\n"))


def _print_file(app: App, file: AgentFile) -> None:
    if app.streams.stdout.isatty():
        app.streams.print_line(file.content.decode().removesuffix("\n"))
    else:
        app.streams.write_bytes(file.content)


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
    from hiveloom_cli.agents.incoming import STDIN

    if source == "-":
        return app.streams.stdin.buffer.read(), Path(STDIN), STDIN
    if not _URL.match(source):
        path = Path(source)
        return path.read_bytes(), path, source
    content = app.load_page(source)
    parts = urlsplit(source)
    # What follows a question mark may be secret, and a version's summary is kept.
    shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return content, Path(PurePosixPath(parts.path).name or parts.netloc), shown


def _print_notes(app: App, one: Incoming) -> None:
    agent = one.agent
    for note in one.notes:
        app.streams.print_notice(f"{agent.name}: {note}")
    for warning in agent.warnings:
        app.streams.print_notice(f"warning: {warning}")
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
