"""What an agent can use, as several commands need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hiveloom_cli.errors import ToolNotFound

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.agents.agent_file import Saved
    from hiveloom_cli.agents.editing import Changes
    from hiveloom_cli.app import App

ListName: TypeAlias = Literal["tools", "skills"]


def find_list(agent: Agent, name: str) -> ListName:
    """Say in which of an agent's lists a name is. Raises `ToolNotFound`."""
    if name in agent.tools:
        return "tools"
    if name in agent.skills:
        return "skills"
    raise ToolNotFound(
        f"{agent.name} has no capability named {name}",
        hint=f"hiveloom capability list {agent.name}",
    )


def save_changes(app: App, agent: str, changes: Changes) -> Saved:
    """Change an agent's file as told; what it held is kept as a version. Raises `HiveloomError`."""
    from hiveloom_cli.agents.editing import edit_settings
    from hiveloom_cli.files import decode_text

    store = app.agents.get_store(agent)
    path = store.build_path(agent)
    return store.edit(
        agent, lambda content: edit_settings(decode_text(content, path), path, changes)
    )


def print_agent_saved(app: App, agent: str, saved: Saved) -> None:
    """Tell the person what has changed in an agent's file."""
    from hiveloom_cli.commands.agent_view import print_saved
    from hiveloom_cli.commands.trusting import print_trust_note

    print_saved(agent, saved, app.agents.get_store(agent), app.streams)
    print_trust_note(app, agent)


def find_others(app: App, agent: str, key: ListName, name: str) -> list[str]:
    """Find the other agents that name a tool or a skill, as far as they can be read."""
    from hiveloom_cli.agents.agent import Agent

    briefs = [brief for _, brief in app.load_briefs() if isinstance(brief, Agent)]
    return [one.name for one in briefs if one.name != agent and name in getattr(one, key)]


def build_row(app: App, key: ListName, name: str) -> dict[str, Any]:
    """Build what `--json` says of one; `problem` is null where nothing is wrong with it.

    No server is started: of what it offers, nothing is known but the name.
    """
    from hiveloom_cli.commands import capability_skill, tool_view

    if key == "skills":
        return capability_skill.build_row(app, name)
    if ":" in name:
        return {**_NOTHING, "name": name, "kind": name.partition(":")[0]}
    try:
        row = tool_view.build_row(app, name, tool_view.load_card(app, name))
    except ToolNotFound as error:
        return {**_NOTHING, "name": name, "problem": error.message}
    return {key: row[key] for key in _NOTHING}


_NOTHING = dict.fromkeys(("name", "kind", "approval", "description", "path", "problem"))
