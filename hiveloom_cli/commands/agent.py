"""`hiveloom agent`: create, list, show, delete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from hiveloom_cli.commands.connecting import take_credential, take_model
from hiveloom_cli.commands.naming import choose_name, complete_agents, take_name
from hiveloom_cli.errors import HiveloomError, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.terminal.streams import Streams

_DEFAULT_NAME = "helper"
_DEFAULT_MODEL = "gpt-4o-mini"
_DEFAULT_PROMPT = "You are a helpful assistant."
_PROMPT_SHOWN = 60


@click.group(name="agent")
def command() -> None:
    """Agents are Markdown files: settings on top, the system prompt below."""


@command.command()
@take_name(complete_agents)
@take_model("The upstream's own name for the model.")
@click.option(
    "--system-prompt", metavar="TEXT", help="What the agent is told before anything else."
)
@click.option(
    "--system-prompt-file",
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="Read the system prompt from a file (- for stdin).",
)
@click.option("--description", default="", metavar="TEXT", help="One line for lists.")
@take_credential("The credential to use; without it the model decides.")
@click.option("--temperature", type=click.FloatRange(0, 2), help="0 to 2; the upstream's default.")
@click.option("--top-p", type=click.FloatRange(0, 1), help="0 to 1; the upstream's default.")
@click.option("--max-tokens", type=click.IntRange(1), help="The longest answer, in tokens.")
@click.option("--force", is_flag=True, help="Replace an agent of that name.")
@click.pass_obj
def create(app: App, /, **options: Any) -> None:
    """Create an agent. If its name or its model is missing, you are asked on a terminal."""
    agent = _build_agent(app, options)
    path = app.agents.create(agent, replace=options["force"])
    app.streams.print_line(f"Created {agent.name} ({agent.model}): {path}")
    app.streams.print_notice(f"Talk to it: hiveloom chat {agent.name}")


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_agents(app: App, *, as_json: bool) -> None:
    """List the agents."""
    from hiveloom_cli.errors import FileUnreadable
    from hiveloom_cli.terminal.report import print_error
    from hiveloom_cli.terminal.table import format_table

    loaded = list(app.agents.load_all())
    broken = [entry for entry in loaded if isinstance(entry, FileUnreadable)]
    agents = [entry for entry in loaded if not isinstance(entry, FileUnreadable)]
    if as_json:
        rows = [_build_summary(agent) for agent in agents]
        app.streams.print_line(json.dumps(rows, ensure_ascii=False, indent=2))
    elif agents:
        for line in format_table(
            ("NAME", "MODEL", "DESCRIPTION"),
            [(agent.name, agent.model, _describe(agent)) for agent in agents],
        ):
            app.streams.print_line(line)
    elif not broken:
        app.streams.print_notice("There is no agent yet: hiveloom agent create")
    for agent in agents:
        _print_warnings(agent, app.streams)
    for error in broken:
        print_error(error, app.streams)
    if broken:
        raise click.exceptions.Exit(broken[0].exit_code)


@command.command()
@take_name(complete_agents)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(app: App, words: tuple[str, ...], name_option: str | None, *, as_json: bool) -> None:
    """Show an agent."""
    name = choose_name(words, name_option)
    agent = app.agents.load(name)
    path = app.agents.build_path(name)
    if as_json:
        document = {
            **_build_summary(agent),
            "system_prompt": agent.system_prompt,
            "path": str(path),
        }
        app.streams.print_line(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        for line in _format_agent(agent, path):
            app.streams.print_line(line)
    _print_warnings(agent, app.streams)


@command.command()
@take_name(complete_agents)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(app: App, words: tuple[str, ...], name_option: str | None, *, yes: bool) -> None:
    """Delete an agent's file."""
    from hiveloom_cli.terminal.question import ask_consent

    name = choose_name(words, name_option)
    path = app.agents.find(name)
    ask_consent(f"Delete the agent {name} ({path})?", yes=yes, streams=app.streams)
    app.agents.delete(name)
    app.streams.print_line(f"Deleted {name}: {path}")


