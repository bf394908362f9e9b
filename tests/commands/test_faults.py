"""What the real program leaves when an upstream fails: the text, two lines, and exit code 4."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.support.faults import KEY, MODELS, Wire
from tests.support.patience import PATIENCE_S
from tests.support.program import Finished, spawn_hiveloom
from tests.support.upstream import (
    Ending,
    Reply,
    ScriptedUpstream,
    json_reply,
    openai_stream,
    stream_reply,
)
from tests.support.wire import openai_error

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName

Hiveloom = Callable[..., Finished]
SILENT_S = 30.0
ROTATE = "hiveloom credential rotate --name"
MODEL_TEXT = "The model `m` does not exist or you do not have access to it."


def refuse(status: int, text: str, label: str = "") -> Callable[[Wire], Reply]:
    return lambda _: json_reply(openai_error(text, kind=label), status=status)


def at_once(wire: Wire, body: bytes, *pause: float) -> Reply:
    """Build a reply that comes in one piece, so that no wait is between its head and its text."""
    head = "HTTP/1.1 200 OK\r\n{}: {}\r\nTransfer-Encoding: chunked\r\n\r\n".format(*wire.kind)
    last = b"" if pause else b"0\r\n\r\n"
    piece = head.encode() + b"%x\r\n%b\r\n" % (len(body), body) + last
    return Reply([piece, *pause], ending=Ending.CLOSE, has_head=False)


def fall_silent(wire: Wire, text: str) -> Reply:
    return at_once(wire, wire.build_half(text), SILENT_S)


def half(ending: Ending, *pause: float) -> Callable[[Wire], Reply]:
    return lambda wire: wire.reply(wire.build_half("half"), *pause, ending=ending)


CASES: dict[str, tuple[Callable[[Wire], Reply], str, tuple[str, ...]]] = {
    "reset": (half(Ending.RESET, 0.2), "half", ("connection broke", "ask again")),
    "cut": (half(Ending.CUT), "half", ("connection broke", "ask again")),
    "short": (half(Ending.SHORT), "half", ("connection broke", "ask again")),
    "half-closed": (half(Ending.HALF), "half", ("connection broke", "ask again")),
    "ended": (half(Ending.CLOSE), "half", ("ended in the middle", "ask again")),
    "silent": (
        lambda wire: fall_silent(wire, "half"),
        "half",
        ("no byte for 0.5 s", "--timeout SECONDS"),
    ),
    "an error in the middle": (
        lambda wire: wire.reply(
            *wire.build_events("half", whole=False),
            wire.build_error_event("Overloaded", "overloaded_error"),
        ),
        "half",
        ("529: Overloaded", "wait"),
    ),
    "silent from the first": (
        lambda wire: wire.reply(SILENT_S),
        "",
        ("no answer within 0.7 s", "--first-byte-timeout SECONDS"),
    ),
    "a wrong key": (refuse(401, f"Wrong key {KEY}"), "", ("401 Unauthorized: Wrong key", ROTATE)),
    "no money": (refuse(402, "Insufficient Balance"), "", ("Insufficient Balance", "balance")),
    "no quota": (refuse(429, "No.", "insufficient_quota"), "", ("429", "No.")),
    "no model": (refuse(404, MODEL_TEXT), "", ("404 Not Found: The model", "try: ")),
    "no page": (refuse(404, "Not Found"), "", ("404 Not Found", "try: ")),
    "too long": (refuse(400, "prompt is too long: 9 tokens"), "", ("prompt is too long",)),
    "a web page": (
        lambda _: json_reply(b"<html><title>Sign in</title></html>"),
        "",
        ("web page, “Sign in”", "base URL"),
    ),
    "a redirect": (
        lambda wire: wire.reply(status=307, headers=[("Location", "https://evil.example/v1")]),
        "",
        ("307", "https://evil.example/v1", "the API's own address"),
    ),
    "compressed garbage": (
        lambda wire: wire.reply(
            gzip.compress(b"x")[:5] + b"garbage", headers=[("Content-Encoding", "gzip")]
        ),
        "",
        ("cannot be read", "what serves it"),
    ),
}


def point_at(upstream: ScriptedUpstream, timeout_s: float = PATIENCE_S) -> dict[str, str]:
    return {
        "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url,
        "HIVELOOM_TIMEOUT": str(timeout_s),
    }


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
@pytest.mark.parametrize("name", CASES)
def test_a_fault_leaves_its_text_two_lines_and_exit_code_4(
    hiveloom: Hiveloom, protocol: ProtocolName, name: str
) -> None:
    build, text, said = CASES[name]
    reply = build(Wire(protocol, streamed=True))
    assert hiveloom("credential", "set", "--name", protocol, input=KEY).exit_code == 0
    options = ["--first-byte-timeout", "0.7"] if name == "silent from the first" else []
    with ScriptedUpstream(script=lambda _: reply) as upstream:
        env = point_at(upstream, 0.5 if name == "silent" else PATIENCE_S)
        args = ("chat", "--model", MODELS[protocol], "hi", *options)
        done = hiveloom(*args, env=env)
        document = hiveloom(*args, "--json", env=env)
        assert KEY in str(dict(upstream.requests[0].headers))
    assert (done.exit_code, done.stdout) == (4, text)
    problem, hint = done.stderr.splitlines()
    assert problem.startswith("error: ")
    assert hint.startswith("  try: ")
    assert [words for words in said if words not in done.stderr] == []
    assert document.exit_code == 4
    error = json.loads(document.stdout)["error"]
    assert error.get("partial", "") == text
    seen = done.stdout + done.stderr + document.stdout + document.stderr
    assert KEY[:8] not in seen
    assert "Traceback" not in seen


def test_an_answer_that_falls_silent_stays_in_an_interactive_chat() -> None:
    wire = Wire("openai", streamed=True)
    with ScriptedUpstream(
        fall_silent(wire, "Half an answer"),
        at_once(wire, wire.build_answer("Whole.")),
    ) as upstream:
        with spawn_hiveloom("chat", "--model", "m", env=point_at(upstream, 0.5)) as terminal:
            terminal.expect("m>")
            terminal.send_line("first")
            terminal.expect("no byte for 0.5 s")
            terminal.send_line("second")
            terminal.expect("Whole.")
            terminal.send_line("/exit")
            assert terminal.wait() == 0
        messages = upstream.requests[1].json["messages"]
    assert [message["content"] for message in messages] == ["first", "Half an answer", "second"]


@pytest.mark.parametrize("option", ["--timeout", "--first-byte-timeout"])
@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "100000", "soon"])
def test_a_limit_that_is_none_is_refused(hiveloom: Hiveloom, option: str, seconds: str) -> None:
    done = hiveloom("chat", "--model", "m", "hi", option, seconds)
    assert done.exit_code == 2
    assert option in done.stderr
    variable = f"HIVELOOM_{option.strip('-').replace('-', '_').upper()}"
    done = hiveloom("chat", "--model", "m", "hi", env={variable: seconds})
    assert done.exit_code == 2
    assert variable in done.stderr


def test_an_option_goes_before_its_variable(hiveloom: Hiveloom, upstream: ScriptedUpstream) -> None:
    events = openai_stream("slow")
    upstream.add(stream_reply([*events[:2], 1.0, *events[2:]]))
    done = hiveloom("chat", "--model", "m", "hi", "--timeout", "20", env=point_at(upstream, 0.5))
    assert (done.exit_code, done.stdout) == (0, "slow")


@pytest.mark.parametrize(
    ("proxy", "problem"),
    [
        ("http://127.0.0.1:9", "Connection refused"),
        ("socks5://127.0.0.1:9", "Connection refused" if find_spec("socks") else "SOCKS"),
        ("http://user:geheim@127.0.0.1:9", "Connection refused"),
        ("nonsense://127.0.0.1:9", "unsupported scheme"),
    ],
)
def test_a_proxy_that_fails_is_told_without_its_password(
    hiveloom: Hiveloom, proxy: str, problem: str
) -> None:
    hiveloom("credential", "set", "openai", input=KEY)
    env = {"HIVELOOM_OPENAI_BASE_URL": "https://llm.example.org/v1", "https_proxy": proxy}
    done = hiveloom("chat", "--model", "m", "hi", env=env)
    assert done.exit_code == 4
    assert "the proxy did not let us through" in done.stderr
    assert problem in done.stderr
    assert "NO_PROXY" in done.stderr
    assert "geheim" not in done.stderr
