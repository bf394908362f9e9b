"""What several commands show of an agent."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hiveloom_cli.terminal.visible import format_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.agent_file import Saved
    from hiveloom_cli.agents.store import AgentStore
    from hiveloom_cli.terminal.streams import Streams


def build_summary(agent: Agent) -> dict[str, Any]:
    """Build the object that `--json` prints of an agent."""
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
        "save": agent.save,
        **asdict(agent.limits),
        "context_window": agent.context_window,
        "compaction": asdict(agent.compaction) if agent.compaction else False,
    }


def build_place(store: AgentStore, name: str) -> dict[str, Any]:
    """Build what `--json` says of where an agent is kept."""
    scope = "project" if store.is_project else "own"
    return {"scope": scope, "path": str(store.build_path(name))}


def format_hidden(names: Sequence[str]) -> str:
    """Say that the project's agents of these names come before the person's own."""
    if len(names) == 1:
        return f"note: the project's agent {names[0]} hides your own of that name"
    return f"note: the project's agents {', '.join(names)} hide your own of these names"


def print_warnings(agent: Agent, streams: Streams) -> None:
    """Tell the person what is odd in the agent's file."""
    for warning in agent.warnings:
        streams.print_notice(f"warning: {warning}")


def print_saved(name: str, saved: Saved, store: AgentStore, streams: Streams) -> None:
    """Tell the person what has changed in an agent's file, or that nothing has."""
    if saved.is_new:
        summary = store.versions.get(name, saved.version).summary
        what = f"Changed {name}: {summary} (version {saved.version})"
    else:
        what = f"Nothing changed in {name} (version {saved.version})"
    streams.print_line(f"{format_one_line(what)}: {saved.path}")