def _build_agent(app: App, options: dict[str, Any]) -> Agent:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.protocols.request import Parameters

    name, model, system_prompt = _choose_essentials(app, options)
    return Agent(
        name=name,
        model=model,
        system_prompt=system_prompt.strip("\r\n"),
        description=options["description"],
        credential=options["credential"] or "",
        parameters=Parameters(
            temperature=options["temperature"],
            top_p=options["top_p"],
            max_tokens=options["max_tokens"],
        ),
    )


def _choose_essentials(app: App, options: dict[str, Any]) -> tuple[str, str, str]:
    """Return name, model and system prompt: what was given, and what is missing by asking."""

    def parse_name(text: str) -> str:
        return app.agents.parse_new_name(text, replace=options["force"])

    words, name_option = options["words"], options["name_option"]
    is_named = bool(words) or name_option is not None
    model = (options["model"] or "").strip()
    prompt = _choose_prompt(options)
    if not app.streams.can_ask or (is_named and model):
        name = parse_name(choose_name(words, name_option))
        return name, model or _refuse_model(name), prompt or ""
    name = (
        parse_name(choose_name(words, name_option))
        if is_named
        else _ask("Name", _DEFAULT_NAME, parse_name)
    )
    model = model or _ask("Model", _DEFAULT_MODEL, lambda text: text or _refuse_model(name))
    return name, model, _ask("System prompt", _DEFAULT_PROMPT) if prompt is None else prompt


def _refuse_model(name: str) -> NoReturn:
    raise UsageMistake(
        "a model is missing", hint=f"hiveloom agent create --name {name} --model {_DEFAULT_MODEL}"
    )


def _choose_prompt(options: dict[str, Any]) -> str | None:
    text, file = options["system_prompt"], options["system_prompt_file"]
    if text is not None and file is not None:
        raise UsageMistake(
            "the system prompt was given twice",
            hint="give --system-prompt or --system-prompt-file, not both",
        )
    if file is None:
        return cast("str | None", text)
    try:
        return str(file.read()).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise HiveloomError(f"{file.name}: not UTF-8 text", hint="save it as UTF-8") from None


def _ask(question: str, default: str, parse: Callable[[str], str] = str) -> str:
    """Ask until `parse` takes the answer."""
    from hiveloom_cli.terminal.visible import format_one_line

    def take(text: str) -> str:
        try:
            text.encode()
            return parse(text.strip())
        except UnicodeEncodeError:
            raise click.UsageError("that is not UTF-8 text") from None
        except HiveloomError as error:
            raise click.UsageError(format_one_line(f"{error.message} ({error.hint})")) from error

    try:
        answer: str = click.prompt(question, default=default, value_proc=take, err=True)
    except click.Abort:
        click.echo(err=True)  # the question's line is still open
        raise
    return answer


def _describe(agent: Agent) -> str:
    text = agent.description or agent.system_prompt.partition("\n")[0]
    return text if len(text) <= _PROMPT_SHOWN else text[: _PROMPT_SHOWN - 1] + "…"


def _build_summary(agent: Agent) -> dict[str, Any]:
    parameters = agent.parameters
    return {
        "name": agent.name,
        "model": agent.model,
        "description": agent.description,
        "credential": agent.credential or None,
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        "max_tokens": parameters.max_tokens,
        "stop": list(parameters.stop) if parameters.stop else None,
        "tools": list(agent.tools),
        "skills": list(agent.skills),
    }


def _format_agent(agent: Agent, path: Path) -> list[str]:
    settings = {
        key: ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in _build_summary(agent).items()
        if value not in (None, "", [])
    }
    width = max(map(len, settings)) + 2
    lines = [f"{key + ':':<{width}} {value}" for key, value in settings.items()]
    lines.append(f"{'file:':<{width}} {path}")
    return [*lines, "", agent.system_prompt] if agent.system_prompt else lines


def _print_warnings(agent: Agent, streams: Streams) -> None:
    for warning in agent.warnings:
        streams.print_notice(f"warning: {warning}")
