"""What a hostile client sends to a served agent: it is refused, harms no other, and leaves no mark.

Bytes that no library would send, over real sockets, to `hiveloom serve` as it is started.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.demo.upstream import LoopbackUpstream
from tests.support.patience import PATIENCE_S
from tests.support.program import build_environment, run_hiveloom
from tests.support.served import TOKEN, serve
from tests.support.serving import Answer, build_request, connect, read_answer, send
from tests.support.upstream import ScriptedUpstream, openai_chunk, openai_stream, stream_reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHAT = "/v1/chat/completions"
KNOWN = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]
BODY = b'{"model": "helper", "messages": [{"role": "user", "content": "hi"}]}'
LENGTH = ("Content-Length", str(len(BODY)))
CHUNKED = ("Transfer-Encoding", "chunked")
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@dataclass(frozen=True)
class Target:
    """A server; `said` is where its standard error goes, its access log among the rest."""

    port: int
    said: Path

    def build(self, *headers: tuple[str, str], body: bytes = b"", method: str = "POST") -> bytes:
        return build_request(method, CHAT, [*KNOWN, *headers], port=self.port) + body

    def ask(
        self, path: str = "/v1/models", *headers: tuple[str, str], method: str = "GET"
    ) -> Answer:
        return send(self.port, build_request(method, path, headers, port=self.port))

    def exchange(self, data: bytes) -> bytes:
        """Send bytes, and read all that comes until the server ends the connection."""
        with connect(self.port) as connection:
            come = b""
            try:
                connection.sendall(data)
                while piece := connection.recv(65536):
                    come += piece
            except (ConnectionResetError, BrokenPipeError):
                pass
            return come

    def check(self) -> None:
        """Hold that it still answers, and that nothing but lines of the log was said."""
        answer = self.ask("/v1/models", *KNOWN[:1])
        assert [model["id"] for model in answer.json["data"]] == ["helper"]
        first, *lines = self.said.read_text().splitlines()
        assert first.startswith("Serving at ")
        assert all(set(json.loads(line)) >= {"request_id", "status"} for line in lines)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, ScriptedUpstream]]:
    """Serve one agent for all tests of this file, as a person starts it."""
    home = tmp_path_factory.mktemp("served")
    said = home / "said"
    environ = {"HOME": str(home), "HIVELOOM_HOME": str(home / "hiveloom")}
    run_hiveloom("agent", "create", "helper", "--model", "m", env=environ, cwd=home)
    answer = stream_reply(openai_stream("Hello."))
    with ScriptedUpstream(script=lambda _: answer) as upstream, said.open("w") as log:
        environ["HIVELOOM_OPENAI_BASE_URL"] = upstream.openai_base_url
        environ["HIVELOOM_SERVE_TOKEN"] = TOKEN
        process = subprocess.Popen(
            [sys.executable, "-m", "hiveloom_cli", "serve", "--port", "0"],
            env=build_environment(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=home,
        )
        try:
            yield Target(wait_for_port(said, process), said), upstream
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def wait_for_port(said: Path, process: subprocess.Popen[bytes]) -> int:
    pause = threading.Event()
    while not (text := said.read_text()).endswith("\n"):
        assert process.poll() is None, text
        pause.wait(0.05)
    return int(text.partition("http://127.0.0.1:")[2].partition(" ")[0])


@pytest.fixture
def target(served: tuple[Target, ScriptedUpstream]) -> Iterator[Target]:
    """Give the server, whose upstream is asked for nothing in the test."""
    target, upstream = served
    upstream.requests.clear()
    yield target
    target.check()
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([LENGTH, ("Content-Length", "3")], BODY + SMUGGLED),
        ([("Content-Length", "3"), LENGTH], BODY + SMUGGLED),
        ([("Content-Length", f"{len(BODY)}, 3")], BODY + SMUGGLED),
        ([LENGTH, CHUNKED], CHUNKS + SMUGGLED),
        ([CHUNKED, ("Content-Length", "5")], CHUNKS + SMUGGLED),
        ([CHUNKED, ("Transfer-Encoding", "identity")], CHUNKS + SMUGGLED),
        ([("Transfer-Encoding", "xchunked")], CHUNKS + SMUGGLED),
        ([("Transfer-Encoding", "gzip, chunked")], CHUNKS + SMUGGLED),
        ([("Transfer-Encoding", "chunked, identity")], CHUNKS + SMUGGLED),
        ([("Transfer-Encoding", "\x0bchunked")], CHUNKS + SMUGGLED),
        ([("Transfer-Encoding ", "chunked")], CHUNKS + SMUGGLED),
        ([("Content-Length ", "5")], BODY + SMUGGLED),
        ([("Content-Length", "+5")], BODY + SMUGGLED),
        ([("Content-Length", "-1")], BODY + SMUGGLED),
        ([("Content-Length", "0x44")], BODY + SMUGGLED),
        ([("Content-Length", "6_8")], BODY + SMUGGLED),
        ([LENGTH, ("X", "a\0b")], BODY + SMUGGLED),
        ([LENGTH, ("X", "a\rContent-Length: 1")], BODY + SMUGGLED),
    ],
)
def test_a_request_whose_end_is_not_plain_is_refused_with_all_that_follows(
    target: Target, headers: list[tuple[str, str]], body: bytes
) -> None:
    come = target.exchange(target.build(*headers, body=body))
    assert come.startswith(b"HTTP/1.1 400 ")
    assert come.count(b"HTTP/1.1 ") == 1


def test_chunks_of_http_1_0_are_refused(target: Target) -> None:
    request = target.build(CHUNKED, body=CHUNKS + SMUGGLED).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    come = target.exchange(request)
    assert come.startswith(b"HTTP/1.1 400 ")
    assert come.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\nabc\r\n",
        b"-1\r\nabc\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3;" + b"a" * 200_000,
        b"0\r\n" + b"X: y\r\n" * 40_000,
    ],
)
@pytest.mark.parametrize("headers", [KNOWN, KNOWN[1:]], ids=["known", "unknown"])
def test_broken_chunks_end_the_connection_and_nothing_else(
    target: Target, headers: list[tuple[str, str]], body: bytes
) -> None:
    head = build_request("POST", CHAT, [*headers, CHUNKED], port=target.port)
    come = target.exchange(head + body)
    assert come.count(b"HTTP/1.1 ") <= 1
    assert come[:13] in (b"", b"HTTP/1.1 400 ", b"HTTP/1.1 401 ")


def test_the_second_request_of_a_connection_has_to_show_its_own_token(target: Target) -> None:
    with connect(target.port) as connection:
        first = build_request("GET", "/v1/models", KNOWN[:1], port=target.port)
        second = build_request("GET", "/v1/models", port=target.port)
        connection.sendall(first + second)
        assert [read_status(connection) for _ in range(2)] == [200, 401]


def read_status(connection: object) -> int:
    """Read one answer byte by byte, so that nothing of the next is taken."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)  # type: ignore[attr-defined]
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    for _ in range(length):
        connection.recv(1)  # type: ignore[attr-defined]
    return int(head.split()[1])


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"x" * 300_000,
        b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 300_000,
        b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 50_000,
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100 + b"\r\n\r\n",
        b"\0" * 200_000,
        b"\r\n" * 100_000,
    ],
)
def test_what_is_no_request_is_not_answered_as_one(target: Target, data: bytes) -> None:
    come = target.exchange(data)
    assert come[:13] in (b"", b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "host",
    [
        "l\xf6calhost:{}",
        "\uff11\uff12\uff17.0.0.1:{}",
        "127.0.0.1:{}@evil.example.com",
        "evil.example.com@127.0.0.1:{}",
        "127.0.0.1:{}/..",
        "127.0.0.1:{} evil.example.com",
        "127.0.0.1:{},evil.example.com",
        "localhost.:{}",
        "127.0.0.1.evil.example.com:{}",
        "0x7f.1:{}",
        "2130706433:{}",
        "127.1:{}",
        "[::ffff:127.0.0.1]:{}",
        "[fe80::1%25lo]:{}",
        "[::1:{}",
        "::1:{}",
        "xn--lcalhost-n4a:{}",
        "127.0.0.1",
        "",
    ],
)
def test_a_host_that_only_looks_like_ours_is_refused(target: Target, host: str) -> None:
    value = host.format(target.port).encode()
    request = b"GET /healthz HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % value
    assert target.exchange(request)[9:12] in (b"400", b"421")


