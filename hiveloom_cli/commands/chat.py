"""`hiveloom chat`: interactive, or one question."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.appearance import choose_look, take_look
from hiveloom_cli.commands.attaching import (
    STDIN,
    check_message,
    load_attachments,
    take_attachments,
)
from hiveloom_cli.commands.connecting import take_allow_http, take_credential, take_model
from hiveloom_cli.commands.naming import complete_agents
from hiveloom_cli.commands.patience import choose_patience, choose_timeouts, take_patience
from hiveloom_cli.commands.trusting import load_trusted
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import TurnEnded
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.terminal.look import Look
    from hiveloom_cli.terminal.repl import MessageSource, Repl
    from hiveloom_cli.upstream.client import ModelClient

_SETTINGS = ("model", "system_prompt", "credential")
_PARAMETERS = ("temperature", "top_p", "max_tokens")


@click.command(name="chat")
@click.argument("agent", required=False, shell_complete=complete_agents)
@click.argument("message", required=False)
@take_attachments
@take_model("Ask this model; an agent is not needed then.")
@click.option("--system-prompt", metavar="TEXT", help="Instead of the agent's.")
@take_credential("Instead of the agent's.")
@click.option("--temperature", type=click.FloatRange(0, 2), help="Instead of the agent's.")
@click.option("--top-p", type=click.FloatRange(0, 1), help="Instead of the agent's.")
@click.option("--max-tokens", type=click.IntRange(1), help="The longest answer, in tokens.")
@take_allow_http
@click.option("--no-stream", is_flag=True, help="Ask for the answer in one piece.")
@take_patience
@take_look
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when it is whole.")
@click.pass_obj
def command(app: App, /, **options: Any) -> None:
    """Talk to an agent, or ask it one question.

    Without MESSAGE, on a terminal, the chat is interactive. What is piped in is appended to
    MESSAGE. What is attached can stand alone, for an agent that knows what to do with it.

    \b
      hiveloom chat helper
      hiveloom chat helper "one question"
      git diff | hiveloom chat helper "review this"
      hiveloom chat helper "what is this?" -a photo.jpg -a report.pdf
      hiveloom chat --model gpt-4o-mini "a question without an agent"
    """
    from hiveloom_cli.protocols.message import build_user_message

    name, word = _choose_words(app, options)
    chosen, version = _choose_agent(app, name, options["model"])
    agent = _override(chosen, options)
    text = _load_text(app, word, options)
    app.timeouts, app.patience = choose_timeouts(options), choose_patience(options)
    upstream = app.decide_upstream(agent.model, agent.credential, allow_http=options["allow_http"])
    attached = load_attachments(app, options["attach"])
    model = app.open_model(upstream)
    _print_notices(app, agent)

    def open_conversation() -> Conversation:
        from hiveloom_cli.chat.conversation import Conversation

        return Conversation(
            app.clock.new_id(), agent, stream=not options["no_stream"], agent_version=version
        )

    look = choose_look(app, options)
    if not (text or attached):
        _run_repl(app, model, open_conversation, look)
        return
    conversation, message = open_conversation(), build_user_message(text, attached)
    check_message(conversation, message, upstream)
    if options["as_json"]:
        _print_document(app, model, conversation, message)
    else:
        _show_answer(app, model, conversation, message, look)


def _choose_words(app: App, options: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the agent's name and the message, as far as they were given."""
    name, message = options["agent"], options["message"]
    if options["model"] and message is None and name not in app.agents.load_names():
        # With a model, a single argument is the message, unless an agent has that name.
        return None, name
    return name, message


def _choose_agent(app: App, name: str | None, model: str | None) -> tuple[Agent, int]:
    """Return the agent and the version of its file, 0 where there is none."""
    from hiveloom_cli.agents.agent import Agent

    if name is not None:
        file = load_trusted(app, name)
        return file.agent, file.version
    if model:
        return Agent(name="", model=model), 0
    names = ", ".join(app.agents.load_names())
    raise UsageMistake(
        f"which agent? There are: {names}" if names else "which agent? There is none yet",
        hint="hiveloom chat AGENT" if names else "hiveloom agent create",
    )


