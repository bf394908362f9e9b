"""The official Python package of OpenAI, unchanged, against the agents."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

from tests.support.patience import PATIENCE_S
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.upstream import (
    ScriptedUpstream,
    anthropic_stream,
    json_reply,
    openai_chunk,
    openai_error,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.demo.upstream import LoopbackUpstream

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode()
LOOKUP: Any = {
    "type": "function",
    "function": {"name": "lookup", "parameters": {"type": "object", "properties": {}}},
}
Said = list[Any]


@pytest.fixture
def helper() -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")


@pytest.fixture
def served(helper: None, loopback: LoopbackUpstream) -> Iterator[Served]:
    with serve(HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as server:
        yield server


_OPENED: list[openai.OpenAI] = []


@pytest.fixture(autouse=True)
def close_clients() -> Iterator[None]:
    """Close what `open_client` opened, which would else be collected in another test."""
    yield
    while _OPENED:
        _OPENED.pop().close()


def open_client(server: Served, key: str = TOKEN) -> openai.OpenAI:
    client = openai.OpenAI(base_url=server.openai_base_url, api_key=key, max_retries=0)
    _OPENED.append(client)
    return client


def say(text: str) -> Said:
    return [{"role": "user", "content": text}]


def test_the_agents_are_its_models(served: Served) -> None:
    client = open_client(served)
    assert [model.id for model in client.models.list()] == ["helper"]
    assert client.models.retrieve("helper").id == "helper"


def test_an_agent_answers_with_its_prompt(served: Served) -> None:
    said: Said = [{"role": "system", "content": "In Latin."}, *say("salve")]
    answer = open_client(served).chat.completions.create(model="helper", messages=said)
    text = answer.choices[0].message.content
    assert text is not None
    assert "> salve" in text
    assert "system prompt: **yes**, 25 characters" in text  # the agent's and the client's
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0


def test_an_answer_streams_and_ends_with_its_usage(served: Served) -> None:
    chunks = list(
        open_client(served).chat.completions.create(
            model="helper",
            messages=say("hi"),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "> hi" in text
    assert text.endswith("🐝.")
    assert chunks[-1].usage is not None
    assert len(chunks) > 10


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_runs_its_own_tools(served: Served, *, stream: bool) -> None:
    client = open_client(served)
    said = say('call lookup {"id": 7}')
    calls: list[dict[str, Any]]
    if stream:
        calls = []
        chunks: Any = client.chat.completions.create(
            model="helper", messages=said, tools=[LOOKUP], stream=True
        )
        for chunk in chunks:
            for choice in chunk.choices:
                calls += [call.to_dict() for call in choice.delta.tool_calls or []]
    else:
        answer = client.chat.completions.create(model="helper", messages=said, tools=[LOOKUP])
        assert answer.choices[0].finish_reason == "tool_calls"
        calls = [call.to_dict() for call in answer.choices[0].message.tool_calls or []]
    assert [call["function"]["name"] for call in calls] == ["lookup"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"id": 7}
    call = {name: value for name, value in calls[0].items() if name != "index"}
    said += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "a bee"},
    ]
    ended = client.chat.completions.create(model="helper", messages=said, tools=[LOOKUP])
    assert ended.choices[0].message.content == "The tools gave:\n\na bee"


def test_an_image_reaches_the_model(served: Served) -> None:
    parts: list[Any] = [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]
    answer = open_client(served).chat.completions.create(
        model="helper", messages=[{"role": "user", "content": parts}]
    )
    assert "attached: image/png" in (answer.choices[0].message.content or "")


def test_errors_are_those_that_the_package_knows(served: Served) -> None:
    with pytest.raises(openai.NotFoundError):
        open_client(served).chat.completions.create(model="nobody", messages=say("hi"))
    with pytest.raises(openai.AuthenticationError):
        open_client(served, "another").models.list()
    with pytest.raises(openai.BadRequestError):
        open_client(served).chat.completions.create(model="helper", messages=[])


def test_a_limit_of_the_upstream_is_told_as_one_and_no_key_with_it(
    helper: None, upstream: ScriptedUpstream
) -> None:
    key = "sk-the-key-of-the-upstream-0123456789"
    upstream.add(*[json_reply(openai_error(f"slow down, {key}"), status=429)] * 4)
    with serve(
        HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url,
        OPENAI_API_KEY=key,
        HIVELOOM_MAX_TRIES="1",
    ) as server:
        with pytest.raises(openai.RateLimitError) as caught:
            open_client(server).chat.completions.create(model="helper", messages=say("hi"))
        assert key not in str(caught.value)


class Bee(BaseModel):
    """What the answer of a test is read into."""

    name: str
    legs: int


def test_an_answer_is_parsed_into_a_class(helper: None, upstream: ScriptedUpstream) -> None:
    pieces = ['{"name": "Maja"', ', "legs": 6}']
    upstream.add(*(stream_reply(openai_stream(pieces)) for _ in range(2)))
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        completions = open_client(server).chat.completions
        whole = completions.parse(model="helper", messages=say("bee?"), response_format=Bee)
        with completions.stream(
            model="helper", messages=say("bee?"), response_format=Bee
        ) as stream:
            streamed = stream.get_final_completion()
    for answer in (whole, streamed):
        assert answer.choices[0].message.parsed == Bee(name="Maja", legs=6)
    schema = upstream.requests[0].json["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["name", "legs"]


def test_one_call_at_a_time_is_handed_over_if_the_client_wants_that(
    helper: None, upstream: ScriptedUpstream
) -> None:
    calls = [
        {"index": place, "id": f"c{place}", "function": {"name": "lookup", "arguments": "{}"}}
        for place in range(2)
    ]
    pieces = [openai_chunk({"tool_calls": calls}), openai_chunk(finish_reason="tool_calls")]
    upstream.add(*(stream_reply(pieces) for _ in range(2)))
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        for several, expected in ((True, ["c0", "c1"]), (False, ["c0"])):
            answer = open_client(server).chat.completions.create(
                model="helper",
                messages=say("hi"),
                tools=[LOOKUP],
                parallel_tool_calls=several,
            )
            assert [call.id for call in answer.choices[0].message.tool_calls or []] == expected


@pytest.mark.parametrize("model", ["m", "claude-haiku-4-5"])
def test_a_call_that_is_demanded_is_demanded_of_the_model(
    upstream: ScriptedUpstream, model: str
) -> None:
    run_hiveloom("agent", "create", "helper", "--model", model)
    is_openai = model == "m"
    named: Any = {"type": "function", "function": {"name": "lookup"}}
    choices: list[Any] = ["required", named, "auto"]
    expected: list[Any] = (
        [*choices[:2], None]
        if is_openai
        else [{"type": "any"}, {"type": "tool", "name": "lookup"}, None]
    )
    places = {
        "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url,
    }
    with serve(**places) as server:
        for choice, sent in zip(choices, expected, strict=True):
            upstream.add(stream_reply((openai_stream if is_openai else anthropic_stream)("Well.")))
            open_client(server).chat.completions.create(
                model="helper", messages=say("hi"), tools=[LOOKUP], tool_choice=choice
            )
            assert upstream.requests[-1].json.get("tool_choice") == sent


async def leave_while_waiting(server: Served, upstream: ScriptedUpstream) -> None:
    """Ask for a whole answer, and give up once the upstream has been asked for it."""
    place = server.openai_base_url
    async with openai.AsyncOpenAI(base_url=place, api_key=TOKEN, max_retries=0) as client:
        answer = client.chat.completions.create(model="helper", messages=say("hi"))
        asking = asyncio.ensure_future(answer)
        await asyncio.to_thread(upstream.wait_for_requests)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_ends_the_request_to_the_upstream(
    helper: None, upstream: ScriptedUpstream, *, stream: bool
) -> None:
    upstream.add(stream_reply([openai_chunk({"content": "One."}), 60.0]))
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        if stream:
            client = open_client(server)
            answer = client.chat.completions.create(model="helper", messages=say("hi"), stream=True)
            assert next(iter(answer)) is not None
            answer.close()
        else:
            asyncio.run(leave_while_waiting(server, upstream))
        assert upstream.hung_up.wait(PATIENCE_S)