def test_our_own_names_are_answered(target: Target) -> None:
    for host in ("127.0.0.1", "LOCALHOST", "[::1]", "[0:0:0:0:0:0:0:1]"):
        assert target.ask("/healthz", ("Host", f"{host}:{target.port}")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "//v1/models",
        "/v1//models",
        "/v1/models/",
        "/%76%31/models",
        "/healthz/../v1/models",
        "/healthz/%2e%2e/v1/models",
        "/healthz%2f..%2fv1/models",
        "/healthz;/v1/models",
        "/healthz;x",
        "/healthz%00",
        "/healthz%0a",
        "/healthz#",
        "/./healthz",
        "/\\healthz",
        "*",
        "http://127.0.0.1/healthz",
        "http://evil.example.com/v1/models",
        f"/v1/models?token={TOKEN}&api_key={TOKEN}&access_token={TOKEN}&key={TOKEN}",
    ],
)
def test_no_way_of_writing_a_path_leads_past_the_token(target: Target, path: str) -> None:
    assert target.ask(path).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", f"Bearer {TOKEN} junk")],
        [("Authorization", f"Bearer {TOKEN},")],
        [("Authorization", f"Bearer {TOKEN}\xa0")],
        [("Authorization", f"Bearer {TOKEN}\x85")],
        [("Authorization", f"Bearer {TOKEN[:-1]}")],
        [("Authorization", f"Bearer {TOKEN.upper()}")],
        [("Authorization", f'Bearer "{TOKEN}"')],
        [("Authorization", f"Basic {TOKEN}")],
        [("Authorization", TOKEN)],
        [("Authorization", "Bearer wrong"), ("Authorization", f"Bearer {TOKEN}")],
        [("x-api-key", f"{TOKEN}, wrong")],
        [("x-api-key", TOKEN), ("x-api-key", TOKEN)],
        [("x_api_key", TOKEN)],
        [("Proxy-Authorization", f"Bearer {TOKEN}")],
        [("X-Original-Authorization", f"Bearer {TOKEN}")],
        [("Cookie", f"token={TOKEN}; authorization=Bearer {TOKEN}")],
        [("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1")],
        [("Forwarded", "for=127.0.0.1"), ("Via", "1.1 localhost")],
        [("X-Original-URL", "/healthz"), ("X-Rewrite-URL", "/healthz")],
        [("X-HTTP-Method-Override", "OPTIONS"), ("X-Forwarded-User", "admin")],
    ],
)
def test_only_the_token_itself_in_its_own_place_lets_in(
    target: Target, headers: list[tuple[str, str]]
) -> None:
    assert target.ask("/v1/models", *headers).status == 401


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "CONNECT", "get"])
def test_no_method_leads_past_the_token(target: Target, method: str) -> None:
    for path in ("/v1/models", CHAT, "/", "/healthz"):
        status = target.ask(path, method=method).status
        assert status in (401, 415) or (method == "HEAD" and path in ("/", "/healthz"))


