"""llama.cpp's own server, with a tiny random model, over both protocols."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.protocols.event import FinishReason
from hiveloom_cli.protocols.message import Message, ToolResult, build_user_message
from hiveloom_cli.protocols.table import decide_protocol
from tests.servers.asking import (
    ask,
    chat,
    chat_as_is,
    chat_with_key,
    get_end,
    join_text,
    list_calls,
)

if TYPE_CHECKING:
    from tests.servers.process import Server

QUESTION = "hi"  # its answer is long enough, and has letters and control characters of many kinds
WRONG_KEY = "sk-a-made-up-wrong-key-0123456789"
MODELS = ["tiny", "claude-tiny"]  # the name decides the protocol

both_protocols = pytest.mark.parametrize("model", MODELS)
streamed_or_not = pytest.mark.parametrize("stream", [True, False])


def ask_directly(server: Server) -> dict[str, Any]:
    """Ask without hiveloom; the server says the same to everyone."""
    connection = http.client.HTTPConnection(server.origin.removeprefix("http://"), timeout=30)
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    headers = {"Authorization": f"Bearer {server.key}"}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        reply: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return reply


@both_protocols
@streamed_or_not
def test_the_answer_is_what_the_server_says_to_anyone(
    llama: Server, model: str, *, stream: bool
) -> None:
    said = ask_directly(llama)["choices"][0]["message"]["content"]
    assert len(said) > 20
    done = chat(llama, model, QUESTION, stream=stream)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout_bytes == said.encode()


@both_protocols
@streamed_or_not
def test_json_has_the_answer_its_end_and_its_cost(
    llama: Server, model: str, *, stream: bool
) -> None:
    direct = ask_directly(llama)
    document = json.loads(chat(llama, model, QUESTION, "--json", stream=stream).stdout)
    assert document["response"] == direct["choices"][0]["message"]["content"]
    assert document["finish_reason"] == "stop"
    assert document["usage"] == {
        "input_tokens": direct["usage"]["prompt_tokens"],
        "output_tokens": direct["usage"]["completion_tokens"],
        "cached_input_tokens": 0,
    }


@both_protocols
@streamed_or_not
def test_an_answer_cut_at_the_limit_is_said_to_be(
    llama: Server, model: str, *, stream: bool
) -> None:
    whole = ask_directly(llama)["choices"][0]["message"]["content"]
    done = chat(llama, model, QUESTION, "--max-tokens", "5", stream=stream)
    assert done.exit_code == 0
    assert whole.startswith(done.stdout)
    assert 0 < len(done.stdout) < len(whole)
    assert "--max-tokens" in done.stderr


@both_protocols
def test_a_wrong_key_is_an_error_that_says_which_command_mends_it(
    llama: Server, model: str
) -> None:
    done = chat_with_key(llama, model, WRONG_KEY, QUESTION)
    assert (done.exit_code, done.stdout) == (4, "")
    assert "error: the upstream answered 401 Unauthorized: Invalid API Key\n" in done.stderr
    assert f"hiveloom credential rotate --name {decide_protocol(model)}\n" in done.stderr
    done = chat_as_is(llama, model, QUESTION, "--json", stream=False)
    assert json.loads(done.stdout)["error"]["code"] == "upstream_refused"


@both_protocols
def test_a_missing_key_is_an_error_that_says_which_command_stores_one(
    llama: Server, model: str
) -> None:
    done = chat_as_is(llama, model, QUESTION)
    assert done.exit_code == 4
    assert f"hiveloom credential set --name {decide_protocol(model)}" in done.stderr


@both_protocols
def test_a_model_that_it_does_not_have_it_answers_for_all_the_same(
    llama: Server, model: str
) -> None:
    said = ask_directly(llama)["choices"][0]["message"]["content"]
    done = chat(llama, f"{model}-nowhere", QUESTION)
    assert (done.exit_code, done.stdout) == (0, said)


@both_protocols
def test_a_message_longer_than_the_context_is_an_error_that_says_so(
    llama: Server, model: str
) -> None:
    done = chat(llama, model, "x" * 5000)
    assert done.exit_code == 4
    assert "400 Bad Request: request (" in done.stderr
    assert "exceeds the available context size (4096 tokens)" in done.stderr


@both_protocols
@streamed_or_not
def test_a_tool_is_called_and_its_results_go_back(
    llama: Server, model: str, *, stream: bool
) -> None:
    question = build_user_message(QUESTION)
    asked = ask(llama, model, question, stream=stream)
    end, calls = get_end(asked), list_calls(asked)
    assert end.finish_reason is FinishReason.TOOL_CALLS
    assert calls
    assert len({call.id for call in calls}) == len(calls)
    for call in calls:
        arguments = json.loads(call.arguments)
        assert call.name == "get_weather"
        assert arguments["city"] in {"Bern", "Zürich"}
        assert 1 <= arguments["days"] <= 9
    results = Message("user", tuple(ToolResult(call.id, "sunny") for call in calls))
    answered = ask(llama, model, question, end.message, results, stream=stream)
    assert get_end(answered).finish_reason is FinishReason.STOP
    assert join_text(answered)
    assert not list_calls(answered)


@both_protocols
@streamed_or_not
def test_a_call_cut_at_the_limit_is_not_ready_to_run(
    llama: Server, model: str, *, stream: bool
) -> None:
    question = build_user_message(QUESTION)
    events = ask(llama, model, question, stream=stream, max_tokens=50)
    assert get_end(events).finish_reason is FinishReason.LENGTH
    assert not list_calls(events)
