"""The path of MCP clients behind the guard, and what no client of the SDK would send."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
import requests

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.serve.application import build_application
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.serving import PATIENCE_S, build_request, running, send
from tests.support.upstream import ScriptedUpstream, openai_chunk, stream_reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.demo.upstream import LoopbackUpstream

NAME = "agents.example.com"
FRIEND = "https://chat.example.com"
KINDS = "application/json, text/event-stream"
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "a test", "version": "1"},
}
CALL = {"name": "chat", "arguments": {"message": "hi"}}


@pytest.fixture(autouse=True)
def helper() -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")


@pytest.fixture
def served(loopback: LoopbackUpstream) -> Iterator[Served]:
    options = ("--allow-host", NAME, "--allow-origin", FRIEND)
    with serve(*options, HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as one:
        yield one


def ask(
    server: Served,
    method: str,
    params: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    agent: str = "helper",
    stream: bool = False,
) -> requests.Response:
    shown = {"Authorization": f"Bearer {TOKEN}", "Accept": KINDS, **(headers or {})}
    body = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    if not method.startswith("notifications/"):
        body["id"] = 7
    url = f"{server.origin}/mcp/{agent}"
    return requests.post(url, json=body, headers=shown, stream=stream, timeout=30)


def read_result(reply: requests.Response) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    [line] = [line for line in reply.text.splitlines() if line.startswith("data:")]
    message: dict[str, Any] = json.loads(line.removeprefix("data:"))
    assert message["id"] == 7
    result: dict[str, Any] = message["result"]
    return result


def test_the_path_stands_behind_the_guard(served: Served) -> None:
    found = {
        "token": ask(served, "tools/list", headers={"Authorization": "Bearer another"}),
        "host": ask(served, "tools/list", headers={"Host": "rebound.example.com"}),
        "origin": ask(served, "tools/list", headers={"Origin": "https://evil.example.com"}),
        "form": ask(served, "tools/list", headers={"Content-Type": "text/plain"}),
    }
    assert {name: reply.status_code for name, reply in found.items()} == {
        "token": 401,
        "host": 421,
        "origin": 403,
        "form": 415,
    }


def test_names_and_origins_that_are_allowed_are_allowed_here_too(served: Served) -> None:
    for headers in ({"Host": NAME}, {"Origin": FRIEND}):
        assert read_result(ask(served, "tools/list", headers=headers))["tools"][0]["name"] == "chat"


def test_an_agent_that_is_not_there_is_not_found(served: Served) -> None:
    reply = ask(served, "initialize", HELLO, agent="nobody")
    assert reply.status_code == 404
    assert reply.json()["error"]["message"] == "There is no agent named nobody."


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_nothing_is_there_to_be_waited_for_or_ended(served: Served, method: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": KINDS}
    if method == "PUT":
        headers["Content-Type"] = "application/json"
    reply = requests.request(method, f"{served.origin}/mcp/helper", headers=headers, timeout=30)
    assert reply.status_code == 405
    assert reply.headers["Allow"] == "POST"


def test_what_is_no_message_is_refused_without_a_fault(served: Served) -> None:
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": KINDS,
        "Content-Type": "application/json",
    }
    for body in (b"", b"[]", b"{", b"7", b'{"jsonrpc": "2.0"}', b"\xff", b"[" * 100_000):
        for version in ("2025-06-18", "2026-07-28", "1999-01-01", ""):
            reply = requests.post(
                f"{served.origin}/mcp/helper",
                data=body,
                headers={**headers, "MCP-Protocol-Version": version},
                timeout=30,
            )
            assert reply.status_code == 400, (body, version)
    assert read_result(ask(served, "tools/list"))


def test_a_client_goes_on_at_another_process(loopback: LoopbackUpstream) -> None:
    env = {"HIVELOOM_OPENAI_BASE_URL": loopback.openai_base_url}
    with serve(**env) as one, serve(**env) as other:
        hello = ask(one, "initialize", HELLO)
        assert read_result(hello)["serverInfo"]["name"] == "helper"
        session = {"Mcp-Session-Id": hello.headers["Mcp-Session-Id"]}
        assert ask(other, "notifications/initialized", headers=session).status_code == 202
        session["MCP-Protocol-Version"] = "2025-06-18"
        answer = ask(other, "tools/call", CALL, session)
        assert "> hi" in read_result(answer)["structuredContent"]["response"]
        assert "Mcp-Session-Id" not in answer.headers


def test_no_letter_of_an_answer_ends_a_line_for_any_reader(served: Served) -> None:
    said = "one\x85two\u2028three\u2029four"
    answer = ask(served, "tools/call", {"name": "chat", "arguments": {"message": said}})
    answer.encoding = "utf-8"
    assert said in read_result(answer)["structuredContent"]["response"]


def test_a_client_that_hangs_up_ends_the_request_to_the_upstream(
    upstream: ScriptedUpstream,
) -> None:
    upstream.add(stream_reply([openai_chunk({"content": "One."}), 60.0]))
    token = {"_meta": {"progressToken": 1}}
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        reply = ask(server, "tools/call", CALL | token, stream=True)
        assert any(b'"message":"One."' in line for line in reply.iter_lines())
        reply.close()
        assert upstream.hung_up.wait(PATIENCE_S)


def test_nobody_cancels_what_another_client_has_called(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply([openai_chunk({"content": "One."}), 60.0]))
    token = {"_meta": {"progressToken": 1}}
    cancelled = {"requestId": 7}
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        own = {"Mcp-Session-Id": ask(server, "initialize", HELLO).headers["Mcp-Session-Id"]}
        reply = ask(server, "tools/call", CALL | token, own, stream=True)
        lines = reply.iter_lines()  # which hangs up when nobody holds it any more
        assert any(b'"message":"One."' in line for line in lines)
        for others in ({}, {"Mcp-Session-Id": "another"}):
            ask(server, "notifications/cancelled", cancelled, others)
        ask(server, "notifications/cancelled", {"requestId": 8}, own)
        assert not upstream.hung_up.is_set()
        ask(server, "notifications/cancelled", cancelled, own)
        assert upstream.hung_up.wait(PATIENCE_S)
        assert any(b'"isError":true' in line for line in lines)


def test_without_the_sdk_the_rest_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "hiveloom_cli.serve.mcp.server", raising=False)
    app = build_application(None, SystemClock())  # type: ignore[arg-type] # nobody is asked
    with running(app) as port:
        assert send(port, build_request("GET", "/healthz", port=port)).status == 200
        answer = send(port, build_request("POST", "/mcp/helper", body=b"{}", port=port))
    assert answer.status == 501
    assert "pip install 'hiveloom-cli[mcp]'" in answer.json["error"]["message"]
