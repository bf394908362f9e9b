"""`/metrics` of a server that runs, read by Prometheus' own parser."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from hiveloom_cli import __version__
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.upstream import (
    json_reply,
    openai_chunk,
    openai_error,
    openai_reply,
    stream_reply,
)

if TYPE_CHECKING:
    from tests.support.upstream import ScriptedUpstream


def ask(
    server: Served, method: str, path: str, body: str = "", token: str = TOKEN
) -> tuple[int, str]:
    connection = HTTPConnection(server.origin.removeprefix("http://"), timeout=60)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, body.encode() or None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def chat(server: Served, agent: str) -> int:
    body = f'{{"model": "{agent}", "messages": [{{"role": "user", "content": "a private word"}}]}}'
    return ask(server, "POST", "/v1/chat/completions", body)[0]


def read_samples(server: Served) -> dict[tuple[str, frozenset[Any]], float]:
    status, text = ask(server, "GET", "/metrics")
    assert status == 200
    for word in (TOKEN, "private", "a%20word", "nobody"):
        assert word not in text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def get(samples: dict[tuple[str, frozenset[Any]], float], name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_requests_tokens_failures_and_refusals_are_counted(upstream: ScriptedUpstream) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    upstream.add(
        json_reply(openai_reply("hi", usage={"prompt_tokens": 7, "completion_tokens": 2})),
        json_reply(openai_error("no such key"), status=401),
    )
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        assert chat(server, "helper") == 200
        assert chat(server, "helper") == 502
        assert chat(server, "nobody") == 404
        assert ask(server, "GET", "/a%20word?q=private")[0] == 404
        assert ask(server, "GET", "/v1/models/helper")[0] == 200
        assert ask(server, "GET", "/v1/models", token="")[0] == 401
        assert ask(server, "GET", "/metrics", token="")[0] == 401
        assert ask(server, "GET", "/healthz", token="")[0] == 200
        samples = read_samples(server)
    requests = {
        (labels["route"], labels["status"], labels["agent"]): value
        for (name, pairs), value in samples.items()
        if name == "hiveloom_http_requests_total" and (labels := dict(pairs))
    }
    assert requests == {
        ("/v1/chat/completions", "2xx", "helper"): 1,
        ("/v1/chat/completions", "5xx", "helper"): 1,
        ("/v1/chat/completions", "4xx", ""): 1,
        ("other", "4xx", ""): 1,
        ("/v1/models/{agent}", "2xx", ""): 1,
        ("/v1/models", "4xx", ""): 1,
        ("/metrics", "4xx", ""): 1,
        ("/healthz", "2xx", ""): 1,
    }
    assert get(samples, "hiveloom_tokens_total", agent="helper", direction="input") == 7
    assert get(samples, "hiveloom_tokens_total", agent="helper", direction="output") == 2
    assert get(samples, "hiveloom_upstream_failures_total", code="upstream_refused") == 1
    assert get(samples, "hiveloom_http_requests_refused_total", code="token_missing") == 2
    duration = "hiveloom_http_request_duration_seconds_count"
    assert get(samples, duration, route="/v1/chat/completions") == 3
    assert [dict(pairs)["version"] for name, pairs in samples if name == "hiveloom_build_info"] == [
        __version__
    ]


def test_what_runs_is_shown_while_it_runs(upstream: ScriptedUpstream) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    gate = threading.Event()
    upstream.add(stream_reply([openai_chunk({"content": "a"}), gate]))
    body = '{"model": "helper", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
    with (
        serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(ask, server, "POST", "/v1/chat/completions", body)
        while not upstream.requests:
            assert not answer.done()
        assert get(read_samples(server), "hiveloom_http_requests_running") == 2
        gate.set()
        answer.result()
        assert get(read_samples(server), "hiveloom_http_requests_running") == 1
