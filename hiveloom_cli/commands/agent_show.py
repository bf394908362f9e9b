"""`hiveloom agent show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.agent_view import build_summary, format_hidden, print_warnings
from hiveloom_cli.commands.naming import choose_name, complete_agents, take_name
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.agents.agent_file import AgentFile
    from hiveloom_cli.agents.trust import Trust
    from hiveloom_cli.app import App
    from hiveloom_cli.commands.upstream_view import UpstreamView

_UNSHOWN: tuple[Any, ...] = (None, "", [])


@click.command()
@take_name(complete_agents)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--raw", is_flag=True, help="The file as it is, and nothing else.")
@click.pass_obj
def show(
    app: App, words: tuple[str, ...], name_option: str | None, *, as_json: bool, raw: bool
) -> None:
    """Show an agent: its settings, the upstream that would answer, and its system prompt."""
    if as_json and raw:
        raise UsageMistake("--json and --raw are two ways to show it", hint="give one of them")
    name = choose_name(words, name_option)
    if raw:
        _print_raw(app, name)
        return
    from hiveloom_cli.commands.upstream_view import load_upstream_view

    file = app.agents.load(name)
    view, trust = load_upstream_view(app, file.agent), app.trust.load_trust(file)
    if as_json:
        document = _build_document(app, file, view, trust)
        app.streams.print_json(document)
    else:
        for line in _format_settings(file, view, trust):
            app.streams.print_line(line)
        _print_prompt(app, file.agent.system_prompt)
    _print_notes(app, file, view)


def _print_raw(app: App, name: str) -> None:
    from hiveloom_cli.agents.agent_file import load_content

    content = load_content(app.agents.get_store(name).build_path(name))
    app.streams.write_bytes(content)


def _build_document(app: App, file: AgentFile, view: UpstreamView, trust: Trust) -> dict[str, Any]:
    from hiveloom_cli.commands.upstream_view import build_upstream_document

    return {
        **build_summary(file.agent),
        "system_prompt": file.agent.system_prompt,
        "upstream": build_upstream_document(view),
        "scope": "project" if file.is_project else "own",
        "trust": trust.value,
        "hides_own": file.agent.name in app.agents.load_hidden(),
        "path": str(file.path),
        "version": file.version or None,
        "warnings": list(file.agent.warnings),
    }


def _format_settings(file: AgentFile, view: UpstreamView, trust: Trust) -> Iterator[str]:
    fields = {
        key.replace("_", " "): ", ".join(map(str, value)) if isinstance(value, list) else value
        for key, value in build_summary(file.agent).items()
        if value not in _UNSHOWN and key not in {"credential", "save", "compaction"}
    }
    if not file.agent.save:
        fields["save"] = "no, conversations with it are not kept"
    fields |= _build_upstream_fields(view)
    fields |= {"file": file.path, "kept": _describe_place(file, trust)}
    width = max(map(len, fields)) + 2
    for key, value in fields.items():
        # One line each, so that no text of the file's author can pass for another field.
        yield f"{key + ':':<{width}} {' '.join(str(value).splitlines())}"


def _build_upstream_fields(view: UpstreamView) -> dict[str, str]:
    fields = {"protocol": view.title, "credential": f"{view.credential} ({view.key.text})"}
    if view.base_url:
        moved = f" (from {view.moved_by})" if view.moved_by else ""
        fields["base URL"] = f"{view.base_url}{moved}"
    elif view.problem:
        fields["base URL"] = view.problem.message
    return {key: fields[key] for key in ("protocol", "base URL", "credential") if fields.get(key)}


def _describe_place(file: AgentFile, trust: Trust) -> str:
    from hiveloom_cli.agents.trust import Trust

    version = f", version {file.version}" if file.version else ""
    if not file.is_project:
        return f"your own{version}"
    said = {
        Trust.NOT_NEEDED: "",
        Trust.TRUSTED: ", trusted",
        Trust.NEEDED: f", not trusted yet: hiveloom trust {file.agent.name}",
        Trust.CHANGED: f", changed since it was trusted: hiveloom trust {file.agent.name}",
    }
    return f"in the project{version}{said[trust]}"


def _print_prompt(app: App, prompt: str) -> None:
    if not prompt:
        return
    app.streams.print_line()
    app.streams.print_text(prompt)


def _print_notes(app: App, file: AgentFile, view: UpstreamView) -> None:
    print_warnings(file.agent, app.streams)
    if file.agent.name in app.agents.load_hidden():
        app.streams.print_notice(format_hidden([file.agent.name]))
    if view.problem:
        app.streams.print_notice(f"warning: {view.problem.message}")
        app.streams.print_notice(f"  try: {view.problem.hint}")
