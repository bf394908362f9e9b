"""What is counted: the cost of a turn however it ends, and nothing under a name from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from hiveloom_cli.chat.event import ToolStarted, TurnEnded
from hiveloom_cli.errors import UpstreamRefused, UsageMistake
from hiveloom_cli.protocols.event import FinishReason, TextDelta, Usage, UsageReported
from hiveloom_cli.protocols.message import ToolCall, build_user_message
from hiveloom_cli.serve.door.access_log import AccessEntry
from hiveloom_cli.serve.metrics import MeteredLog, Metrics
from tests.support.serving import build_request, running, send

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hiveloom_cli.chat.event import Event

MESSAGE = build_user_message("x")
CALL = ToolCall("1", "look", "{}")


class Kept:
    """A `Recorder` that keeps what it is given."""

    def __init__(self) -> None:
        self.entries: list[AccessEntry] = []

    def write(self, entry: AccessEntry) -> None:
        self.entries.append(entry)


def read_samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Read the numbers as Prometheus does, over HTTP; labels in the order of their names."""
    with running(Starlette(routes=[metrics.build_route()])) as port:
        answer = send(port, build_request("GET", "/metrics", port=port))
    assert answer.get("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def tell(*events: Event, error: Exception | None = None) -> Generator[Event]:
    yield from events
    if error is not None:
        raise error


def end(usage: Usage | None) -> TurnEnded:
    return TurnEnded(MESSAGE, FinishReason.STOP, usage)


@pytest.mark.parametrize(
    ("events", "tokens"),
    [
        ([UsageReported(Usage(9, 1)), UsageReported(Usage(9, 2)), end(Usage(9, 2))], (9, 2)),
        ([UsageReported(Usage(9, 1)), ToolStarted(CALL), end(Usage(30, 4))], (30, 4)),
        ([UsageReported(Usage(9, 1)), ToolStarted(CALL), ToolStarted(CALL)], (9, 1)),
        ([UsageReported(Usage(9, 1)), ToolStarted(CALL), UsageReported(Usage(20, 3))], (29, 4)),
        ([end(Usage(None, 5))], (0, 5)),
    ],
)
@pytest.mark.parametrize("leave", [False, True])
def test_a_turn_costs_what_was_reported_by_its_end(
    events: list[Event], tokens: tuple[int, int], *, leave: bool
) -> None:
    metrics = Metrics()
    stream = metrics.measure("helper", tell(*events, TextDelta("more")))
    assert [next(stream) for _ in events] == events
    if leave:
        stream.close()  # as when the client has gone
    else:
        assert list(stream) == [TextDelta("more")]
    samples = read_samples(metrics)
    counted = [samples["hiveloom_tokens_total", "helper", way] for way in ("input", "output")]
    assert counted == [*tokens]


def test_a_failing_upstream_is_counted_by_code_and_the_turn_still_fails() -> None:
    metrics = Metrics()
    busy = UpstreamRefused("too many", status=429)
    turns: list[tuple[Exception, str]] = [(busy, "too many"), (UsageMistake("no"), "no")]
    for error, words in turns:
        with pytest.raises(type(error), match=words):
            list(metrics.measure("helper", tell(UsageReported(Usage(3, 0)), error=error)))
    samples = read_samples(metrics)
    failures = {key: n for key, n in samples.items() if key[0].endswith("failures_total")}
    assert failures == {("hiveloom_upstream_failures_total", "rate_limit_exceeded"): 1}
    assert samples["hiveloom_tokens_total", "helper", "input"] == 6


def build_entry(path: str, **fields: object) -> AccessEntry:
    entry = AccessEntry("2026-01-02T03:04:05.000Z", "id", "GET", path, "127.0.0.1")
    for name, value in fields.items():
        setattr(entry, name, value)
    return entry


@pytest.fixture
def count() -> Callable[..., dict[tuple[str, ...], float]]:
    """Give what counts entries, and returns the samples of requests that are not zero."""

    def count(*entries: AccessEntry) -> dict[tuple[str, ...], float]:
        metrics = Metrics()
        metrics.note_agent("helper")
        kept = Kept()
        log = MeteredLog(kept, metrics, [metrics.build_route()])
        for entry in entries:
            log.write(entry)
        assert kept.entries == [*entries]
        samples = read_samples(metrics)
        return {key[1:]: n for key, n in samples.items() if key[0].endswith("requests_total")}

    return count


def test_a_name_from_outside_becomes_no_label(
    count: Callable[..., dict[tuple[str, ...], float]],
) -> None:
    strange = [build_entry(f"/x/{n}", status=404, agent=f"guess-{n}") for n in range(50)]
    assert count(*strange) == {("", "other", "4xx"): 50}


def test_a_request_is_counted_by_route_status_and_agent(
    count: Callable[..., dict[tuple[str, ...], float]],
) -> None:
    entries = [
        build_entry("/metrics", status=200),
        build_entry("/metrics", status=204, agent="helper"),
        build_entry("/metrics/x", status=503, refused="tokens_unreadable"),
        build_entry("/metrics"),
    ]
    assert count(*entries) == {
        ("", "/metrics", "2xx"): 1,
        ("helper", "/metrics", "2xx"): 1,
        ("", "other", "5xx"): 1,
        ("", "/metrics", "none"): 1,
    }