def test_another_method_in_a_header_is_not_believed(target: Target) -> None:
    override = [("X-HTTP-Method-Override", "POST"), ("X-HTTP-Method", "POST"), ("_method", "POST")]
    assert target.ask(CHAT, *KNOWN, *override).status == 405


def test_there_is_no_way_over_to_another_protocol(target: Target) -> None:
    for kind in ("websocket", "h2c"):
        upgrade = [("Connection", "Upgrade"), ("Upgrade", kind)]
        more = [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")]
        assert target.ask("/v1/models", *upgrade, *more).status == 401
        assert target.ask("/v1/models", *KNOWN[:1], *upgrade, *more).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "helper", "messages": ' + b"[" * 500_000,
        b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
        b'{"model": "helper", "max_tokens": ' + b"9" * 1_000_000 + b', "messages": []}',
        BODY[:-1] + b', "max_tokens": ' + b"9" * 4_000 + b"}",
        BODY[:-1] + b', "temperature": 1e9999}',
        BODY[:-1] + b', "temperature": NaN}',
        BODY[:-1] + b', "max_tokens": 1e999999999}',
        b'{"model": "../../../etc/passwd", "messages": [{"role": "user", "content": "hi"}]}',
        b'{"model": "helper\\u0000", "messages": [{"role": "user", "content": "hi"}]}',
        b'{"model": "\\ud800", "messages": [{"role": "user", "content": "hi"}]}',
        BODY.decode().encode("utf-16"),
        b"\xff" * 1_000,
        b"[" + BODY + b"]",
        b"",
    ],
)
def test_json_that_is_made_to_hurt_is_an_error_like_any_other(target: Target, body: bytes) -> None:
    answer = send(target.port, build_request("POST", CHAT, KNOWN, body, port=target.port))
    assert answer.status in (400, 404)
    assert answer.json["error"]["message"]
    assert len(answer.body) < 1_000