def _override(agent: Agent, options: dict[str, Any]) -> Agent:
    parameters = {key: options[key] for key in _PARAMETERS if options[key] is not None}
    settings = {key: options[key] for key in _SETTINGS if options[key] is not None}
    return replace(agent, parameters=replace(agent.parameters, **parameters), **settings)


def _load_text(app: App, word: str | None, options: dict[str, Any]) -> str:
    """Join the argument and what is piped in, unless that is attached.

    "" where neither says anything, for a chat or beside an attachment.
    """
    pieces = [word or ""]
    needed = options["as_json"]
    if not app.streams.stdin.isatty() and STDIN not in options["attach"]:
        pieces.append(app.streams.load_stdin())
        needed = True
    message = "\n\n".join(piece for piece in pieces if piece.strip())
    if not (message or options["attach"]) and (
        needed or word is not None or not app.streams.is_interactive
    ):
        raise UsageMistake(
            "there is nothing to send", hint='give a message: hiveloom chat AGENT "a question"'
        )
    return message


def _print_notices(app: App, agent: Agent) -> None:
    for warning in agent.warnings:
        app.streams.print_notice(f"warning: {warning}")
    if left_out := [*agent.tools, *agent.skills]:
        app.streams.print_notice(
            f"note: this version runs no tools or skills; left out: {', '.join(left_out)}"
        )


def _show_answer(
    app: App, model: ModelClient, conversation: Conversation, message: Message, look: Look
) -> None:
    from hiveloom_cli.chat.runner import run_turn
    from hiveloom_cli.terminal.turn import show_turn

    with closing(run_turn(conversation, message, model)) as events:
        show_turn(events, app.streams, look)


def _print_document(
    app: App, model: ModelClient, conversation: Conversation, message: Message
) -> None:
    from hiveloom_cli.chat.answer import fold_turn
    from hiveloom_cli.chat.runner import run_turn

    with closing(run_turn(conversation, message, model)) as events:
        document = _build_document(conversation, fold_turn(events))
    app.streams.print_line(json.dumps(document, ensure_ascii=False))


def _build_document(conversation: Conversation, ended: TurnEnded) -> dict[str, Any]:
    usage = ended.usage
    return {
        "agent": conversation.agent.name or None,
        "agent_version": conversation.agent_version or None,
        "model": conversation.agent.model,
        "response": ended.message.text,
        "finish_reason": ended.finish_reason.value,
        "usage": usage
        and {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
        },
        "conversation_id": conversation.id,
    }


def _run_repl(
    app: App, model: ModelClient, open_conversation: Callable[[], Conversation], look: Look
) -> None:
    from hiveloom_cli.terminal.echo import hide_typing

    # From here on what is typed ahead belongs to the next prompt, also while modules load. A plain
    # prompt leaves the terminal as it is, which then keeps whole lines for it.
    hidden = nullcontext() if look.append_only else hide_typing(app.streams.stdin)
    with hidden:
        _open_repl(app, model, open_conversation, look).run()


def _open_repl(
    app: App, model: ModelClient, open_conversation: Callable[[], Conversation], look: Look
) -> Repl:
    from hiveloom_cli.terminal.repl import Repl

    agent = open_conversation().agent
    name = agent.name or agent.model
    host = model.upstream.base_url.host
    who = f"{name} ({agent.model} at {host})" if agent.name else f"{name} at {host}"
    app.streams.print_notice(f"{who}. /help shows the commands.")
    reader = _open_reader(app, name, look)
    return Repl(app.streams, reader, model, open_conversation, replace(look, summary=True))


def _open_reader(app: App, name: str, look: Look) -> MessageSource:
    if look.append_only:
        from hiveloom_cli.terminal.plain_reader import PlainReader
        from hiveloom_cli.terminal.screen_reader import USER_LABEL

        return PlainReader(app.streams, USER_LABEL)
    from hiveloom_cli.terminal.line_reader import LineReader
    from hiveloom_cli.terminal.slash import SLASH_COMMANDS, get_help

    return LineReader(
        history_path=app.paths.prompt_history,
        prompt=f"{name}> ",
        commands=[(word, get_help(command)) for word, command in SLASH_COMMANDS.items()],
    )
