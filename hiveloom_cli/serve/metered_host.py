"""A host whose turns are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiveloom_cli.errors import CredentialError, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.serve.asked import AgentBrief, Asked, ConversationBrief, Host, OpenTurn
    from hiveloom_cli.serve.metrics import Metrics


class MeteredHost:
    """A `Host` in front of another."""

    def __init__(self, host: Host, metrics: Metrics) -> None:
        self._host = host
        self._metrics = metrics

    @property
    def keeps(self) -> bool:
        """See `Host`."""
        return self._host.keeps

    def load_agents(self) -> Sequence[AgentBrief]:
        """See `Host`."""
        return self._host.load_agents()

    def load_conversations(self, agent: str, limit: int) -> Sequence[ConversationBrief]:
        """See `Host`."""
        return self._host.load_conversations(agent, limit)

    def estimate_tokens(self, asked: Asked) -> int:
        """See `Host`."""
        return self._host.estimate_tokens(asked)

    def open_turn(self, asked: Asked) -> MeteredTurn:
        """See `Host`."""
        try:
            turn = self._host.open_turn(asked)
        except (CredentialError, UpstreamError) as error:  # of an agent that could be read
            self._metrics.note_agent(asked.agent)
            if isinstance(error, UpstreamError):
                self._metrics.count_failure(error)
            raise
        self._metrics.note_agent(asked.agent)
        return MeteredTurn(turn, self._metrics.measure(asked.agent, turn.events))


class MeteredTurn:
    """An `OpenTurn` in front of another."""

    def __init__(self, turn: OpenTurn, events: Generator[Event]) -> None:
        self.events = events
        self._turn = turn

    def cut(self) -> None:
        """See `OpenTurn`."""
        self._turn.cut()

    def close(self) -> None:
        """See `OpenTurn`."""
        self._turn.close()
