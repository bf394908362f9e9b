"""A word about an agent whose key is not stored yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App


def print_key_note(app: App, agent: Agent) -> None:
    """Note that the key an agent would be asked with is missing; no keyring is touched."""
    from hiveloom_cli.commands.upstream_view import load_upstream_view

    view = load_upstream_view(app, agent)
    if view.key.state == "missing":
        app.streams.print_notice(f"note: the key {view.credential} is {view.key.text}")
