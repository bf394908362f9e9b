"""`hiveloom trust`: agreeing to the agents that a project brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hiveloom_cli.commands.naming import complete_agents
from hiveloom_cli.errors import FileUnreadable, Untrusted, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.agents.agent_file import AgentFile
    from hiveloom_cli.app import App


@click.command(name="trust")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_agents)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--list", "as_list", is_flag=True, help="Show what is trusted.")
@click.option(
    "--revoke", metavar="NAME|PATH", help="Trust an agent no more, or all below a folder."
)
@click.option("--json", "as_json", is_flag=True, help="With --list: one JSON array.")
@click.pass_obj
def command(
    app: App,
    names: tuple[str, ...],
    *,
    yes: bool,
    as_list: bool,
    revoke: str | None,
    as_json: bool,
) -> None:
    """Trust agents that come with a project, so that they can be used.

    An agent of a project that names a credential, tools or skills is used only after you have
    agreed to just what its file holds. Without NAME: all of the project that need it.

    \b
      hiveloom trust
      hiveloom trust reviewer
      hiveloom trust --revoke reviewer
    """
    _check_options(names, yes=yes, as_list=as_list, revoke=revoke, as_json=as_json)
    if as_list:
        _print_list(app, as_json=as_json)
    elif revoke is not None:
        _revoke(app, revoke)
    else:
        _trust(app, names, yes=yes)


def _check_options(
    names: tuple[str, ...], *, yes: bool, as_list: bool, revoke: str | None, as_json: bool
) -> None:
    if (as_list and revoke is not None) or ((as_list or revoke is not None) and (names or yes)):
        raise UsageMistake(
            "that is two things at once", hint="give names to trust, or --list, or --revoke NAME"
        )
    if as_json and not as_list:
        raise UsageMistake("--json belongs to --list", hint="hiveloom trust --list --json")


def _trust(app: App, names: tuple[str, ...], *, yes: bool) -> None:
    from hiveloom_cli.commands.trust_view import print_request
    from hiveloom_cli.commands.trusting import ask_trust

    declined = []
    for file in _load_named(app, names) if names else _load_needing(app):
        if yes:
            print_request(app, file)
            app.trust.add(file.path, file.digest)
        elif not app.streams.can_ask:
            print_request(app, file)
            raise UsageMistake(
                f"nobody is there to ask: Trust {file.agent.name}?", hint="add --yes"
            )
        elif not ask_trust(app, file):
            declined.append(file.agent.name)
            continue
        app.streams.print_line(f"Trusted {file.agent.name}: {file.path}")
    if declined:
        raise Untrusted(f"not trusted: {', '.join(declined)}")


def _load_named(app: App, names: Sequence[str]) -> list[AgentFile]:
    """Read the agents of these names that need to be trusted; say why others do not."""
    from hiveloom_cli.agents.trust import Trust

    files = []
    for name in dict.fromkeys(names):
        file = app.agents.load(name)
        trust = app.trust.load_trust(file)
        if not trust.is_enough:
            files.append(file)
        elif not file.is_project:
            app.streams.print_notice(f"{name} is your own: there is nothing to trust")
        elif trust is Trust.TRUSTED:
            app.streams.print_notice(f"{name} is trusted already")
        else:
            app.streams.print_notice(f"{name} names no credential, tools or skills: use it freely")
    return files


def _load_needing(app: App) -> list[AgentFile]:
    """Read all of the project's agents that need to be trusted; tell of those that are broken."""
    from hiveloom_cli.terminal.report import print_error

    project = app.agents.project
    if project is None:
        app.streams.print_notice("There is no project here: no .hiveloom/agents, here or above")
        return []
    files = []
    for name in project.load_names():
        try:
            file = project.load(name)
        except FileUnreadable as error:
            print_error(error, app.streams)
            continue
        if not app.trust.load_trust(file).is_enough:
            files.append(file)
    if not files:
        app.streams.print_notice(f"Nothing in {project.folder} has to be trusted")
    return files


def _print_list(app: App, *, as_json: bool) -> None:
    from hiveloom_cli.commands.trust_list import build_rows, format_rows

    rows = build_rows(app.trust.load_all())
    if as_json:
        app.streams.print_json(rows)
    elif rows:
        for line in format_rows(rows):
            app.streams.print_line(line)
    else:
        app.streams.print_notice("Nothing is trusted yet: hiveloom trust NAME")


def _revoke(app: App, word: str) -> None:
    from hiveloom_cli.commands.trust_list import find_revoked

    for path in find_revoked(app, word):
        app.trust.remove([path])
        app.streams.print_line(f"Not trusted any more: {path}")
