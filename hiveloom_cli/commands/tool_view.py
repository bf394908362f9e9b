"""What several commands need of tools' files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.errors import HiveloomError

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.app import App
    from hiveloom_cli.tools.tool import Tool, ToolCard
    from hiveloom_cli.tools.tool_folder import ToolFolder


def open_tools(app: App) -> ToolFolder:
    """Open the folder of tools' files."""
    from hiveloom_cli.tools.tool_folder import ToolFolder

    return ToolFolder(app.paths.tools)


def parse_tool(app: App, name: str, text: str, path: Path) -> Tool:
    """Make a tool of a file's text, all of which is checked. Raises `SettingsInvalid`."""
    from hiveloom_cli.tools.kinds import open_file_tool
    from hiveloom_cli.tools.tool_file import parse_tool_file

    return open_file_tool(parse_tool_file(name, text, path), app.outside)


def load_card(app: App, name: str) -> ToolCard | HiveloomError:
    """Read a tool's file; return what is known of the tool, or why it is none.

    Raises `ToolNotFound`.
    """
    from hiveloom_cli.errors import ToolNotFound
    from hiveloom_cli.tools.kinds import open_file_tool

    try:
        return open_file_tool(open_tools(app).load(name), app.outside).load_card()
    except ToolNotFound:
        raise
    except HiveloomError as error:
        return error


def build_row(app: App, name: str, card: ToolCard | HiveloomError) -> dict[str, Any]:
    """Build what `--json` says of a tool; `problem` is null for one that is valid."""
    path = str(open_tools(app).build_path(name))
    if isinstance(card, HiveloomError):
        nothing = {"kind": None, "approval": None, "description": None, "input": None}
        return {"name": name, **nothing, "path": path, "problem": card.message}
    return {
        "name": name,
        "kind": card.kind,
        "approval": card.approval.value,
        "description": card.definition.description,
        "input": dict(card.definition.input_schema),
        "path": path,
        "problem": None,
    }


def find_users(app: App, reference: str) -> list[str]:
    """Find the agents that name a tool, as far as they can be read."""
    from hiveloom_cli.agents.agent import Agent

    briefs = (brief for _, brief in app.load_briefs())
    return [one.name for one in briefs if isinstance(one, Agent) and reference in one.tools]


def build_hint(reference: str) -> str:
    """Build the command that lets an agent use a tool."""
    return f"hiveloom agent edit AGENT --add-tool {reference}"


def print_credential_note(app: App, name: str | None, url: str) -> None:
    """Note that the key which a tool needs is not stored, and how to store it for that URL."""
    if name is not None and name not in app.credentials.load_all():
        origin = "/".join(url.split("/")[:3])
        app.streams.print_notice(
            f"note: the key {name} is not stored: hiveloom credential set {name}"
            f" --base-url {origin}"
        )


def note_own_hand(app: App, name: str, approval: str | None, *, former: str = "") -> None:
    """Remember that a file is the person's own work, where it may run without asking.

    So it may if they said `--approval auto` now, or agreed to the text that it had before.
    """
    agreement = app.agreements.load(name)
    was_agreed = agreement is not None and agreement.is_always
    if was_agreed and agreement is not None:
        was_agreed = agreement.definition_text == former
    card = load_card(app, name)
    if not isinstance(card, HiveloomError) and (approval == "auto" or was_agreed):
        app.agreements.save(card, is_always=True)
