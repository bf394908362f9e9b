"""What `hiveloom serve` promises by default, promise by promise, of the process as it is started.

Where a test of a promise stands already, it is named and not repeated:

- loopback: here
- a token always: here, at each route
- tokens are made, listed, revoked, and kept as hashes: commands/test_serve_safety.py,
  commands/test_serve_token_commands.py, serve/test_tokens.py
- one of the environment; one that is made and printed: commands/test_serve_safety.py
- `--no-token` on loopback alone: here, commands/test_serve_safety.py, serve/test_tokens.py
- compared in constant time: serve/test_tokens.py
- `Host`, `Origin`, forms: here, serve/test_guard.py, serve/test_guard_rules.py,
  servers/test_nginx.py
- no other page may read: here, serve/test_guard.py
- limits of bodies, messages and answers at a time: here, serve/test_guard.py
- slow clients time out: here (heads), serve/test_guard.py (heads, bodies, readers)
- request ids, the access log: here, serve/test_guard.py, serve/test_access_log.py
- no upstream's key in an answer or an error: here, serve/test_failure.py
- tools that ask are denied unless the operator names them: here
- a client's end is the upstream's, within a second: here, servers/test_nginx.py

What hostile clients try beyond that is in test_hostile_requests.py.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Route

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.serve.application import build_application
from hiveloom_cli.serve.metrics import Metrics
from hiveloom_cli.serve.page import PATHS
from tests.support.attack import MODEL_KEY, list_leaks
from tests.support.patience import PATIENCE_S
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, serve
from tests.support.serving import Answer, build_request, connect, read_answer, send
from tests.support.upstream import (
    Reply,
    ScriptedUpstream,
    anthropic_error,
    json_reply,
    openai_chunk,
    openai_error,
    sse,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.attack import Attack

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
OWN = "/api/tenants/default/agents/helper/chat"
PUBLIC = {"/healthz", *PATHS}  # whether it is well, and the files of the page
HANG_UP_S = 1.0  # promised; the best of three counts, since the machine may be busy
MOST_RUNNING = 256
MOST_BYTES = 32 << 20
HEAD_S = 20


def build_body(path: str, text: str = "hi", *, stream: bool = False) -> bytes:
    """Build what each of the three ways of asking takes."""
    if path == OWN:
        return json.dumps({"message": text, "stream": stream}).encode()
    said = [{"role": "user", "content": text}]
    body = {"model": "helper", "max_tokens": 99, "messages": said, "stream": stream}
    return json.dumps(body).encode()


def build_post(
    port: int,
    path: str = CHAT,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    known = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    shown = known | dict(headers or {})
    content = build_body(path) if body is None else body
    return build_request("POST", path, [*shown.items()], content, port=port)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "access.jsonl"


@pytest.fixture
def port(upstream: ScriptedUpstream, log: Path) -> Iterator[int]:
    """Serve an agent named helper, and give the port."""
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")
    with serve("--access-log", str(log), HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as one:
        yield int(one.origin.rpartition(":")[2])


def test_it_listens_on_loopback_and_nowhere_else(port: int) -> None:
    connect(port).close()
    # The whole of 127/8 would be answered by a socket that listens everywhere.
    for family, address in ((socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as connection, pytest.raises(OSError, match=r"refused|assign"):
            connection.connect((address, port))


def list_routes() -> list[tuple[str, str]]:
    """List every method and path that is answered, as the application itself knows them."""
    metrics = Metrics().build_route()
    application = build_application(object(), SystemClock(), metrics)  # type: ignore[arg-type]
    return [
        (method, route.path.replace("{agent}", "helper"))
        for route in application.routes
        if isinstance(route, Route)
        for method in sorted(route.methods or {"GET", "POST"})
    ]


def test_each_route_wants_a_token_but_for_those_that_are_public(port: int) -> None:
    asked = set()
    for method, path in list_routes():
        if path in PUBLIC and method in ("GET", "HEAD"):
            continue
        for shown in ({}, {"Authorization": "Bearer wrong"}, {"x-api-key": "wrong"}):
            headers = [*shown.items(), ("Content-Type", "application/json")]
            body = b"{}" if method == "POST" else b""
            answer = send(port, build_request(method, path, headers, body, port=port))
            assert answer.status == 401, (method, path, shown)
            asked.add(path)
    assert asked >= {CHAT, MESSAGES, OWN, "/v1/models", "/mcp/helper", "/metrics", "/openapi.json"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_without_tokens_it_listens_on_no_other_address(host: str) -> None:
    done = run_hiveloom("serve", "--host", host, "--port", "0", "--no-token")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "leave --no-token out" in done.stderr


def test_without_tokens_it_answers_to_no_name_of_a_proxy() -> None:
    words = ("serve", "--port", "0", "--no-token", "--allow-host", "agents.example.com")
    done = run_hiveloom(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--no-token would let anyone in who asks for agents.example.com" in done.stderr


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "rebound.example.com"}, 421),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
@pytest.mark.parametrize("path", [CHAT, MESSAGES, OWN])
def test_no_page_can_ask_with_a_token_that_it_stole(
    port: int, upstream: ScriptedUpstream, path: str, headers: dict[str, str], status: int
) -> None:
    assert send(port, build_post(port, path, headers=headers)).status == status
    assert upstream.requests == []


def test_no_page_may_read_an_answer_by_default(port: int, upstream: ScriptedUpstream) -> None:
    upstream.add(stream_reply([openai_chunk({"content": "x"}, finish_reason="stop")]))
    own = f"http://127.0.0.1:{port}"
    answers = [
        send(port, build_post(port)),
        send(port, build_request("GET", "/healthz", [("Origin", own)], port=port)),
        send(port, build_request("GET", "/healthz", [("Origin", "https://a.example")], port=port)),
        send(port, build_request("OPTIONS", CHAT, [("Origin", own)], port=port)),
    ]
    assert [one.status for one in answers] == [200, 200, 403, 401]
    for answer in answers:
        assert not [name for name, _ in answer.headers if name.startswith("access-control-")]


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(port: int) -> None:
    with connect(port) as connection:
        head = build_post(port, body=b"", headers={"Content-Length": str(MOST_BYTES + 1)})
        connection.sendall(head)
        assert read_answer(connection).code == "request_too_large"


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_more_messages_than_a_conversation_has_are_refused(port: int, path: str) -> None:
    said = [{"role": "user", "content": "x"}] * 100_000
    body = json.dumps({"model": "helper", "max_tokens": 9, "messages": said}).encode()
    answer = send(port, build_post(port, path, body))
    assert answer.status == 400
    assert "100000 items are too many" in answer.json["error"]["message"]


def test_more_answers_at_a_time_than_it_gives_are_refused_with_a_time_to_wait(port: int) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(connect(port)) for _ in range(MOST_RUNNING)]
        for connection in held:
            connection.sendall(build_post(port, body=b"", headers={"Content-Length": "10"}))
        deadline = time.monotonic() + PATIENCE_S
        while (answer := send(port, build_post(port, body=b"{}"))).status != 429:
            assert time.monotonic() < deadline
        assert answer.code == "too_many_requests"
        assert int(answer.get("retry-after") or 0) >= 1
        assert send(port, build_request("GET", "/healthz", port=port)).status == 200


def test_who_says_nothing_or_half_a_head_is_let_go(port: int) -> None:
    begun_at = time.monotonic()
    with ExitStack() as stack:
        waiting = [stack.enter_context(connect(port)) for _ in range(40)]
        for number, connection in enumerate(waiting):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: "[: number % 40])
            connection.settimeout(HEAD_S + PATIENCE_S)
        for connection in waiting:
            assert connection.recv(1) == b""
    assert time.monotonic() - begun_at > HEAD_S - 1


def test_a_request_has_an_id_and_a_line_without_what_was_said(
    port: int, upstream: ScriptedUpstream, log: Path
) -> None:
    upstream.add(stream_reply([openai_chunk({"content": "the-answer"}, finish_reason="stop")]))
    body = build_body(CHAT, "the-question", stream=True)
    path = f"{CHAT}?api_key=the-query"
    own = {"Cookie": "the-cookie", "X-Request-Id": "my-id"}
    answer = send(port, build_post(port, path, body, own))
    assert b"the-answer" in answer.body
    wrong = {"Authorization": "Bearer the-wrong-token"}
    refused = send(port, build_post(port, CHAT, body, wrong))
    rows = wait_for_rows(log, 2)
    assert [row["request_id"] for row in rows] == ["my-id", refused.get("x-request-id")]
    assert [(row["path"], row["agent"], row["status"]) for row in rows] == [
        (CHAT, "helper", 200),
        (CHAT, None, 401),
    ]
    for word in (TOKEN, "the-question", "the-answer", "the-query", "the-cookie", "the-wrong"):
        assert word not in log.read_text()


def wait_for_rows(log: Path, count: int) -> list[dict[str, Any]]:
    """Read the log once it has so many lines: they are written after the answers."""
    deadline = time.monotonic() + PATIENCE_S
    while len(lines := log.read_text().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return [json.loads(line) for line in lines]


def quote_key(text: str) -> list[Reply]:
    """Build the replies of an upstream that quotes the key, in each way in which it can fail."""
    begun = openai_chunk({"content": "Well"})
    in_the_middle = sse(json.loads(openai_error(text)))
    return [
        *(json_reply(openai_error(text), status=status) for status in (400, 401, 403, 404, 422)),
        *(json_reply(openai_error(text), status=status) for status in (402, 413, 429, 500, 529)),
        json_reply(anthropic_error(text), status=400),
        json_reply(text.encode(), status=400),
        json_reply(b"{", status=400, headers=[("X-Echo", text)]),
        stream_reply([in_the_middle]),
        stream_reply([begun, in_the_middle]),
        stream_reply([begun, f"data: {text}\n\n".encode()]),
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, OWN])
def test_an_upstream_that_quotes_the_key_gives_it_to_nobody(
    log: Path, path: str, *, stream: bool
) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    run_hiveloom("credential", "set", "openai", input=MODEL_KEY)
    ways = quote_key(f"maximum context length is 5 for Bearer {MODEL_KEY}")
    now = ways[:1]
    with (
        ScriptedUpstream(script=lambda _: now[0]) as upstream,
        serve(
            "--access-log",
            str(log),
            HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url,
            HIVELOOM_MAX_TRIES="1",
        ) as served,
    ):
        port = int(served.origin.rpartition(":")[2])
        for now[0] in ways:
            answer = send(port, build_post(port, path, build_body(path, stream=stream)))
            assert b"rror" in answer.body, answer
            assert list_leaks(answer.body + repr(answer.headers).encode()) == []
            assert upstream.requests[-1].headers["authorization"] == f"Bearer {MODEL_KEY}"
        served.process.terminate()
        assert served.process.stderr
        told = served.process.stderr.read()
    assert "warning: the agent helper: " in told
    assert list_leaks(log.read_bytes() + told.encode()) == []


@pytest.mark.parametrize("path", [CHAT, MESSAGES, OWN])
def test_an_answer_that_repeats_the_key_is_told_without_it(log: Path, path: str) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    run_hiveloom("credential", "set", "openai", input=MODEL_KEY)
    said = openai_chunk({"content": f"You sent {MODEL_KEY}, thank you."})
    middle = said.index(MODEL_KEY.encode()) + 5
    pieces = [said[:middle], said[middle:], openai_chunk(finish_reason="stop"), sse("[DONE]")]
    with (
        ScriptedUpstream(script=lambda _: stream_reply(pieces)) as upstream,
        serve(
            "--save",
            "--access-log",
            str(log),
            HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url,
        ) as served,
    ):
        port = int(served.origin.rpartition(":")[2])
        for stream in (False, True):
            answer = send(port, build_post(port, path, build_body(path, stream=stream)))
            assert b"You sent [key], thank you." in answer.body, answer
            assert list_leaks(answer.body + repr(answer.headers).encode()) == []


def ask_for_tool(attack: Attack, log: Path, *options: str) -> Answer:
    """Have the model call the tool that makes the marker; return what the client got."""
    attack.write_tool(f"command: {attack.touch}")
    attack.write_agent()
    with serve("--access-log", str(log), *options, **attack.environment) as served:
        port = int(served.origin.rpartition(":")[2])
        body = json.dumps({"model": "a", "messages": [{"role": "user", "content": "call evil {}"}]})
        return send(port, build_post(port, CHAT, body.encode()))


def test_a_tool_that_asks_is_denied(attack: Attack, log: Path) -> None:
    answer = ask_for_tool(attack, log)
    assert answer.status == 200
    assert not attack.marker.exists()
    assert "Not run: it needs a person's approval" in attack.read_told()


def test_another_tool_s_name_does_not_allow_it(attack: Attack, log: Path) -> None:
    assert ask_for_tool(attack, log, "--allow-tool", "evi", "--allow-tool", "*").status == 200
    assert not attack.marker.exists()


def test_a_tool_that_the_operator_names_runs(attack: Attack, log: Path) -> None:
    assert ask_for_tool(attack, log, "--allow-tool", "evil").status == 200
    assert attack.marker.exists()
    attack.marker.unlink()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, OWN])
def test_when_a_client_hangs_up_the_upstream_s_request_is_closed_within_a_second(
    port: int, upstream: ScriptedUpstream, path: str, *, stream: bool
) -> None:
    took_s = []
    for number in range(1, 4):
        upstream.hung_up.clear()
        upstream.add(stream_reply([openai_chunk({"content": "One"}), threading.Event()]))
        with connect(port) as connection:
            connection.sendall(build_post(port, path, build_body(path, stream=stream)))
            upstream.wait_for_requests(number)
            if stream:
                assert connection.recv(1)
        left_at = time.monotonic()
        assert upstream.hung_up.wait(PATIENCE_S)
        took_s.append(time.monotonic() - left_at)
    assert min(took_s) < HANG_UP_S
