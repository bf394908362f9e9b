"""Requests side by side: what one of them costs, the others do not pay."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.serve.application import build_application
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.formats import anthropic_request, native, openai_chat
from tests.support.serving import PATIENCE_S, build_request, connect, read_answer, running, send
from tests.support.slow import Slow

if TYPE_CHECKING:
    from types import ModuleType

    from hiveloom_cli.serve.asked import Asked

_JSON = [("Content-Type", "application/json")]


@pytest.mark.parametrize(
    ("path", "module", "name"),
    [
        ("/v1/chat/completions", openai_chat, "parse_asked"),
        ("/v1/messages/count_tokens", anthropic_request, "parse_counted"),
        ("/api/tenants/default/agents/helper/chat", native, "parse_asked"),
    ],
)
def test_a_request_that_takes_long_to_read_holds_nobody_else_up(
    monkeypatch: pytest.MonkeyPatch, path: str, module: ModuleType, name: str
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def parse(_body: bytes, _agent: str = "") -> Asked:
        reading.set()
        seen = go_on.wait(PATIENCE_S)
        raise Rejection(400, "the others were answered" if seen else "nobody else was answered")

    monkeypatch.setattr(module, name, parse)
    with running(build_application(Slow(), SystemClock())) as port, connect(port) as connection:
        connection.sendall(build_request("POST", path, _JSON, b"{}", port=port))
        assert reading.wait(PATIENCE_S)
        assert send(port, build_request("GET", "/healthz", port=port)).status == 200
        go_on.set()
        answer = read_answer(connection, "POST")
    assert json.loads(answer.body)["error"]["message"] == "the others were answered"
