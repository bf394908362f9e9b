"""What a client of a stream gets while nothing happens."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
import requests

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.errors import UpstreamRefused
from hiveloom_cli.protocols.event import TextDelta
from hiveloom_cli.protocols.message import TextPart
from hiveloom_cli.serve.application import build_application
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.upstream.event import Notice
from tests.support.serving import PATIENCE_S, running
from tests.support.turns import build_end

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.types import Message, Receive, Scope, Send

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.serve.asked import Asked

_PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "native": "/api/tenants/default/agents/helper/chat",
}
_SIGNS = {"openai": b": still working", "anthropic": b"event: ping", "native": b": still working"}
_SAID = [{"role": "user", "content": "hi"}]
_BODY = {
    "model": "helper",
    "max_tokens": 9,
    "messages": _SAID,
    "message": "hi",
    "stream": True,
}


class Slow:
    """A host whose turn says nothing, before its first word and after it, until it is let go on.

    It is both the host and the turn that it opens.
    """

    keeps = False

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.gates = [threading.Event(), threading.Event()]
        self.events = self._run()

    def open_turn(self, _asked: Asked) -> Slow:
        return self

    def _run(self) -> Generator[Event]:
        yield Notice("nobody sees this")
        assert self.gates[0].wait(PATIENCE_S)
        if self.failure is not None:
            raise self.failure
        yield TextDelta("Well,")
        yield Notice("nor this")
        assert self.gates[1].wait(PATIENCE_S)
        yield TextDelta(" hello.")
        yield build_end(TextPart("Well, hello."))

    def let_go_on(self) -> None:
        """Let the turn go on to where it waits next, or to its end."""
        next(gate for gate in self.gates if not gate.is_set()).set()

    def estimate_tokens(self, _asked: Asked) -> int:
        return 0

    def load_agents(self) -> list[Any]:
        return []

    def load_conversations(self, _agent: str, _limit: int) -> list[Any]:
        return []

    def cut(self) -> None:
        for gate in self.gates:
            gate.set()

    def close(self) -> None:
        pass


class Watched:
    """The application of a slow host, which goes on whenever its client was told two times to wait.

    What is never told ends the test, after the patience of a gate.
    """

    def __init__(self, host: Slow, sign: bytes) -> None:
        self._host = host
        self._app = build_application(host, SystemClock(), silence_s=0.01)
        self._sign = sign
        self._told = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            await send(message)
            self._told += message.get("body", b"").count(self._sign)
            if self._told >= 2 and not self._host.gates[-1].is_set():
                self._told = 0
                self._host.let_go_on()

        await self._app(scope, receive, watch)


@pytest.fixture(params=[*_PATHS])
def format_(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ask(port: int, path: str) -> requests.Response:
    return requests.post(f"http://127.0.0.1:{port}{path}", json=_BODY, timeout=PATIENCE_S)


def test_a_stream_in_which_nothing_happens_says_that_it_is_worked_on(format_: str) -> None:
    sign = _SIGNS[format_]
    with running(Watched(Slow(), sign)) as port:
        content = ask(port, _PATHS[format_]).content
    before, _, rest = content.partition(b"Well,")
    between, _, after = rest.partition(b" hello.")
    assert before.count(sign) >= 2
    assert between.count(sign) >= 2
    assert sign not in after


def test_openais_package_passes_over_what_says_so() -> None:
    with running(Watched(Slow(), _SIGNS["openai"])) as port:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="k", max_retries=0)
        with client.chat.completions.stream(model="helper", messages=_SAID) as stream:  # type: ignore[arg-type]
            for _ in stream:
                pass
            whole = stream.get_final_completion()
    assert whole.choices[0].message.content == "Well, hello."


def test_anthropics_package_passes_over_what_says_so() -> None:
    with running(Watched(Slow(), _SIGNS["anthropic"])) as port:
        client = anthropic.Anthropic(
            base_url=f"http://127.0.0.1:{port}", api_key="k", max_retries=0
        )
        with client.messages.stream(model="helper", max_tokens=9, messages=_SAID) as stream:  # type: ignore[arg-type]
            text = "".join(stream.text_stream)
            whole = stream.get_final_message()
    assert text == "Well, hello."
    assert whole.content[0].to_dict()["text"] == text


@pytest.mark.parametrize(
    "failure",
    [UpstreamRefused("it answered 429", status=429), Rejection(400, "tools: no", code="upstream")],
)
def test_what_fails_after_a_silence_is_told_in_the_stream(format_: str, failure: Exception) -> None:
    with running(Watched(Slow(failure), _SIGNS[format_])) as port:
        answer = ask(port, _PATHS[format_])
    assert answer.status_code == 200
    assert b'"error"' in answer.content.rpartition(b"data: ")[2]
    assert b"[DONE]" not in answer.content


def test_what_fails_before_any_silence_has_a_status_of_its_own(format_: str) -> None:
    host = Slow(UpstreamRefused("it answered 429", status=429))
    host.let_go_on()
    with running(build_application(host, SystemClock())) as port:
        assert ask(port, _PATHS[format_]).status_code == 429
