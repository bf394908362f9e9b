"""What several commands show of an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
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
    }


def print_warnings(agent: Agent, streams: Streams) -> None:
    """Tell the person what is odd in the agent's file."""
    for warning in agent.warnings:
        streams.print_notice(f"warning: {warning}")
