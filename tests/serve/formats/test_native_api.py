"""The product's own way of asking an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.demo.upstream import LoopbackUpstream

AGENTS = "/api/tenants/default/agents"


@pytest.fixture
def served(loopback: LoopbackUpstream) -> Iterator[Served]:
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")
    run_hiveloom("tool", "add", "hello", "--description", "Greets.", "--", "echo", "hello")
    run_hiveloom("agent", "edit", "helper", "--add-tool", "hello")
    with serve("--allow-tool", "hello", HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as one:
        yield one


def send(server: Served, path: str, body: Any = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    if body is None:
        return requests.get(f"{server.origin}{path}", headers=headers, timeout=30)
    return requests.post(f"{server.origin}{path}", json=body, headers=headers, timeout=30)


def test_an_agent_answers_and_tells_which_tools_it_used(served: Served) -> None:
    reply = send(served, f"{AGENTS}/helper/chat", {"message": "call hello"})
    assert reply.status_code == 200
    answer = reply.json()
    assert answer["response"] == "The tools gave:\n\nhello\n"
    assert answer["capabilities_used"] == ["hello"]


def test_the_agents_are_listed(served: Served) -> None:
    assert "helper" in send(served, AGENTS).text


def test_anyone_may_ask_whether_it_is_well(served: Served) -> None:
    reply = requests.get(f"{served.origin}/healthz", timeout=30)
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


def test_an_agent_that_is_not_there_is_not_found(served: Served) -> None:
    assert send(served, f"{AGENTS}/nobody/chat", {"message": "hi"}).status_code == 404


def test_an_agent_that_changes_is_asked_as_it_is(served: Served) -> None:
    run_hiveloom("agent", "edit", "helper", "--model", "another")
    reply = send(served, f"{AGENTS}/helper/chat", {"message": "hi"})
    assert "model: `another`" in reply.json()["response"]
