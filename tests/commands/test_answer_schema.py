"""`chat --schema` of the real program: JSON that fits on stdout, or an error that says why not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.program import Finished, spawn_hiveloom
from tests.support.upstream import (
    Reply,
    ScriptedUpstream,
    anthropic_reply,
    anthropic_stream,
    json_reply,
    openai_chunk,
    openai_error,
    openai_reply,
    openai_stream,
    sse,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hiveloom_cli.demo.upstream import LoopbackUpstream

    Hiveloom = Callable[..., Finished]

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
INLINE = json.dumps(SCHEMA)
RIGHT, WRONG = '{"a": 1}', '{"a": "one"}'
ASK = ("chat", "--model", "m", "a question", "--schema")
ASKING_AGAIN = (
    "note: the answer does not fit the schema ($.a: 'one' is not of type 'integer');"
    " asking once more\n"
)


def point_at(upstream: ScriptedUpstream | LoopbackUpstream) -> dict[str, str]:
    return {
        "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url,
    }


def say(text: str, **fields: Any) -> Reply:
    return stream_reply(openai_stream(text, **fields))


@pytest.mark.parametrize("model", ["m", "claude-haiku-4-5"])
@pytest.mark.parametrize("streamed", [True, False])
def test_stdout_is_the_json_and_nothing_else(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, model: str, *, streamed: bool
) -> None:
    fenced = f"```json\n{RIGHT}\n```"
    if model == "m":
        upstream.add(say(fenced) if streamed else json_reply(openai_reply(fenced)))
    else:
        stream = stream_reply(anthropic_stream(fenced))
        upstream.add(stream if streamed else json_reply(anthropic_reply(fenced)))
    options = () if streamed else ("--no-stream",)
    done = hiveloom(
        "chat", "--model", model, "hi", "--schema", INLINE, *options, env=point_at(upstream)
    )
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{RIGHT}\n", "")


@pytest.mark.parametrize("model", ["m", "claude-haiku-4-5"])
def test_the_built_in_upstream_answers_by_schema(
    hiveloom: Hiveloom, loopback: LoopbackUpstream, model: str, tmp_path: Path
) -> None:
    file = tmp_path / "schema.json"
    properties = {
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"enum": ["x", "y"]}},
        "inner": {"$ref": "#/$defs/inner"},
        "maybe": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    }
    schema = {"type": "object", "properties": properties, "$defs": {"inner": SCHEMA}}
    file.write_text(json.dumps(schema), "utf-8-sig")
    done = hiveloom("chat", "--model", model, "hi", "--schema", str(file), env=point_at(loopback))
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "name": "bee",
        "tags": ["x"],
        "inner": {"a": 1},
        "maybe": True,
    }


def test_json_has_the_text_and_the_value(hiveloom: Hiveloom, upstream: ScriptedUpstream) -> None:
    upstream.add(say('{ "a": 1 }'))
    document = json.loads(hiveloom(*ASK, INLINE, "--json", env=point_at(upstream)).stdout)
    assert (document["response"], document["parsed"]) == ('{ "a": 1 }', {"a": 1})
    assert document["finish_reason"] == "stop"


def test_a_wrong_answer_is_asked_for_once_more(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(say(WRONG), say(RIGHT))
    done = hiveloom(*ASK, INLINE, env=point_at(upstream))
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{RIGHT}\n", ASKING_AGAIN)
    roles = [message["role"] for message in upstream.requests[1].json["messages"]]
    assert roles == ["user", "assistant", "user"]
    told = upstream.requests[1].json["messages"][2]["content"]
    assert "$.a: 'one' is not of type 'integer'" in told
    assert "response_format" in upstream.requests[1].json
    shown = json.loads(hiveloom("conversation", "list", "--json").stdout)
    assert [row["messages"] for row in shown] == [4]


def test_what_both_answers_cost_is_told_together(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(say("Sorry, no JSON."), say(RIGHT))
    done = hiveloom(*ASK, INLINE, "--json", env=point_at(upstream))
    document = json.loads(done.stdout)
    assert document["parsed"] == {"a": 1}
    assert (document["usage"]["input_tokens"], document["usage"]["output_tokens"]) == (6, 10)


def test_an_answer_that_is_wrong_twice_is_kept_and_an_error(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(say(WRONG), say("No."))
    done = hiveloom(*ASK, INLINE, env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (1, "No.\n")
    assert done.stderr == (
        f"{ASKING_AGAIN}error: the answer does not fit the schema: $: not JSON: line 1, column 1:"
        " Expecting value\n  try: ask again, or ask another model\n"
    )
    assert len(upstream.requests) == 2


def test_under_json_the_raw_answer_is_in_the_error(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(say(WRONG), say(WRONG))
    done = hiveloom(*ASK, INLINE, "--json", env=point_at(upstream))
    error = json.loads(done.stdout)["error"]
    assert (done.exit_code, error["code"], error["partial"]) == (1, "answer_invalid", WRONG)


def test_an_answer_that_was_cut_says_so_and_is_not_asked_for_again(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(say('{"a": ', finish_reason="length"))
    done = hiveloom(*ASK, INLINE, env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (1, '{"a": \n')
    assert "error: the answer was cut at the token limit" in done.stderr
    assert "--max-tokens" in done.stderr


def test_a_refusal_of_the_model_is_told_as_one(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(
        stream_reply(
            [
                openai_chunk({"role": "assistant", "refusal": "I will not."}),
                openai_chunk(finish_reason="stop"),
                sse("[DONE]"),
            ]
        )
    )
    done = hiveloom(*ASK, INLINE, env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (1, "I will not.\n")
    assert "error: the model refused, or a filter broke the answer off" in done.stderr


def test_a_refused_schema_is_asked_for_in_another_way(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    refused = openai_error("This response_format type is unavailable now")
    function = {"name": "structured_answer", "arguments": RIGHT}
    call = {"index": 0, "id": "c1", "type": "function", "function": function}
    upstream.add(
        json_reply(refused, status=400),
        stream_reply([openai_chunk({"tool_calls": [call]}), openai_chunk(finish_reason="stop")]),
    )
    done = hiveloom(*ASK, INLINE, env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (0, f"{RIGHT}\n")
    assert done.stderr == (
        "note: this model does not take the schema as its answer's; asking in another way\n"
    )
    shown = hiveloom("conversation", "list", "--json")
    conversation_id = json.loads(shown.stdout)[0]["id"]
    assert RIGHT in hiveloom("conversation", "show", conversation_id).stdout


def test_on_a_terminal_the_json_is_shown_as_it_is(upstream: ScriptedUpstream) -> None:
    upstream.add(say('```json\n{"a": 1, "b": "**x**\\u001b[31m"}\n```'))
    with spawn_hiveloom(*ASK, INLINE, env=point_at(upstream)) as terminal:
        assert terminal.wait() == 0
    assert terminal.text.strip() == '{"a": 1, "b": "**x**\\u001b[31m"}'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "schema.json:1: not JSON: line 1, column 2: Expecting property name"),
        (b"{\n 'a': 1}", "schema.json:2: not JSON: line 2, column 2: Expecting property name"),
        (b"\xff{}", "schema.json: it is not UTF-8 text"),
        (b'{"minimum": NaN}', "schema.json: NaN is no JSON value"),
        (b"[]", "no JSON Schema that can be used: $: a schema is a JSON object"),
        (b'{"type": "text"}', "no JSON Schema that can be used: $.type: 'text' is not valid"),
        (b'{"$ref": "http://127.0.0.1:9/a"}', "it refers to http://127.0.0.1:9/a, which is not"),
    ],
)
def test_a_file_that_is_no_schema_is_told_before_anything_is_sent(
    hiveloom: Hiveloom,
    upstream: ScriptedUpstream,
    tmp_path: Path,
    content: bytes,
    problem: str,
) -> None:
    file = tmp_path / "schema.json"
    file.write_bytes(content)
    done = hiveloom(*ASK, str(file), env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (1, "")
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("given", "exit_code", "problem"),
    [
        ("{", 2, "error: --schema: not JSON: line 1, column 2"),
        ('{"type": 3}', 2, "error: --schema: no JSON Schema that can be used: $.type: 3 is not"),
        ("-", 2, "error: --schema reads no pipe"),
        ("", 1, "error: "),
        ("missing.json", 1, "error: missing.json: no such file"),
        (".", 1, "error: .: a folder"),
    ],
)
def test_what_cannot_be_a_schema_is_said(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, given: str, exit_code: int, problem: str
) -> None:
    done = hiveloom(*ASK, given, env=point_at(upstream))
    assert done.exit_code == exit_code
    assert done.stderr.startswith(problem)
    assert upstream.requests == []


def test_an_interactive_chat_has_no_schema(upstream: ScriptedUpstream) -> None:
    words = ("chat", "--model", "m", "--schema", INLINE)
    with spawn_hiveloom(*words, env=point_at(upstream)) as terminal:
        assert terminal.wait() == 2
    assert "error: --schema is for one question, and there is none" in terminal.text


@pytest.mark.parametrize("model", ["m", "claude-haiku-4-5"])
def test_tools_run_before_the_answer_by_schema(
    hiveloom: Hiveloom, loopback: LoopbackUpstream, home: Path, model: str
) -> None:
    (home / "tools").mkdir()
    (home / "tools" / "echo.md").write_text(
        "---\napproval: auto\ncommand: [echo, hello]\n---\nSays hello.\n"
    )
    (home / "agents").mkdir()
    (home / "agents" / "helper.md").write_text(f"---\nmodel: {model}\ntools: [echo]\n---\n")
    words = ("chat", "helper", "call echo {}", "--schema", INLINE, "--allow-tool", "echo")
    done = hiveloom(*words, env=point_at(loopback))
    assert (done.exit_code, done.stdout) == (0, f"{RIGHT}\n"), done.stderr
    assert "→ echo" in done.stderr
    assert len(loopback.requests) == 2
    assert "hello" in json.dumps(loopback.requests[1].json)
