"""`hiveloom chat`: interactive, or one question."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from hiveloom_cli.commands.chat_choice import choose
from hiveloom_cli.commands.chat_session import ChatSession
from hiveloom_cli.commands.connecting import take_allow_http, take_credential, take_model
from hiveloom_cli.commands.naming import complete_agents, complete_conversations
from hiveloom_cli.commands.patience import choose_patience, choose_timeouts, take_patience
from hiveloom_cli.errors import UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.recorder import Recorder
    from hiveloom_cli.upstream.resolve import Upstream

_SETTINGS = ("model", "system_prompt", "credential")
_PARAMETERS = ("temperature", "top_p", "max_tokens")


@click.command(name="chat")
@click.argument("agent", required=False, shell_complete=complete_agents)
@click.argument("message", required=False)
@take_model("Ask this model; an agent is not needed then.")
@click.option("--system-prompt", metavar="TEXT", help="Instead of the agent's.")
@take_credential("Instead of the agent's.")
@click.option("--temperature", type=click.FloatRange(0, 2), help="Instead of the agent's.")
@click.option("--top-p", type=click.FloatRange(0, 1), help="Instead of the agent's.")
@click.option("--max-tokens", type=click.IntRange(1), help="The longest answer, in tokens.")
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
@take_patience
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when it is whole.")
@click.pass_obj
def command(app: App, /, **options: Any) -> None:
    """Talk to an agent, or ask it one question.

    Without MESSAGE, on a terminal, the chat is interactive. What is piped in is appended to
    MESSAGE. With --model, --continue or --resume a single argument is the message, unless an agent
    has that name.

    \b
      hiveloom chat helper
      hiveloom chat helper "one question"
      git diff | hiveloom chat helper "review this"
      hiveloom chat --model gpt-4o-mini "a question without an agent"
      hiveloom chat -c "and why?"
    """
    choice = choose(app, options)
    agent = _override(choice.agent, options)
    message = _load_message(app, choice.word, needed=options["as_json"])
    app.timeouts, app.patience = choose_timeouts(options), choose_patience(options)
    upstream = app.decide_upstream(agent.model, agent.credential, allow_http=options["allow_http"])
    model = app.open_model(upstream)
    _print_notices(app, agent)

    is_saved = agent.save and not options["no_save"]
    recorder = _open_recorder(app, upstream, agent, choice.version) if is_saved else None
    chat = ChatSession(app, model, agent, recorder, stream=not options["no_stream"])
    if choice.kept is not None:
        chat.resume(choice.kept)
    if message:
        chat.answer_once(message, as_json=options["as_json"])
    else:
        chat.run()


def _override(agent: Agent, options: dict[str, Any]) -> Agent:
    parameters = {key: options[key] for key in _PARAMETERS if options[key] is not None}
    settings = {key: options[key] for key in _SETTINGS if options[key] is not None}
    return replace(agent, parameters=replace(agent.parameters, **parameters), **settings)


def _load_message(app: App, word: str | None, *, needed: bool) -> str:
    """Join the argument and what is piped in; "" where neither says anything, for a chat."""
    pieces = [word or ""]
    if not app.streams.stdin.isatty():
        pieces.append(app.streams.load_stdin())
        needed = True
    message = "\n\n".join(piece for piece in pieces if piece.strip())
    if not message and (needed or word is not None or not app.streams.is_interactive):
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


def _open_recorder(app: App, upstream: Upstream, agent: Agent, version: int) -> Recorder:
    from hiveloom_cli.chat.record import AnsweredBy
    from hiveloom_cli.chat.recorder import Recorder

    by = AnsweredBy(
        agent.name,
        version,
        agent.model,
        upstream.protocol,
        str(replace(upstream.base_url, query="")),  # some services take keys there
        upstream.credential,
    )
    return Recorder(app.conversations, by, app.clock)
