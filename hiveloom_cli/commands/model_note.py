"""A word about a model's name that its upstream did not offer, and nearly did."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App

_CLOSE = 0.75


def print_model_note(app: App, agent: Agent) -> None:
    """Note the name that was probably meant, of those that were last offered; nobody is asked."""
    from difflib import get_close_matches

    from hiveloom_cli.protocols.table import decide_protocol

    credential = agent.credential or decide_protocol(agent.model)
    offered = app.model_cache.load_ids((credential,))
    if agent.model in offered:
        return
    close = get_close_matches(agent.model, offered, n=1, cutoff=_CLOSE)
    if close:
        app.streams.print_notice(
            f"note: {credential} did not offer {agent.model} when it was last asked;"
            f" did you mean {close[0]}?"
        )
