"""`hiveloom status`: what is there, where it is, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.app import App
    from hiveloom_cli.protocols.base_url import BaseUrl

_DEFAULT_URL = "http://127.0.0.1:3000"
_WIDTH = len("conversations:  ")
_UNITS = ("bytes", "kB", "MB", "GB")


@click.command(name="status", short_help="Show what is there, and what is wrong with it.")
@click.option("--url", metavar="URL", help=f"The server to ask ({_DEFAULT_URL}).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def command(context: click.Context, /, *, url: str | None, as_json: bool) -> None:
    """Show folders, keys, addresses, agents, tools, conversations, and whether a server runs.

    No key is shown or fetched, and no upstream is asked. The exit code is 1 if something is broken:
    a file that cannot be read, an address that cannot be one, a service that has failed, or a
    server that --url names and that does not answer. What is not there yet is not broken.
    """
    from hiveloom_cli.commands.status_facts import load_facts
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.terminal.report import print_error

    app: App = context.obj
    facts = load_facts(app, _parse_url(url or _DEFAULT_URL), was_asked=url is not None)
    if as_json:
        app.streams.print_json(facts)
    else:
        app.streams.print_lines(_format_facts(facts))
        for hint in _list_hints(facts):
            app.streams.print_notice(hint)
        for problem in facts["problems"]:
            print_error(HiveloomError(problem["message"], hint=problem["hint"]), app.streams)
    context.exit(1 if facts["problems"] else 0)


def _parse_url(text: str) -> BaseUrl:
    from hiveloom_cli.errors import BaseUrlInvalid, UsageMistake
    from hiveloom_cli.protocols.base_url import parse_base_url

    try:
        return parse_base_url(text, source="--url")
    except BaseUrlInvalid as error:
        raise UsageMistake(error.message, hint=f"such as {_DEFAULT_URL}") from None


def _format_facts(facts: dict[str, Any]) -> Iterator[str]:
    from hiveloom_cli.terminal.visible import format_one_line

    for name, text in _list_facts(facts):
        yield f"{name + ':':{_WIDTH}}{format_one_line(text, limit=2000)}"


def _list_facts(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "version", f"{facts['version']} (Python {facts['python']})"
    folders = _group_folders(facts["folders"])
    for folder, purposes in folders.items():
        yield "folder", f"{folder} ({', '.join(purposes)})"
    yield "keys", _format_keys(facts)
    for name, found in facts["base_urls"].items():
        title = {"openai": "OpenAI API", "anthropic": "Anthropic API"}[name]
        yield title, _format_base_url(found)
    yield "agents", _format_agents(facts["agents"])
    yield "tools", _format_tools(facts)
    size = facts["conversations"]["bytes"]
    yield "conversations", f"{format_size(size)} kept" if size else "none is kept yet"
    yield "server", f"{facts['server']['url']}: {facts['server']['detail']}"
    for service in facts["services"]:
        yield "service", _format_service(service)
    if not facts["services"]:
        yield "service", "not installed (hiveloom serve install-service)"


def _group_folders(folders: dict[str, str]) -> dict[str, list[str]]:
    """Group what is in one folder, or in one beneath it."""
    from pathlib import Path

    groups: dict[str, list[str]] = {}
    for purpose, folder in folders.items():
        parent = str(Path(folder).parent)
        groups.setdefault(parent if parent in groups else folder, []).append(purpose)
    return groups


def _format_keys(facts: dict[str, Any]) -> str:
    from hiveloom_cli.credentials.notice import format_place

    stored = [f"{one['name']} ({format_place(one['kept_in'])})" for one in facts["credentials"]]
    known = {one["name"] for one in facts["credentials"]}
    handed = [f"{name} (systemd unit)" for name in facts["handed_over"] if name not in known]
    return ", ".join([*stored, *handed, *facts["key_variables"]]) or "none"


def _format_base_url(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not known"
    return f"{found['base_url'] or 'none that can be used'} ({found['set_by']})"


def _format_agents(agents: dict[str, Any]) -> str:
    where = f"; those of the project are in {agents['project']}" if agents["project"] else ""
    return f"{_format_count(agents)}{where}"


def _format_tools(facts: dict[str, Any]) -> str:
    skills, servers = _format_count(facts["skills"]), _format_count(facts["mcp_servers"])
    return f"{_format_count(facts['tools'])}; skills: {skills}; MCP servers: {servers}"


def _format_count(found: dict[str, Any]) -> str:
    return (
        f"{found['count']}, and {found['broken']} broken"
        if found["broken"]
        else f"{found['count']}"
    )


def _format_service(service: dict[str, Any]) -> str:
    state = ", ".join(filter(None, (service["active"], service["enabled"])))
    return f"{service['path']}: {state or 'systemd does not say how it is'}"


def format_size(size: int) -> str:
    """Format a number of bytes for a person."""
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    digits = 1 if unit and amount < 10 else 0
    return f"{amount:.{digits}f} {_UNITS[unit]}"


def _list_hints(facts: dict[str, Any]) -> Iterator[str]:
    """List what to type for what is not there yet, unless something is to be mended first."""
    if facts["problems"]:
        return
    if not (facts["credentials"] or facts["handed_over"] or facts["key_variables"]):
        yield "To store a key (a model on this machine needs none): hiveloom credential set openai"
    if not (facts["agents"]["count"] or facts["agents"]["broken"]):
        yield "To create an agent: hiveloom agent create helper --model gpt-4o-mini"
    if not facts["server"]["answers"] and facts["agents"]["count"]:
        yield "To offer the agents to other programs: hiveloom serve"
