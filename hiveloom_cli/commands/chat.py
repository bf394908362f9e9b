"""`hiveloom chat`: interactive, or one question."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.answer_schema import check_question, load_schema, take_schema
from hiveloom_cli.commands.appearance import choose_look, take_look
from hiveloom_cli.commands.attaching import STDIN, load_attachments, take_attachments
from hiveloom_cli.commands.chat_choice import choose
from hiveloom_cli.commands.chat_session import ChatSession
from hiveloom_cli.commands.chat_tools import ChatTools
from hiveloom_cli.commands.chat_world import ChatWorld
from hiveloom_cli.commands.connecting import take_allow_http, take_credential, take_model
from hiveloom_cli.commands.naming import (
    complete_agents,
    complete_conversations,
    complete_references,
)
from hiveloom_cli.commands.numbers import TEMPERATURE, TOKENS, TOP_P
from hiveloom_cli.commands.patience import choose_patience, choose_timeouts, take_patience
from hiveloom_cli.commands.spending import override_limits, take_limits
from hiveloom_cli.errors import UsageMistake
from hiveloom_cli.protocols.message import build_user_message

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.commands.chat_choice import Choice

_SETTINGS = ("model", "system_prompt", "credential")
_PARAMETERS = ("temperature", "top_p", "max_tokens")


@click.command(name="chat")
@click.argument("agent", required=False, shell_complete=complete_agents)
@click.argument("message", required=False)
@take_attachments
@take_schema
@take_model("Ask this model; an agent is not needed then.")
@click.option("--system-prompt", metavar="TEXT", help="Instead of the agent's.")
@take_credential("Instead of the agent's.")
@click.option("--temperature", type=TEMPERATURE, help="Instead of the agent's.")
@click.option("--top-p", type=TOP_P, help="Instead of the agent's.")
@click.option("--max-tokens", type=TOKENS, help="The longest answer, in tokens.")
@take_limits
@take_allow_http
@click.option("--no-stream", is_flag=True, help="Ask for the answer in one piece.")
@click.option(
    "-c",
    "--continue",
    "continue_",
    is_flag=True,
    help="Go on with the last conversation: with AGENT, or the last one at all.",
)
@click.option(
    "--resume",
    metavar="ID",
    help="Go on with this conversation; the beginning of its id is enough.",
    shell_complete=complete_conversations,
)
@click.option("--no-save", is_flag=True, help="Keep nothing of what is said.")
@click.option(
    "--no-compaction",
    is_flag=True,
    help="Send all that was said, however long; summarise nothing to make room.",
)
@click.option(
    "--allow-tool",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_references,
    help="Let this tool run without asking; mcp:SERVER for all of a server's. Can be repeated.",
)
@take_patience
@take_look
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when it is whole.")
@click.pass_obj
def command(app: App, /, **options: Any) -> None:
    """Talk to an agent, or ask it one question.

    Without MESSAGE, on a terminal, the chat is interactive. What is piped in is appended to
    MESSAGE. What is attached can stand alone, for an agent that knows what to do with it. With
    --model, --continue or --resume a single argument is the message, unless an agent has that name.

    \b
      hiveloom chat helper
      hiveloom chat helper "one question"
      git diff | hiveloom chat helper "review this"
      hiveloom chat helper "what is this?" -a photo.jpg -a report.pdf
      hiveloom chat --model gpt-4o-mini "a question without an agent"
      hiveloom chat -c "and why?"
    """
    choice = _override(choose(app, options), options)
    agent = choice.agent
    schema = load_schema(options["schema"])
    text = _load_text(app, choice.word, options)
    check_question(schema, has_question=bool(text or options["attach"]))
    app.timeouts, app.patience = choose_timeouts(options), choose_patience(options)
    upstream = app.decide_upstream(agent.model, agent.credential, allow_http=options["allow_http"])
    attached = load_attachments(app, options["attach"])
    _print_notices(app, agent)

    message = build_user_message(text, attached) if text or attached else None
    with closing(ChatTools(app, options["allow_tool"])) as tools:
        world = _open_world(app, tools, options)
        session = ChatSession(app, world, upstream, choice, look=choose_look(app, options))
        if message is None:
            session.run()
        else:
            session.answer_once(message, schema, as_json=options["as_json"])


def _open_world(app: App, tools: ChatTools, options: dict[str, Any]) -> ChatWorld:
    return ChatWorld(
        app,
        stream=not options["no_stream"],
        allow_http=options["allow_http"],
        may_keep=not options["no_save"],
        limit=partial(override_limits, options=options),
        tools=tools,
    )


def _override(choice: Choice, options: dict[str, Any]) -> Choice:
    agent = choice.agent
    parameters = {key: options[key] for key in _PARAMETERS if options[key] is not None}
    settings: dict[str, Any] = {key: options[key] for key in _SETTINGS if options[key] is not None}
    if options["no_compaction"]:
        settings["compaction"] = None
    changed = replace(agent, parameters=replace(agent.parameters, **parameters), **settings)
    return replace(choice, agent=override_limits(changed, options))


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
