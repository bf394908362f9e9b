"""The official Python package of Anthropic, unchanged, against the agents."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.upstream import (
    anthropic_event,
    anthropic_stream,
    openai_chunk,
    sse,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.demo.upstream import LoopbackUpstream
    from tests.support.upstream import ScriptedUpstream

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode()
LOOKUP: Any = {"name": "lookup", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture
def served(loopback: LoopbackUpstream) -> Iterator[Served]:
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")
    with serve(HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as server:
        yield server


_OPENED: list[anthropic.Anthropic] = []


@pytest.fixture(autouse=True)
def close_clients() -> Iterator[None]:
    """Close what `open_client` opened, which would else be collected in another test."""
    yield
    while _OPENED:
        _OPENED.pop().close()


def open_client(server: Served, key: str = TOKEN) -> anthropic.Anthropic:
    client = anthropic.Anthropic(base_url=server.origin, api_key=key, max_retries=0)
    _OPENED.append(client)
    return client


def say(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def ask(server: Served, said: list[Any], **options: Any) -> anthropic.types.Message:
    message: anthropic.types.Message = open_client(server).messages.create(
        model="helper", max_tokens=500, messages=said, **options
    )
    return message


def test_the_agents_are_its_models(served: Served) -> None:
    assert [model.id for model in open_client(served).models.list()] == ["helper"]
    assert open_client(served).models.retrieve("helper").id == "helper"


def test_an_agent_answers(served: Served) -> None:
    answer = ask(served, say("salve"), system="In Latin.")
    block = answer.content[0]
    assert block.type == "text"
    assert "> salve" in block.text
    assert "system prompt: **yes**, 25 characters" in block.text  # the agent's and the client's
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens > 0


def test_an_error_names_its_request_as_the_access_log_does(served: Served) -> None:
    assert served.process.stderr is not None
    client = open_client(served)
    for ask_in_vain in (
        lambda: client.messages.create(model="nobody", max_tokens=1, messages=say("hi")),
        client.messages.batches.list,
    ):
        with pytest.raises(anthropic.NotFoundError) as caught:
            ask_in_vain()
        logged = json.loads(served.process.stderr.readline())["request_id"]
        assert caught.value.request_id == logged
        assert caught.value.response.json()["request_id"] == logged


def test_an_answer_streams(served: Served) -> None:
    with open_client(served).messages.stream(
        model="helper", max_tokens=500, messages=[{"role": "user", "content": "hi"}]
    ) as stream:
        pieces = list(stream.text_stream)
        whole = stream.get_final_message()
    assert len(pieces) > 10
    assert "> hi" in "".join(pieces)
    assert whole.stop_reason == "end_turn"


def test_a_client_runs_its_own_tools(served: Served) -> None:
    said = say('call lookup {"id": 7}')
    asked = ask(served, said, tools=[LOOKUP])
    assert asked.stop_reason == "tool_use"
    call = asked.content[-1]
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("lookup", {"id": 7})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "a bee"}
    said += [
        {"role": "assistant", "content": asked.content},
        {"role": "user", "content": [result]},
    ]
    block = ask(served, said, tools=[LOOKUP]).content[0]
    assert block.type == "text"
    assert block.text == "The tools gave:\n\na bee"


def test_an_image_reaches_the_model(served: Served) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": "what is it?"}]
    block = ask(served, [{"role": "user", "content": parts}]).content[0]
    assert block.type == "text"
    assert "attached: image/png" in block.text


def test_errors_are_those_that_the_package_knows(served: Served) -> None:
    client = open_client(served)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="nobody", max_tokens=9, messages=say("hi"))
    with pytest.raises(anthropic.AuthenticationError):
        open_client(served, "another").models.list()
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model="helper", max_tokens=9, messages=[])


def test_it_is_told_at_which_text_an_answer_stopped(upstream: ScriptedUpstream) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    run_hiveloom("agent", "create", "claude", "--model", "claude-haiku-4-5")
    stopped = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END"}
    upstream.add(
        stream_reply([openai_chunk({"content": "Noon."}), sse({"choices": [choice]})]),
        stream_reply(
            [
                *anthropic_stream("Noon.", stop_reason=None, stop=False),
                anthropic_event("message_delta", delta=stopped, usage={"output_tokens": 2}),
                anthropic_event("message_stop"),
            ]
        ),
    )
    places = {
        "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url,
    }
    with serve(**places) as server:
        for agent in ("helper", "claude"):
            answer = open_client(server).messages.create(
                model=agent,
                max_tokens=9,
                messages=[{"role": "user", "content": "hi"}],
                stop_sequences=["END"],
            )
            assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "END")
