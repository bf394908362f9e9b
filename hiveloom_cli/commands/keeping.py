"""What a chat and a server need to keep what is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.record import AnsweredBy
    from hiveloom_cli.chat.recorder import Recorder
    from hiveloom_cli.upstream.resolve import Upstream


def build_answered_by(agent: Agent, version: int, upstream: Upstream) -> AnsweredBy:
    """Build what is kept of who answers."""
    from hiveloom_cli.chat.record import AnsweredBy

    return AnsweredBy(
        agent.name,
        version,
        agent.model,
        upstream.protocol,
        str(replace(upstream.base_url, query="")),  # some services take keys there
        upstream.credential,
    )


def open_recorder(app: App, by: AnsweredBy) -> Recorder:
    """Open what keeps conversations that one answers; no file is touched yet."""
    from hiveloom_cli.chat.recorder import Recorder

    return Recorder(app.conversations, by, app.clock)