def test_nothing_of_a_request_begins_a_line_of_the_log(target: Target) -> None:
    before = len(target.said.read_text().splitlines())
    forged = '{"status": 200, "request_id": "forged"}'
    target.ask(f"/%0A{forged.replace(' ', '%20')}%0D%0A%1B%5B2J%E2%80%A8%C2%85")
    target.ask("/v1/models", ("X-Request-Id", "a\x85b"), ("Authorization", f"Bearer \x85{forged}"))
    target.ask("/v1/models", method="GE\x7e")
    lines = target.said.read_text().splitlines()[before:]
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert "forged" not in [json.loads(line)["request_id"] for line in lines]


def test_ten_thousand_wrong_tokens_lock_no_right_one_out(target: Target) -> None:
    wrong = b"".join(
        build_request("GET", "/v1/models", [("x-api-key", f"wrong-{number}")], port=target.port)
        for number in range(100)
    )
    right = build_request("GET", "/v1/models", KNOWN[:1], port=target.port)
    with connect(target.port) as guessing, connect(target.port) as knowing:
        for _ in range(100):
            guessing.sendall(wrong)
            come = b""
            while come.count(b"HTTP/1.1 ") < 100 or not come.endswith(b"}"):
                come += guessing.recv(1 << 16)
            assert come.count(b"HTTP/1.1 401 ") == 100
            knowing.sendall(right)
            assert read_answer(knowing).status == 200


def test_connections_that_say_nothing_keep_nobody_out(upstream: ScriptedUpstream) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The server begins with as few files as many systems give, and may take more.
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    try:
        with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as one, ExitStack() as stack:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            port = int(one.origin.rpartition(":")[2])
            for _ in range(400):
                stack.enter_context(connect(port))
            assert (
                send(port, build_request("GET", "/v1/models", KNOWN[:1], port=port)).status == 200
            )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def ask_agent(port: int, text: str = "hi") -> Answer:
    body = BODY.replace(b'"hi"', json.dumps(text).encode())
    return send(port, build_request("POST", CHAT, KNOWN, body, port=port))


def test_an_agent_file_that_changes_is_read_anew_and_tells_nothing_of_what_it_becomes(
    home: Path, tmp_path: Path
) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "first")
    run_hiveloom("agent", "create", "other", "--model", "m")
    file = home / "agents/helper.md"
    kept, private = file.read_text(), tmp_path / "private"
    private.write_text("---\nmodel: what-is-private\n--\n: [")
    with (
        LoopbackUpstream() as upstream,
        serve(
            "--access-log", str(tmp_path / "log"), HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url
        ) as one,
    ):
        port = int(one.origin.rpartition(":")[2])
        assert b"model: `first`" in ask_agent(port).body
        file.write_text(kept.replace("first", "second"))
        assert b"model: `second`" in ask_agent(port).body
        for broken in ("", "---\nmodel: [", "---\nmodel: what-is-private\ntools: {}\n---\n", "\0"):
            file.write_text(broken)
            check_told(ask_agent(port), home)
        file.unlink()
        assert ask_agent(port).status == 404
        file.symlink_to(private)
        check_told(ask_agent(port), home)
        file.unlink()
        os.mkfifo(file)
        other = BODY.replace(b"helper", b"other")
        reply = send(port, build_request("POST", CHAT, KNOWN, other, port=port))
        assert reply.status == 200
        file.unlink()
        file.write_text(kept)
        assert b"model: `first`" in ask_agent(port).body


def check_told(answer: Answer, home: Path) -> None:
    """Hold that an error tells nothing of a file."""
    assert answer.status >= 400
    assert b"private" not in answer.body
    assert str(home).encode() not in answer.body


def test_an_answer_under_way_goes_on_when_its_agent_is_removed(
    home: Path, upstream: ScriptedUpstream
) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    gate = threading.Event()
    end = openai_chunk(finish_reason="stop")
    upstream.add(stream_reply([openai_chunk({"content": "One"}), gate, end, b"data: [DONE]\n\n"]))
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as one:
        port = int(one.origin.rpartition(":")[2])
        body = BODY[:-1] + b', "stream": true}'
        with connect(port) as connection:
            connection.sendall(build_request("POST", CHAT, KNOWN, body, port=port))
            upstream.wait_for_requests()
            (home / "agents/helper.md").unlink()
            gate.set()
            assert b"[DONE]" in read_answer(connection).body
        assert ask_agent(port).status == 404
