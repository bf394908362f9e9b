"""Loading an agent that is about to be used: one that a project brings has to be trusted first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import Untrusted

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent_file import AgentFile
    from hiveloom_cli.app import App


def load_trusted(app: App, name: str) -> AgentFile:
    """Read an agent that is about to be used; the person is asked if it has to be trusted first.

    What they are shown is what is returned: the file is not read again. Raises what
    `AgentLibrary.load` does, and `Untrusted` where they say no or nobody is there to ask.
    """
    file = app.agents.load(name)
    if not file.is_project or app.trust.load_trust(file).is_enough:
        return file
    if not app.streams.can_ask:
        raise build_untrusted(app, file)
    if not ask_trust(app, file):
        raise Untrusted(
            f"{name} is not trusted, and was not used", hint=f"hiveloom agent show {name}"
        )
    return file


def ask_trust(app: App, file: AgentFile) -> bool:
    """Show the person what a project's agent would get, ask, and remember a yes."""
    from hiveloom_cli.commands.trust_view import print_request
    from hiveloom_cli.terminal.question import ask_yes

    print_request(app, file)
    is_trusted = ask_yes(f"Trust {file.agent.name}?", app.streams)
    if is_trusted:
        app.trust.add(file.path, file.digest)
    return is_trusted


def build_untrusted(app: App, file: AgentFile) -> Untrusted:
    """Build the error for an agent that has to be trusted where nobody is there to ask."""
    from hiveloom_cli.agents.trust import Trust

    name = file.agent.name
    is_changed = app.trust.load_trust(file) is Trust.CHANGED
    problem = "has changed since you trusted it" if is_changed else "is not trusted yet"
    return Untrusted(
        f"{name} comes with this folder and {problem}: {file.path}", hint=f"hiveloom trust {name}"
    )


def print_trust_note(app: App, name: str) -> None:
    """Note that a project's agent, which the person has just changed, has to be trusted again."""
    file = app.agents.load(name)
    if file.is_project and not app.trust.load_trust(file).is_enough:
        app.streams.print_notice(f"note: before its next use, trust it: hiveloom trust {name}")
