"""The tools of a chat's agents: opened with an agent, ended with the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.tool_calls import Tools
    from hiveloom_cli.chat.tool_plan import Permissions
    from hiveloom_cli.tools.toolbox import Toolbox

_MOST_ROUNDS = 10


def list_references(agent: Agent) -> tuple[str, ...]:
    """List the tools and the skills that an agent names, as tools are referred to."""
    return (*agent.tools, *(f"skill:{name}" for name in agent.skills))


def decide_most_rounds(agent: Agent) -> int:
    """Decide how often an agent's model gets results of tools before it has to answer."""
    return agent.max_tool_rounds or _MOST_ROUNDS


class ChatTools:
    """Opens the tools that agents name; `allowed` are those that the person lets run unasked."""

    def __init__(self, app: App, allowed: Sequence[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)
        self._permissions: Permissions | None = None  # one for the chat, whoever answers in it
        self._toolbox: Toolbox | None = None
        self._references: tuple[str, ...] = ()
        self._unchecked = self._allowed

    def open(self, agent: Agent) -> Tools | None:
        """Open an agent's tools, in the place of the former one's; None where it names none.

        What cannot be had is told in a line each.
        """
        references = list_references(agent)
        if self._toolbox is None or references != self._references:
            self._toolbox = self._open(references)
            self._references = references
        self._check_allowed(agent)
        if self._toolbox is None:
            return None
        from hiveloom_cli.chat.tool_calls import Tools
        from hiveloom_cli.chat.tool_plan import Permissions

        if self._permissions is None:
            self._permissions = Permissions(self._app.agreements, self._allowed)
        return Tools(self._toolbox, self._permissions, decide_most_rounds(agent))

    def _open(self, references: Sequence[str]) -> Toolbox | None:
        self.close()
        if not references:
            return None
        from hiveloom_cli.tools.toolbox import open_toolbox

        toolbox = open_toolbox(references, self._app.outside)
        for problem in toolbox.problems:
            hint = f"; {problem.hint}" if problem.hint else ""
            self._app.streams.print_notice(f"warning: {problem.message}{hint}")
        return toolbox

    def _check_allowed(self, agent: Agent) -> None:
        """Tell once, of the agent that the chat begins with, which allowed tools it lacks."""
        lacking, self._unchecked = sorted(self._unchecked), frozenset()
        if not lacking:
            return
        cards = self._toolbox.cards if self._toolbox is not None else ()
        known = {*self._references, *(card.reference for card in cards)}
        _print_lacking(self._app, lacking, known, f"{agent.name or 'this chat'} has no such tool")

    def close(self) -> None:
        """End what was started."""
        if self._toolbox is not None:
            self._toolbox.close()
            self._toolbox = None


def print_lacking(app: App, allowed: Collection[str], agents: Iterable[Agent], lack: str) -> None:
    """Tell which allowed tools none of the agents has, as far as the agents' files say so.

    `lack` is the sentence for that.
    """
    known = {reference for agent in agents for reference in list_references(agent)}
    offered = {name for name in allowed if name.partition("/")[0] in known}  # by a server, perhaps
    _print_lacking(app, allowed, known | offered, lack)


def _print_lacking(app: App, allowed: Iterable[str], known: Collection[str], lack: str) -> None:
    from difflib import get_close_matches

    meant = {*known, *(reference.partition("/")[0] for reference in known)}
    for name in sorted(set(allowed) - meant):
        close = get_close_matches(name, sorted(meant), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        app.streams.print_notice(f"note: --allow-tool {name}: {lack}{hint}")
