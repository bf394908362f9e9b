"""What the server counts, in Prometheus' text format 0.0.4.

A label has few values: routes by their pattern, agents that exist, codes of ours. Nothing that was
said, asked for or shown is among them.
"""

from __future__ import annotations

import platform
from contextlib import closing
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from starlette.responses import Response
from starlette.routing import Mount, Route

from hiveloom_cli import __version__
from hiveloom_cli.chat.event import ToolStarted, TurnEnded
from hiveloom_cli.errors import UpstreamError
from hiveloom_cli.protocols.event import Usage, UsageReported, add_usage
from hiveloom_cli.serve.formats.failure import find_status

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.serve.door.access_log import AccessEntry, Recorder

PATH = "/metrics"
_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ELSEWHERE = "other"  # no route of ours
_BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """The numbers of one server, from its start."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._agents: set[str] = set()
        self._requests = Counter(
            "hiveloom_http_requests",
            "Requests answered, by route, class of the status, and agent.",
            ["route", "status", "agent"],
            registry=registry,
        )
        self._duration = Histogram(
            "hiveloom_http_request_duration_seconds",
            "From a request's head to the end of its answer.",
            ["route"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._running = Gauge(
            "hiveloom_http_requests_running",
            "Requests being answered, this one among them.",
            registry=registry,
        )
        self._refused = Counter(
            "hiveloom_http_requests_refused",
            "Requests that were refused before anyone looked at what they ask.",
            ["code"],
            registry=registry,
        )
        self._tokens = Counter(
            "hiveloom_tokens",
            "Tokens of models, as the upstreams count them.",
            ["agent", "direction"],
            registry=registry,
        )
        self._failures = Counter(
            "hiveloom_upstream_failures",
            "Turns that failed at an upstream.",
            ["code"],
            registry=registry,
        )
        _tell_build(registry)

    def build_route(self) -> Route:
        """Build the route that shows the numbers."""
        return Route(PATH, self._show)

    async def _show(self, _request: Request) -> Response:
        return Response(generate_latest(self._registry), headers={"content-type": _TYPE})

    def watch_running(self, count: Callable[[], int]) -> None:
        """Have `count` say how many requests are being answered."""
        self._running.set_function(count)

    def note_agent(self, name: str) -> None:
        """Take note that an agent exists; only such names become labels."""
        self._agents.add(name)

    def count_request(self, entry: AccessEntry, route: str) -> None:
        """Count a request that is over."""
        status = "none" if entry.status is None else f"{entry.status // 100}xx"
        agent = entry.agent if entry.agent in self._agents else ""
        self._requests.labels(route, status, agent).inc()
        self._duration.labels(route).observe(entry.duration_ms / 1000)
        if entry.refused is not None:
            self._refused.labels(entry.refused).inc()

    def count_failure(self, error: UpstreamError) -> None:
        """Count an upstream's failure, by the code that clients are told."""
        self._failures.labels(find_status(error)[1]).inc()

    def measure(self, agent: str, events: Generator[Event]) -> Generator[Event]:
        """Yield a turn's events, and count what it costs however it ends."""
        spent: Usage | None = None
        reported: Usage | None = None
        with closing(events):
            try:
                for event in events:
                    match event:
                        case UsageReported(usage):
                            reported = usage
                        case ToolStarted():  # that reply is over
                            spent, reported = add_usage(spent, reported), None
                        case TurnEnded(usage=usage):
                            spent, reported = usage, None
                    yield event
            except UpstreamError as error:
                self.count_failure(error)
                raise
            finally:
                self._count_tokens(agent, add_usage(spent, reported))

    def _count_tokens(self, agent: str, usage: Usage | None) -> None:
        if usage is not None:
            self._tokens.labels(agent, "input").inc(usage.input_tokens or 0)
            self._tokens.labels(agent, "output").inc(usage.output_tokens or 0)


def _tell_build(registry: CollectorRegistry) -> None:
    build = Info("hiveloom_build", "What runs here.", registry=registry)
    build.info({"version": __version__, "python_version": platform.python_version()})
    ProcessCollector(registry=registry)


class MeteredLog:
    """A `Recorder` that counts requests, by the routes that there are, and passes them on."""

    def __init__(self, log: Recorder, metrics: Metrics, routes: Sequence[BaseRoute]) -> None:
        self._log = log
        self._metrics = metrics
        self._routes = [route for route in routes if isinstance(route, Route | Mount)]

    def write(self, entry: AccessEntry) -> None:
        """See `Recorder`."""
        self._metrics.count_request(entry, self._find_route(entry.path))
        self._log.write(entry)

    def _find_route(self, path: str) -> str:
        found = (route.path for route in self._routes if route.path_regex.match(path))
        return next(found, "") or _ELSEWHERE
