"""`hiveloom agent create`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from hiveloom_cli.commands.agent_view import format_hidden
from hiveloom_cli.commands.connecting import take_credential, take_model
from hiveloom_cli.commands.naming import choose_name, complete_agents, take_name
from hiveloom_cli.errors import HiveloomError, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.app import App

_DEFAULT_NAME = "helper"
_DEFAULT_MODEL = "gpt-4o-mini"
_DEFAULT_PROMPT = "You are a helpful assistant."


@click.command()
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
    app.streams.print_notice(f"Talk to it: hiveloom chat {agent.name}")


def _build_agent(app: App, store: AgentStore, options: dict[str, Any]) -> Agent:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.protocols.request import Parameters

    name, model, system_prompt = _choose_essentials(app, store, options)
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
