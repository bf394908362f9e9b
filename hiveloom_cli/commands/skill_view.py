"""What several commands show of a skill."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.skill import Skill


def find_users(app: App) -> Mapping[str, list[str]]:
    """Find which agents name which skill."""
    from hiveloom_cli.agents.agent import Agent

    users: dict[str, list[str]] = {}
    for _, agent in app.load_briefs():
        if isinstance(agent, Agent):
            for name in dict.fromkeys(agent.skills):
                users.setdefault(name, []).append(agent.name)
    return users


def build_hint(name: str) -> str:
    """Build the command that lets an agent use a skill."""
    return f"hiveloom agent edit AGENT --add-skill {name}"


def list_settings(skill: Skill) -> Iterator[tuple[str, str]]:
    """Yield what a skill says of itself: a label and a foreign text each."""
    yield "name", skill.name
    yield "description", skill.description
    if skill.license:
        yield "license", skill.license
    if skill.compatibility:
        yield "needs", skill.compatibility
    if skill.allowed_tools:
        yield "allowed-tools", f"not obeyed, you decide: {skill.allowed_tools}"
    for key, value in skill.metadata:
        yield "metadata", f"{key}: {value}"


def format_size(size: int) -> str:
    """Give a number of bytes as people read it."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:,.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"
