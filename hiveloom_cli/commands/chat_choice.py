"""Who answers in a chat, and what goes on in it: the agent, a kept conversation, the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiveloom_cli.commands.trusting import load_trusted
from hiveloom_cli.errors import AgentNotFound, UsageMistake

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.record import KeptConversation


@dataclass(frozen=True, slots=True)
class Choice:
    """What a command line says: who answers (`version` 0 for none), to what, in which chat."""

    agent: Agent
    version: int
    word: str | None
    kept: KeptConversation | None


def choose(app: App, options: dict[str, Any]) -> Choice:
    """Read the command line. Raises `UsageMistake`, `NotFound` and what reading them raises."""
    if options["continue_"] and options["resume"] is not None:
        raise UsageMistake("either the last conversation, or one of that id", hint="leave one out")
    name, word = _choose_words(app, options)
    kept = _load_kept(app, name, options)
    agent, version = _choose_agent(app, name, options["model"], kept)
    return Choice(agent, version, word, kept)


def _choose_words(app: App, options: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the agent's name and the message, as far as they were given."""
    name, message = options["agent"], options["message"]
    needs_no_agent = options["model"] or options["continue_"] or options["resume"] is not None
    if needs_no_agent and message is None and not _is_agent(app, name, options):
        # A single argument is the message then, unless an agent has that name.
        return None, name
    return name, message


def _is_agent(app: App, name: str | None, options: dict[str, Any]) -> bool:
    """Whether an agent has that name, or had it when a conversation was kept."""
    from hiveloom_cli.chat.record import Filter

    if name is None or name in app.agents.load_names():
        return True
    return bool(options["continue_"] and app.conversations.count(Filter(agent=name)))


def _load_kept(app: App, name: str | None, options: dict[str, Any]) -> KeptConversation | None:
    conversations = app.conversations
    if options["resume"] is not None:
        return conversations.load_to_go_on(conversations.find(options["resume"]))
    if options["continue_"]:
        return conversations.load_to_go_on(conversations.find_last(name))
    return None


def _choose_agent(
    app: App, name: str | None, model: str | None, kept: KeptConversation | None
) -> tuple[Agent, int]:
    from hiveloom_cli.agents.agent import Agent

    if kept is not None and name in (None, kept.agent.name):
        return choose_kept_agent(app, kept)
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


def choose_kept_agent(app: App, kept: KeptConversation) -> tuple[Agent, int]:
    """Choose the conversation's own agent: as it is today or, if it is gone, as it was then."""
    from hiveloom_cli.chat.resume import find_version

    name = kept.agent.name
    if not name:
        return kept.agent, 0
    try:
        file = load_trusted(app, name)
    except AgentNotFound:
        app.streams.print_notice(f"note: there is no agent {name}; its settings of then answer")
        return kept.agent, 0
    before = find_version(kept, name)
    if before and file.version and before != file.version:
        app.streams.print_notice(
            f"note: {name} is at version {file.version}; version {before} answered last"
        )
    return file.agent, file.version
