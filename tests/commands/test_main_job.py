"""The path a person walks first, with the real program: store a key, create an agent, chat."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.program import Finished, spawn_hiveloom
from tests.support.upstream import (
    Ending,
    Reply,
    ScriptedUpstream,
    anthropic_reply,
    anthropic_stream,
    json_reply,
    openai_error,
    openai_reply,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hiveloom_cli.demo.upstream import LoopbackUpstream

Hiveloom = Callable[..., Finished]
KEY = "sk-a-made-up-key-0123456789"
TEXT = "# Zürich\n\n日本 🐝 é\t\x1b[31m\r\n- a\n\n```py\nx = 1\n```\n  \n"
MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}
STREAMS: dict[str, Callable[..., list[bytes]]] = {
    "openai": openai_stream,
    "anthropic": anthropic_stream,
}
REPLIES: dict[str, Callable[..., bytes]] = {"openai": openai_reply, "anthropic": anthropic_reply}


def point_at(upstream: ScriptedUpstream | LoopbackUpstream) -> dict[str, str]:
    return {
        "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url,
    }


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
@pytest.mark.parametrize("streamed", [True, False])
def test_a_piped_answer_is_the_upstreams_text_byte_for_byte(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, protocol: str, *, streamed: bool
) -> None:
    assert hiveloom("credential", "set", "--name", protocol, input=KEY).exit_code == 0
    created = hiveloom("agent", "create", "a", "--model", MODELS[protocol], "--system-prompt", "Hm")
    assert created.exit_code == 0
    if streamed:
        upstream.add(stream_reply(STREAMS[protocol](TEXT)))
    else:
        upstream.add(json_reply(REPLIES[protocol](TEXT)))
    options = [] if streamed else ["--no-stream"]
    done = hiveloom("chat", "a", "Grüezi", *options, env=point_at(upstream))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout_bytes == TEXT.encode()
    request = upstream.requests[0]
    assert request.json.get("stream", False) is streamed
    header = {"openai": "authorization", "anthropic": "x-api-key"}[protocol]
    assert request.headers[header].endswith(KEY)
    assert "Hm" in json.dumps(request.json)
    assert "Grüezi" in json.dumps(request.json, ensure_ascii=False)


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_json_is_one_object(hiveloom: Hiveloom, upstream: ScriptedUpstream, protocol: str) -> None:
    upstream.add(stream_reply(STREAMS[protocol](TEXT)))
    model = MODELS[protocol]
    done = hiveloom("chat", "--model", model, "hi", "--json", env=point_at(upstream))
    document = json.loads(done.stdout)
    conversation_id = document.pop("conversation_id")
    assert document == {
        "agent": None,
        "agent_version": None,
        "model": model,
        "response": TEXT,
        "finish_reason": "stop",
        "usage": {"input_tokens": 3, "output_tokens": 5, "cached_input_tokens": None},
        "tools": [],
    }
    assert len(conversation_id) == 13


def test_what_is_piped_in_is_appended_to_the_message(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    for args, piped, sent in [
        (["review this"], "- a\n+ b\n", "review this\n\n- a\n+ b\n"),
        ([], "only this", "only this"),
        (["only this"], "", "only this"),
        (["only this"], " \n", "only this"),
        (["a"], b"\xff\n", "a\n\n\ufffd\n"),
    ]:
        upstream.add(stream_reply(openai_stream("ok")))
        done = hiveloom("chat", "--model", "m", *args, input=piped, env=point_at(upstream))
        assert done.stdout == "ok"
        assert upstream.requests[-1].json["messages"] == [{"role": "user", "content": sent}]


def test_parameters_of_the_agent_are_sent_and_options_go_before_them(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    upstream.add(stream_reply(openai_stream("ok")), stream_reply(openai_stream("ok")))
    options = ["--temperature", "0.5", "--top-p", "0.9", "--max-tokens", "10"]
    hiveloom("agent", "create", "a", "--model", "m", *options)
    hiveloom("chat", "a", "hi", env=point_at(upstream))
    sent = upstream.requests[0].json
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"]) == (0.5, 0.9, 10)
    options = ["--temperature", "0", "--model", "other", "--system-prompt", "Say ho"]
    hiveloom("chat", "a", "hi", *options, env=point_at(upstream))
    sent = upstream.requests[1].json
    assert (sent["temperature"], sent["top_p"], sent["model"]) == (0, 0.9, "other")
    assert sent["messages"][0] == {"role": "system", "content": "Say ho"}


def test_with_a_model_a_single_word_is_the_message_unless_it_is_an_agent(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "I help")
    upstream.add(stream_reply(openai_stream("ok")), stream_reply(openai_stream("ok")))
    hiveloom("chat", "--model", "n", "hello", env=point_at(upstream))
    hiveloom("chat", "--model", "n", "helper", input="hello", env=point_at(upstream))
    first, second = (request.json["messages"] for request in upstream.requests)
    assert first == [{"role": "user", "content": "hello"}]
    assert second[0] == {"role": "system", "content": "I help"}


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_an_interactive_chat_keeps_the_conversation(
    loopback: LoopbackUpstream, protocol: str
) -> None:
    with spawn_hiveloom("chat", "--model", MODELS[protocol], env=point_at(loopback)) as terminal:
        terminal.expect("/help shows the commands")
        terminal.send_line("Grüezi 🐝")
        terminal.expect("日本語")
        terminal.send_line("again")
        terminal.expect("messages: 3")
        terminal.send_line("/new")
        terminal.expect("A new conversation")
        terminal.send_line("third")
        terminal.expect("messages: 1")
        terminal.press_control("d")
        assert terminal.wait() == 0
    last = [message["role"] for message in loopback.requests[1].json["messages"]]
    assert last == ["user", "assistant", "user"]


def test_control_c_keeps_what_came_and_returns_to_the_prompt(upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    stream = openai_stream("Half an answer and more")
    upstream.add(stream_reply([*stream[:4], gate]), stream_reply(openai_stream("Whole.")))
    with spawn_hiveloom("chat", "--model", "m", env=point_at(upstream)) as terminal:
        terminal.expect("m>")
        terminal.send_line("first")
        terminal.expect("Half an answ")
        terminal.press_control("c")
        terminal.expect("stopped; what came is kept")
        assert upstream.hung_up.wait(PATIENCE_S)
        terminal.send_line("second")
        terminal.expect("Whole.")
        terminal.send_line("/exit")
        assert terminal.wait() == 0
    messages = upstream.requests[1].json["messages"]
    assert [message["content"] for message in messages] == ["first", "Half an answ", "second"]


def test_an_error_ends_the_turn_and_not_the_chat(upstream: ScriptedUpstream) -> None:
    upstream.add(
        json_reply(openai_error("not so"), status=400), stream_reply(openai_stream("Now."))
    )
    with spawn_hiveloom("chat", "--model", "m", env=point_at(upstream)) as terminal:
        terminal.expect("m>")
        terminal.send_line("first")
        terminal.expect("400 Bad Request: not so")
        terminal.send_line("second")
        terminal.expect("Now.")
    assert [message["content"] for message in upstream.requests[1].json["messages"]] == ["second"]


def test_a_paste_of_many_lines_is_one_message(upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream("Read.")))
    lines = "\n".join(f"line {number}" for number in range(500))
    with spawn_hiveloom("chat", "--model", "m", env=point_at(upstream)) as terminal:
        terminal.expect("m>")
        terminal.send(f"\x1b[200~{lines}\x1b[201~")
        terminal.expect("line 499")
        terminal.send_line()
        terminal.expect("Read.")
    assert upstream.requests[0].json["messages"] == [{"role": "user", "content": lines}]


def test_an_answer_on_a_terminal_is_rendered_and_cannot_steer_it(
    upstream: ScriptedUpstream,
) -> None:
    upstream.add(stream_reply(openai_stream("**bold** \x1b]0;title\x07\x1b[2J \u202etxt")))
    with spawn_hiveloom("chat", "--model", "m", "hi", env=point_at(upstream)) as terminal:
        assert terminal.wait() == 0
        assert "**" not in terminal.text
        assert "␛]0;title␇␛[2J <U+202E>txt" in terminal.text
        assert b"\x1b[2J" not in terminal.output


def test_questions_are_asked_on_a_terminal_when_nothing_was_said(home: Path) -> None:
    with spawn_hiveloom("agent", "create") as terminal:
        terminal.expect("Name [helper]:")
        terminal.send_line("Not A Name")
        terminal.expect("cannot name an agent")
        terminal.send_line("mine")
        terminal.expect("Model [gpt-4o-mini]:")
        terminal.send_line()
        terminal.expect("System prompt")
        terminal.send_line("Be brief.")
        assert terminal.wait() == 0
    assert (home / "agents/mine.md").read_text() == "---\nmodel: gpt-4o-mini\n---\nBe brief.\n"


def test_a_key_typed_on_a_terminal_is_hidden(hiveloom: Hiveloom) -> None:
    with spawn_hiveloom("credential", "set", "openai") as terminal:
        terminal.expect("Key for openai (hidden):")
        terminal.send_line(KEY)
        assert terminal.wait() == 0
        assert KEY.encode() not in terminal.output
    assert "openai" in hiveloom("credential", "list").stdout


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (json_reply(openai_error("Wrong key"), status=401), "401 Unauthorized: Wrong key"),
        (json_reply(b"<html><title>Login</title></html>"), "a web page, “Login”"),
        (json_reply(openai_reply("")), "sent no text"),
        (stream_reply(openai_stream("half", finish_reason=None, done=False)), "in the middle"),
        (Reply([*openai_stream("half")[:2], 0.2], ending=Ending.RESET), "connection broke"),
        (json_reply(b""), "empty reply"),
    ],
)
def test_what_is_no_answer_is_one_error_and_exit_code_4(
    hiveloom: Hiveloom, upstream: ScriptedUpstream, reply: Reply, message: str
) -> None:
    upstream.add(reply, reply)
    done = hiveloom("chat", "--model", "m", "hi", env=point_at(upstream))
    assert done.exit_code == 4
    assert message in done.stderr
    assert done.stderr.count("\n") == 2
    assert "Traceback" not in done.stderr
    done = hiveloom("chat", "--model", "m", "hi", "--json", env=point_at(upstream))
    error = json.loads(done.stdout)["error"]
    assert done.exit_code == 4
    assert message in error["message"]
    assert error.keys() >= {"code", "message", "hint"}


def test_a_cut_stream_keeps_its_text_in_the_pipe_and_in_json(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    cut = stream_reply(openai_stream("half", finish_reason=None, done=False))
    upstream.add(cut, cut)
    done = hiveloom("chat", "--model", "m", "hi", env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (4, "half")
    done = hiveloom("chat", "--model", "m", "hi", "--json", env=point_at(upstream))
    assert json.loads(done.stdout)["error"]["partial"] == "half"


def test_an_answer_cut_at_the_limit_says_so(hiveloom: Hiveloom, upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply(openai_stream("half", finish_reason="length")))
    done = hiveloom("chat", "--model", "m", "hi", env=point_at(upstream))
    assert (done.exit_code, done.stdout) == (0, "half")
    assert "--max-tokens" in done.stderr


def test_the_program_speaks_utf8_whatever_the_locale(
    hiveloom: Hiveloom, upstream: ScriptedUpstream
) -> None:
    for locale in ({"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "latin-1"}):
        upstream.add(stream_reply(openai_stream("Zürich 🐝")))
        env = {**point_at(upstream), **locale}
        done = hiveloom("chat", "--model", "m", "Grüezi", input="日本", env=env)
        assert done.stdout == "Zürich 🐝"
        assert upstream.requests[-1].json["messages"][0]["content"] == "Grüezi\n\n日本"


def test_a_demo_takes_the_whole_path_and_leaves_nothing(
    hiveloom: Hiveloom, home: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = hiveloom("demo", env={"TMPDIR": str(temporary)})
    assert (done.exit_code, done.stderr) == (0, "")
    assert "not a\nlanguage model" in done.stdout
    assert done.stdout.count("\n$ hiveloom") + done.stdout.count("| hiveloom") == 8
    assert done.stdout.count("loopback upstream, not a language model") == 3
    assert list(temporary.iterdir()) == list(home.iterdir()) == []
