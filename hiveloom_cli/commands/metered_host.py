"""A server's host whose turns are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiveloom_cli.commands.serve_host import ServeHost
from hiveloom_cli.errors import CredentialError, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Generator

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.serve.asked import Asked, OpenTurn
    from hiveloom_cli.serve.metrics import Metrics


class MeteredHost(ServeHost):
    """A `serve.asked.Host`; the arguments are those of `ServeHost`, but for `metrics`."""

    def __init__(self, metrics: Metrics, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._metrics = metrics

    def open_turn(self, asked: Asked) -> MeteredTurn:  # type: ignore[override]  # as good a turn
        """See `Host`."""
        try:
            turn = super().open_turn(asked)
        except (CredentialError, UpstreamError) as error:  # of an agent that could be read
            self._metrics.note_agent(asked.agent)
            if isinstance(error, UpstreamError):
                self._metrics.count_failure(error)
            raise
        self._metrics.note_agent(asked.agent)
        return MeteredTurn(turn, self._metrics.measure(asked.agent, turn.events))


class MeteredTurn:
    """A `serve.asked.OpenTurn` around another, whose events are counted."""

    def __init__(self, turn: OpenTurn, events: Generator[Event]) -> None:
        self.events = events
        self._turn = turn

    def cut(self) -> None:
        """See `OpenTurn`."""
        self._turn.cut()

    def close(self) -> None:
        """See `OpenTurn`."""
        self._turn.close()
