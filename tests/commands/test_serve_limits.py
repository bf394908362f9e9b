"""What bounds a server, as options of a real process."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.upstream import openai_chunk, openai_stream, stream_reply

if TYPE_CHECKING:
    from tests.support.upstream import ScriptedUpstream


@pytest.fixture(autouse=True)
def helper() -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")


def ask(server: Served, text: str = "hi", *, streamed: bool = False) -> requests.Response:
    said = [{"role": "user", "content": text}]
    return requests.post(
        f"{server.openai_base_url}/chat/completions",
        headers={"Authorization": f"Bearer {TOKEN}"},
        json={"model": "helper", "messages": said, "stream": streamed},
        stream=streamed,
        timeout=60,
    )


def start(upstream: ScriptedUpstream, *options: str) -> Any:
    return serve(*options, HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url)


def test_no_more_answers_run_than_were_allowed(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([gate, *openai_stream("One.")]), stream_reply(openai_stream("Two.")))
    with start(upstream, "--max-running", "1") as server, ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, server)
        upstream.wait_for_requests()
        refused = ask(server)
        gate.set()
        assert first.result().status_code == 200
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
        assert ask(server).json()["choices"][0]["message"]["content"] == "Two."


def test_a_larger_body_than_was_allowed_is_refused(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream("Well.")))
    with start(upstream, "--max-body", "0.01") as server:
        assert ask(server, "a" * 9_000).status_code == 200
        refused = ask(server, "a" * 11_000)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("streamed", [True, False])
def test_an_answer_that_goes_on_longer_than_the_grace_is_broken_off(
    upstream: ScriptedUpstream, *, streamed: bool
) -> None:
    gate = threading.Event()
    begun, *rest = openai_stream("Well, never.")
    upstream.add(stream_reply([begun, openai_chunk({"content": "Well,"}), gate, *rest]))
    with start(upstream, "--grace", "0") as server, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask, server, streamed=streamed)
        upstream.wait_for_requests()
        if streamed:
            reply = asking.result()
        server.process.terminate()
        assert server.process.wait(60) == 143
        assert "Traceback" not in server.process.stderr.read()
        if streamed:
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                assert reply.content
        else:
            told = asking.result()
            assert (told.status_code, told.json()["error"]["code"]) == (503, "shutting_down")
        gate.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_an_answer_end(number: int, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    begun, *rest = openai_stream("Well, yes.")
    upstream.add(stream_reply([begun, gate, *rest]))
    with start(upstream) as server, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask, server)
        upstream.wait_for_requests()
        server.process.send_signal(number)
        assert server.process.stderr.readline().startswith("Stopping once all answers are given")
        gate.set()
        assert asking.result().json()["choices"][0]["message"]["content"] == "Well, yes."
        assert server.process.wait(60) == 128 + number


def test_ctrl_c_waits_for_answers_and_says_so_and_a_second_one_breaks_them_off(
    upstream: ScriptedUpstream,
) -> None:
    gate = threading.Event()
    begun, *rest = openai_stream("Well, never.")
    upstream.add(stream_reply([begun, openai_chunk({"content": "Well,"}), gate, *rest]))
    with start(upstream) as server:
        reply = ask(server, streamed=True)
        upstream.wait_for_requests()
        server.process.send_signal(signal.SIGINT)
        assert server.process.stderr.readline() == (
            "Stopping once all answers are given, in 30 s at most; Ctrl-C breaks them off\n"
        )
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 130
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            assert reply.content
        log, stopped = server.process.stderr.read().splitlines()
        assert '"complete": false' in log
        assert stopped == "Stopped."
        gate.set()


def test_ctrl_c_ends_a_server_that_nobody_asks_without_an_error(upstream: ScriptedUpstream) -> None:
    with start(upstream) as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 130
        assert server.process.stderr.read() == "Stopped.\n"


def test_a_server_waits_for_its_upstream_as_long_as_it_was_told(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.add(stream_reply([gate, *openai_stream("Never.")]))
    options = ("--timeout", "0.1", "--first-byte-timeout", "0.1", "--max-tries", "1")
    with start(upstream, *options) as server:
        failed = ask(server)
        gate.set()
    assert (failed.status_code, failed.json()["error"]["code"]) == (504, "upstream_timed_out")


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--max-running", "0", "a whole number from 1 to 100000"),
        ("--max-body", "0", "a number above 0, 1024 at most"),
        ("--grace", "-1", "a whole number from 0 to 3600"),
        ("--port", "65536", "a whole number from 0 to 65535"),
    ],
)
def test_a_number_that_cannot_be_is_refused(option: str, value: str, expected: str) -> None:
    done = run_hiveloom("serve", option, value)
    assert done.exit_code == 2
    assert f"{option}: expected {expected}" in done.stderr


def test_the_help_names_limits_in_words() -> None:
    told = run_hiveloom("serve", "--help").stdout
    assert "<=" not in told
    assert "0 to 65535" in told
