"""What clients meet where nothing is, and where something else is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import openai
import pytest
import requests

from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADERS = {"Authorization": f"Bearer {TOKEN}"}
_ANTHROPIC = {**_HEADERS, "anthropic-version": "2023-06-01"}


@pytest.fixture
def asking(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=served.openai_base_url, api_key=TOKEN, max_retries=0) as client:
        yield client


@pytest.fixture
def saying(served: Served) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=served.origin, api_key=TOKEN, max_retries=0) as client:
        yield client


@pytest.fixture
def served() -> Iterator[Served]:
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")
    with serve() as server:
        yield server


def test_openais_package_is_told_what_is_not_here(asking: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        asking.responses.create(model="helper", input="hi")
    assert caught.value.code == "not_found"
    assert caught.value.type == "invalid_request_error"
    assert "nothing at /v1/responses: agents are asked at" in caught.value.message
    with pytest.raises(openai.NotFoundError):
        asking.embeddings.create(model="helper", input="hi")


def test_anthropics_package_is_told_what_is_not_here(saying: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        saying.messages.batches.list()
    assert caught.value.type == "not_found_error"
    with pytest.raises(anthropic.NotFoundError):
        saying.beta.files.list()


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/v1/chat/completions", "GET", "POST"),
        ("/v1/models", "POST", "GET"),
        ("/v1/messages", "GET", "POST"),
        ("/api/tenants/default/agents", "POST", "GET"),
    ],
)
def test_another_method_is_refused_with_those_that_are_taken(
    served: Served, path: str, method: str, allowed: str
) -> None:
    reply = requests.request(
        method, f"{served.origin}{path}", headers=_HEADERS, json={}, timeout=30
    )
    assert reply.status_code == 405
    assert allowed in reply.headers["allow"]
    assert f"{path} is not asked with {method}: use" in reply.json()["error"]["message"]


def test_each_format_is_answered_in_its_own_words(served: Served) -> None:
    def look(path: str, headers: dict[str, str] = _HEADERS) -> dict[str, object]:
        reply = requests.get(f"{served.origin}{path}", headers=headers, timeout=30)
        assert reply.status_code == 404
        body: dict[str, object] = reply.json()
        return body

    assert set(look("/v1/nothing")) == {"error"}
    assert look("/v1/messages/batches")["type"] == "error"
    assert look("/v1/nothing", _ANTHROPIC)["type"] == "error"
    assert set(look("/api/nothing")["error"]) == {"code", "message"}  # type: ignore[call-overload]
    assert len(str(look(f"/{'a' * 5000}"))) < 500
    assert "\\x1b" not in str(look("/%1b[31m"))


def test_tokens_are_estimated_for_clients_that_ask(saying: anthropic.Anthropic) -> None:
    def count(text: str, model: str = "helper") -> int:
        said = [{"role": "user", "content": text}]
        return saying.messages.count_tokens(model=model, messages=said).input_tokens  # type: ignore[arg-type]

    little, much = count("hi"), count("hi " * 4000)
    assert little < 20
    assert 2000 < much - little < 4000
    with pytest.raises(anthropic.NotFoundError):
        count("hi", "nobody")
    with pytest.raises(anthropic.BadRequestError):
        saying.messages.count_tokens(model="helper", messages=[])
