"""Why an agent could not be asked, told to whoever runs the server and not to its clients."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import requests

from tests.support.served import TOKEN, Served, serve
from tests.support.upstream import (
    Reply,
    ScriptedUpstream,
    json_reply,
    openai_chunk,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from pathlib import Path

NO_KEY = {"HIVELOOM_OPENAI_BASE_URL": "https://nowhere.example.com/v1"}


def write_agent(home: Path, more: str = "") -> None:
    (home / "agents").mkdir(exist_ok=True)
    (home / "agents/helper.md").write_text(f"---\nmodel: m\n{more}---\nHelp.\n")


def ask(server: Served, *, stream: bool = False, **more: Any) -> requests.Response:
    said = [{"role": "user", "content": "hi"}]
    return requests.post(
        f"{server.openai_base_url}/chat/completions",
        headers={"Authorization": f"Bearer {TOKEN}"},
        json={"model": "helper", "messages": said, "stream": stream, **more},
        stream=stream,
        timeout=60,
    )


def load_metrics(server: Served) -> str:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.get(f"{server.origin}/metrics", headers=headers, timeout=60).text


def refuse(status: int, message: str) -> Reply:
    body = {"error": {"message": message, "type": "x", "code": "y"}}
    return json_reply(json.dumps(body).encode(), status=status)


def end(server: Served, count: int = 1) -> list[dict[str, Any]]:
    """End a server that had so many requests; return the warnings among its log's lines.

    A client has its answer before the server is done with it, and would be told to wait for it.
    """
    said = server.process.stderr
    assert said is not None
    rows: list[dict[str, Any]] = []
    while sum("status" in row for row in rows) < count:
        rows.append(json.loads(said.readline()))
    server.process.terminate()
    rows += map(json.loads, said.read().splitlines())
    return [row for row in rows if "warning" in row]


def test_a_key_that_is_missing_is_told_once_with_what_helps(home: Path) -> None:
    write_agent(home)
    with serve(**NO_KEY) as server:
        told = [ask(server), ask(server, stream=True)]
        (warning,) = end(server, 2)
    for reply in told:
        assert reply.status_code == 500
        assert "no usable key" in reply.text
        assert "nowhere" not in reply.text
    assert warning["agent"] == "helper"
    assert "nowhere.example.com" in warning["warning"] + warning["hint"]
    assert "hiveloom credential set" in warning["hint"]


def test_beside_a_log_in_a_file_it_is_told_in_plain_words(home: Path, tmp_path: Path) -> None:
    write_agent(home)
    with serve("--access-log", str(tmp_path / "log"), **NO_KEY) as server:
        ask(server)
        assert server.process.stderr is not None
        line = server.process.stderr.readline()
    assert line.startswith("warning: the agent helper: ")
    assert "hiveloom credential set" in line


def test_what_an_upstream_refuses_is_told_again_once_it_was_well(
    home: Path, upstream: ScriptedUpstream
) -> None:
    write_agent(home)
    closed, empty = "The account 17 is closed.", "The account 18 is closed."
    upstream.add(
        *(refuse(401, text) for text in (closed, empty)),
        stream_reply(openai_stream("Well.")),
        refuse(401, closed),
        refuse(404, "There is no model m."),
    )
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        statuses = [ask(server).status_code for _ in range(5)]
        warnings = [row["warning"] for row in end(server, 5)]
    assert statuses == [502, 502, 200, 502, 502]
    assert [closed in one for one in warnings] == [True, True, False]
    assert "There is no model m." in warnings[2]


def test_nothing_of_what_was_said_is_told(home: Path, upstream: ScriptedUpstream) -> None:
    write_agent(home)
    begun = openai_chunk({"content": "One"})
    upstream.add(stream_reply([begun, b'data: {"choices": [{"delta": {"content": "Two"\n\n']))
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        assert ask(server).json()["error"]["code"] == "reply_not_understood"
        (warning,) = end(server)
    assert warning["warning"] == "what the agent's upstream sent is no answer"
    assert "check the base URL" in warning["hint"]


def test_an_agent_whose_file_is_broken_is_told(home: Path) -> None:
    write_agent(home, "temperature: warm\n")
    with serve() as server:
        reply = ask(server)
        (warning,) = end(server)
    assert reply.status_code == 500
    assert "temperature" not in reply.text
    assert "temperature" in warning["warning"]


def test_what_clients_are_told_themselves_is_not(home: Path, upstream: ScriptedUpstream) -> None:
    write_agent(home)
    upstream.add(refuse(400, "The temperature is too high."))
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        assert "too high" in ask(server, temperature=2).text
        assert ask(server, n=7).status_code == 400
        assert ask(server, model="nobody").status_code == 404
        assert end(server, 3) == []


def test_a_client_that_hangs_up_is_no_failure(home: Path, upstream: ScriptedUpstream) -> None:
    write_agent(home)
    begun = openai_chunk({"content": "One"})
    upstream.add(stream_reply([begun, threading.Event()]), stream_reply(openai_stream("Two.")))
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        reply = ask(server, stream=True)
        assert next(reply.iter_lines())
        reply.close()
        assert upstream.hung_up.wait(20)
        assert ask(server).status_code == 200
        assert "\nhiveloom_upstream_failures_total" not in load_metrics(server)
        assert end(server, 3) == []
