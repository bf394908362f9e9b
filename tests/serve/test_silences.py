"""What a client of a stream gets while nothing happens."""

from __future__ import annotations

from contextlib import ExitStack

import anthropic
import openai
import pytest
import requests

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.errors import UpstreamRefused
from hiveloom_cli.serve.application import build_application
from hiveloom_cli.serve.asked import Rejection
from tests.support.patience import PATIENCE_S
from tests.support.serving import running
from tests.support.slow import Slow, Watched

_PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "native": "/api/tenants/default/agents/helper/chat",
}
_SIGNS = {"openai": b": still working", "anthropic": b"event: ping", "native": b": still working"}
_ENDS = {
    "openai": b"data: [DONE]",
    "anthropic": b"event: message_stop",
    "native": b"event: reply",
}
_SAID = [{"role": "user", "content": "hi"}]
_BODY = {
    "model": "helper",
    "max_tokens": 9,
    "messages": _SAID,
    "message": "hi",
    "stream": True,
}


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
    between, _, rest = rest.partition(b" hello.")
    _, end, after = rest.partition(_ENDS[format_])
    assert before.count(sign) >= 2
    assert between.count(sign) >= 2
    assert end
    assert sign not in after


def test_openais_package_passes_over_what_says_so() -> None:
    with running(Watched(Slow(), _SIGNS["openai"])) as port, ExitStack() as stack:
        place = f"http://127.0.0.1:{port}/v1"
        client = stack.enter_context(openai.OpenAI(base_url=place, api_key="k", max_retries=0))
        with client.chat.completions.stream(model="helper", messages=_SAID) as stream:  # type: ignore[arg-type]
            for _ in stream:
                pass
            whole = stream.get_final_completion()
    assert whole.choices[0].message.content == "Well, hello."


def test_anthropics_package_passes_over_what_says_so() -> None:
    with running(Watched(Slow(), _SIGNS["anthropic"])) as port, ExitStack() as stack:
        place = f"http://127.0.0.1:{port}"
        client = stack.enter_context(
            anthropic.Anthropic(base_url=place, api_key="k", max_retries=0)
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
