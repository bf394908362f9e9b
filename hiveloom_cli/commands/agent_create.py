"""`hiveloom agent create`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from hiveloom_cli.commands.agent_options import check_typed, load_prompt, take_agent_settings
from hiveloom_cli.commands.agent_view import format_hidden
from hiveloom_cli.commands.key_note import print_key_note
from hiveloom_cli.commands.model_note import print_model_note
from hiveloom_cli.commands.naming import choose_name, complete_agents, take_name
from hiveloom_cli.errors import HiveloomError, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.app import App
    from hiveloom_cli.terminal.streams import Streams

_DEFAULT_NAME = "helper"
_DEFAULT_MODEL = "gpt-4o-mini"
_DEFAULT_PROMPT = "You are a helpful assistant."


@click.command()
@take_name(complete_agents)
@take_agent_settings
@click.option(
    "--project",
    "in_project",
    is_flag=True,
    help="For all who work in this project.",
)
@click.option("--force", is_flag=True, help="Replace an agent of that name.")
@click.pass_obj
def create(app: App, /, **options: Any) -> None:
    """Create an agent. If its name or its model is missing, you are asked on a terminal."""
    store = app.open_project() if options["in_project"] else app.agents.own
    agent = _build_agent(app, store, options)
    saved = store.create(agent, replace=options["force"])
    if store.is_project:
        # Each word of it is the person's own, so there is nothing to ask them about.
        version = store.versions.get(agent.name, saved.version)
        app.trust.add(saved.path, version.digest)
    app.streams.print_line(f"Created {agent.name} ({agent.model}): {saved.path}")
    if agent.name in app.agents.load_hidden():
        app.streams.print_notice(format_hidden([agent.name]))
    print_model_note(app, agent)
    print_key_note(app, agent)
    app.streams.print_notice(f"Talk to it: hiveloom chat {agent.name}")


def _build_agent(app: App, store: AgentStore, options: dict[str, Any]) -> Agent:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.protocols.request import Parameters

    name, model, system_prompt = _choose_essentials(app, store, options)
    return Agent(
        name=name,
        model=model,
        system_prompt=system_prompt.strip("\r\n"),
        description=options["description"] or "",
        credential=options["credential"] or "",
        parameters=Parameters(
            temperature=options["temperature"],
            top_p=options["top_p"],
            max_tokens=options["max_tokens"],
        ),
    )


def _choose_essentials(
    app: App, store: AgentStore, options: dict[str, Any]
) -> tuple[str, str, str]:
    """Return name, model and system prompt: what was given, and what is missing by asking."""
    from hiveloom_cli.agents.agent import parse_new_name

    def parse_name(text: str) -> str:
        parse_new_name(text)
        if not options["force"]:
            store.check_free(text)
        return text

    words, name_option = options["words"], options["name_option"]
    is_named = bool(words) or name_option is not None
    model = (options["model"] or "").strip()
    prompt = load_prompt(options)
    if not (is_named or app.streams.can_ask):
        _refuse_name()
    if not app.streams.can_ask or (is_named and model):
        name = parse_name(choose_name(words, name_option))
        return name, model or _refuse_model(name), prompt or ""
    name = (
        parse_name(choose_name(words, name_option))
        if is_named
        else _ask(app.streams, "Name", _DEFAULT_NAME, parse_name)
    )
    model = model or _ask(
        app.streams, "Model", _DEFAULT_MODEL, lambda text: text or _refuse_model(name)
    )
    if prompt is None:
        prompt = _ask(app.streams, "System prompt", _DEFAULT_PROMPT)
    return name, model, prompt


def _refuse_name() -> NoReturn:
    raise UsageMistake(
        "a name is missing", hint=f"hiveloom agent create NAME --model {_DEFAULT_MODEL}"
    )


def _refuse_model(name: str) -> NoReturn:
    raise UsageMistake(
        "a model is missing", hint=f"hiveloom agent create --name {name} --model {_DEFAULT_MODEL}"
    )


def _ask(streams: Streams, question: str, default: str, parse: Callable[[str], str] = str) -> str:
    """Ask until `parse` takes the answer."""
    from hiveloom_cli.terminal.report import print_error

    while True:
        text = _ask_once(question, default)
        try:
            check_typed(text)
            return parse(text)
        except HiveloomError as error:
            print_error(error, streams)


def _ask_once(question: str, default: str) -> str:
    try:
        return str(click.prompt(question, default=default, err=True)).strip()
    except click.Abort:
        click.echo(err=True)  # the question's line is still open
        raise
