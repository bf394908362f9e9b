"""Safe by default: each promise of the guard, over real sockets, before a small app."""

from __future__ import annotations

import asyncio
import io
import json
import select
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.serve.connection import TimedConnection
from hiveloom_cli.serve.door.access_log import AccessLog
from hiveloom_cli.serve.door.guard import Guard
from hiveloom_cli.serve.door.guard_rules import Rules
from hiveloom_cli.serve.door.hosts import build_hosts
from hiveloom_cli.serve.door.tokens import Tokens
from tests.support.patience import PATIENCE_S
from tests.support.serving import Answer, build_request, connect, read_answer, running, send

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

FRIEND = "https://chat.example.com"
SAID = b'{"message": "what nobody else may read"}'


class Lines(io.StringIO):
    """A log that can be waited for: a line is written after its answer was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Condition()

    def flush(self) -> None:
        with self.came:
            self.came.notify_all()

    def wait(self, count: int = 1) -> list[dict[str, Any]]:
        with self.came:
            assert self.came.wait_for(lambda: self.getvalue().count("\n") >= count, PATIENCE_S)
        return [json.loads(line) for line in self.getvalue().splitlines()]


@dataclass
class App:
    """Answers with what it was sent; `/hold` waits for `let_go`, `/stream` pauses in the middle."""

    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    let_go: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        self.entered.release()
        if scope["path"] == "/fail":
            raise ArithmeticError
        if scope["path"] == "/hold":
            await self._wait()
        scope["hiveloom"]["agent"] = "helper"
        headers = [(b"content-type", b"text/plain"), (b"access-control-allow-origin", b"*")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/stream":
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await self._wait()
        if scope["path"] == "/watch":
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            assert (await receive())["type"] == "http.disconnect"
            self.left.set()
            return
        if scope["path"] == "/flood":
            await self._flood(receive, send)
        await send({"type": "http.response.body", "body": body})

    async def _flood(self, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(receive())
        while not gone.done():
            more = {"type": "http.response.body", "body": bytes(1 << 20), "more_body": True}
            await send(more)
            await asyncio.sleep(0)
        self.left.set()

    async def _wait(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.let_go.wait, PATIENCE_S)


@dataclass
class Served:
    """A guarded app that is being served, and a client of it that has a token."""

    port: int
    app: App
    log: Lines
    token: str
    tokens: Tokens

    def build(
        self,
        method: str = "POST",
        path: str = "/v1/x",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = SAID,
        *,
        kind: str = "application/json",
        token: str | None = None,
    ) -> bytes:
        shown = self.token if token is None else token
        sent = [*headers]
        if shown:
            sent.append(("Authorization", f"Bearer {shown}"))
        if method == "POST":
            sent.append(("Content-Type", kind))
        return build_request(method, path, sent, body if method == "POST" else b"", port=self.port)

    def ask(self, *args: Any, **options: Any) -> Answer:
        return send(self.port, self.build(*args, **options))


@contextmanager
def serving(
    path: Path,
    *,
    connection: type[TimedConnection] = TimedConnection,
    is_open: bool = False,
    **changed: Any,
) -> Iterator[Served]:
    tokens = Tokens(path, SystemClock())
    _, secret = tokens.create("notebook")
    app, log = App(), Lines()

    def build(port: int) -> ASGIApp:
        rules = Rules(
            build_hosts("127.0.0.1", port, ["agents.example.com"]),
            frozenset({FRIEND}),
            frozenset({"/healthz", "/"}),
        )
        doorkeeper = None if is_open else Tokens(path, SystemClock())
        return Guard(app, replace(rules, **changed), doorkeeper, AccessLog(log), SystemClock())

    with running(build, by_port=True, connection=connection) as port:
        try:
            yield Served(port, app, log, secret.reveal(), tokens)
        finally:
            app.let_go.set()
            app.left.set()


@pytest.fixture
def path(home: Path) -> Path:
    return home / "serve_tokens.json"


@pytest.fixture
def served(path: Path) -> Iterator[Served]:
    with serving(path) as served:
        yield served


def test_with_a_token_a_request_passes_whole(served: Served) -> None:
    answer = served.ask()
    assert (answer.status, answer.body) == (200, SAID)
    assert answer.get("content-type") == "text/plain"


@pytest.mark.parametrize("name", ["x-api-key", "X-API-Key"])
def test_a_token_may_stand_where_anthropic_clients_put_it(served: Served, name: str) -> None:
    assert served.ask(headers=[(name, served.token)], token="").status == 200


def test_without_a_token_or_with_a_wrong_one_nobody_is_let_in(served: Served) -> None:
    for token, code in (("", "token_missing"), ("hlm_wrong", "token_invalid")):
        answer = served.ask(token=token)
        assert (answer.status, answer.code) == (401, code)
        assert answer.get("www-authenticate") == "Bearer"
    assert served.ask("GET", "/v1/models", token="").status == 401
    assert served.ask("OPTIONS", "/v1/models", token="").status == 401
    assert not served.app.entered.acquire(blocking=False)


def test_a_revoked_token_stops_at_once(served: Served) -> None:
    assert served.ask().status == 200
    served.tokens.revoke("notebook")
    assert served.ask().status == 401
    _, other = served.tokens.create()
    assert served.ask(token=other.reveal()).status == 200


def test_a_list_of_tokens_that_cannot_be_read_lets_nobody_in(served: Served, path: Path) -> None:
    path.write_text("{")
    answer = served.ask()
    assert (answer.status, answer.code) == (503, "tokens_unreadable")
    assert str(path) not in answer.body.decode()


def test_only_reading_what_is_public_needs_no_token(served: Served) -> None:
    assert served.ask("GET", "/healthz", token="").status == 200
    assert served.ask("HEAD", "/", token="").status == 200
    for method, place in (
        ("POST", "/healthz"),
        ("GET", "/healthz/"),
        ("GET", "//healthz"),
        ("GET", "/HEALTHZ"),
        ("GET", "/healthz%00"),
        ("GET", f"http://127.0.0.1:{served.port}/healthz"),
    ):
        assert served.ask(method, place, token="").status == 401, place


def test_without_tokens_everything_else_is_still_checked(path: Path) -> None:
    with serving(path, is_open=True) as served:
        assert served.ask(token="").status == 200
        assert served.ask(token="", kind="text/plain").status == 415
        assert served.ask(token="", headers=[("Origin", "https://evil.example.com")]).status == 403
        assert served.ask(token="", headers=[("Host", "evil.example.com")]).status == 421


def test_a_name_that_was_made_to_lead_here_is_refused(served: Served) -> None:
    host = f"rebound.example.com:{served.port}"
    headers = [("Host", host), ("Origin", f"http://{host}"), ("Sec-Fetch-Site", "same-origin")]
    for method, place in (("POST", "/v1/x"), ("GET", "/v1/models"), ("GET", "/healthz")):
        answer = served.ask(method, place, headers)
        assert (answer.status, answer.code) == (421, "host_not_allowed")
    assert not served.app.entered.acquire(blocking=False)


def test_a_request_names_one_host(served: Served) -> None:
    host = f"127.0.0.1:{served.port}"
    assert served.ask(headers=[("Host", f"localhost:{served.port}")]).status == 200
    assert served.ask(headers=[("Host", "agents.example.com")]).status == 200
    assert served.ask(headers=[("Host", host), ("Host", "evil.example.com")]).status == 400
    assert send(served.port, b"GET /healthz HTTP/1.1\r\n\r\n").status == 400
    assert send(served.port, b"GET /healthz HTTP/1.0\r\n\r\n").code == "host_invalid"


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_site_may_not_ask(served: Served, origin: str) -> None:
    answer = served.ask(headers=[("Origin", origin)])
    assert (answer.status, answer.code) == (403, "origin_not_allowed")
    preflight = served.ask(
        "OPTIONS", headers=[("Origin", origin), ("Access-Control-Request-Method", "POST")], token=""
    )
    assert preflight.status == 403
    for one in (answer, preflight):
        assert not [name for name, _ in one.headers if name.startswith("access-control-")]
    assert served.ask("GET", "/v1/models", [("Sec-Fetch-Site", "cross-site")]).status == 403


def test_our_own_page_may_ask(served: Served) -> None:
    own = f"http://127.0.0.1:{served.port}"
    answer = served.ask(headers=[("Origin", own), ("Sec-Fetch-Site", "same-origin")])
    assert answer.status == 200
    assert answer.get("access-control-allow-origin") is None


def test_a_page_of_an_allowed_origin_may_ask_and_read(served: Served) -> None:
    preflight = served.ask(
        "OPTIONS",
        headers=[
            ("Origin", FRIEND),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization, content-type"),
        ],
        token="",
    )
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.get("access-control-allow-headers") == "authorization, content-type"
    origin = [("Origin", FRIEND), ("Sec-Fetch-Site", "cross-site")]
    for answer in (preflight, served.ask(headers=origin), served.ask(headers=origin, token="x")):
        assert answer.get("access-control-allow-origin") == FRIEND
        assert answer.get("vary") == "Origin"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_what_a_form_may_send_is_no_request(served: Served, kind: str) -> None:
    answer = served.ask(kind=kind)
    assert (answer.status, answer.code) == (415, "content_type_invalid")


def test_a_body_that_is_announced_as_too_large_is_not_read(path: Path) -> None:
    with serving(path, most_bytes=1000) as served:
        assert served.ask(body=bytes(1000)).status == 200
        assert served.app.entered.acquire(timeout=PATIENCE_S)
        head = served.build(headers=[("Content-Length", "1001")], body=b"")
        answer = send(served.port, head)
        assert (answer.status, answer.code) == (413, "request_too_large")
        assert not served.app.entered.acquire(blocking=False)


def test_a_body_that_grows_too_large_is_cut_off(path: Path) -> None:
    with serving(path, most_bytes=1000) as served, connect(served.port) as connection:
        connection.sendall(served.build(headers=[("Transfer-Encoding", "chunked")], body=b""))
        connection.sendall(b"258\r\n" + bytes(600) + b"\r\n" + b"258\r\n" + bytes(600) + b"\r\n")
        answer = read_answer(connection)
        assert (answer.status, answer.code) == (413, "request_too_large")
        assert not served.app.entered.acquire(blocking=False)


def test_a_large_body_that_was_refused_may_be_sent_to_its_end(path: Path) -> None:
    with serving(path, most_bytes=1000) as served, connect(served.port) as connection:
        connection.sendall(served.build(body=bytes(4 << 20)))
        assert read_answer(connection).status == 413
        connection.sendall(served.build())
        assert read_answer(connection).status == 200


def test_a_body_that_takes_too_long_is_not_waited_for(path: Path) -> None:
    with serving(path, body_s=0.2) as served, connect(served.port) as connection:
        connection.sendall(served.build(headers=[("Content-Length", "10")], body=b"") + b"{")
        answer = read_answer(connection)
        assert (answer.status, answer.code) == (408, "request_too_slow")
        assert connection.recv(1) == b""


def test_nothing_is_read_of_a_body_before_its_token_was_seen(served: Served) -> None:
    head = served.build(headers=[("Content-Length", "10")], body=b"", token="wrong")
    assert send(served.port, head).status == 401


def read_end(connection: socket.socket) -> bytes:
    """Read to the end of a connection, however it ends."""
    try:
        return connection.recv(1)
    except ConnectionResetError:
        return b""


def is_readable(connection: socket.socket, seconds: float) -> bool:
    return bool(select.select([connection], [], [], seconds)[0])


class Hasty(TimedConnection):
    """Waits for next to nothing, from when the test has sent what it has to send."""

    head_s = 0.2
    read_s = 0.2
    has_sent: threading.Event

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        assert self.has_sent.wait(PATIENCE_S)
        super().connection_made(transport)


@pytest.fixture
def hasty() -> type[Hasty]:
    class OfTest(Hasty):
        has_sent = threading.Event()

    return OfTest


@pytest.mark.parametrize("begin", [b"", b"POST /v1/x HTTP/1.1\r\nHost: 127"])
def test_a_request_that_does_not_come_is_not_waited_for(
    path: Path, hasty: type[Hasty], begin: bytes
) -> None:
    with serving(path, connection=hasty) as served, connect(served.port) as connection:
        connection.sendall(begin)
        hasty.has_sent.set()
        assert read_end(connection) == b""


def test_the_second_request_of_a_connection_is_not_waited_for_either(
    path: Path, hasty: type[Hasty]
) -> None:
    with serving(path, connection=hasty) as served, connect(served.port) as connection:
        connection.sendall(served.build("GET", "/healthz"))
        hasty.has_sent.set()
        assert read_answer(connection).status == 200
        connection.sendall(b"GET /hea")
        assert read_end(connection) == b""


def test_a_long_answer_is_not_cut_by_the_limit_for_a_request(
    path: Path, hasty: type[Hasty]
) -> None:
    with serving(path, connection=hasty) as served, connect(served.port) as connection:
        connection.sendall(served.build(path="/hold"))
        hasty.has_sent.set()
        assert served.app.entered.acquire(timeout=PATIENCE_S)
        assert not is_readable(connection, 0.5)
        served.app.let_go.set()
        assert read_answer(connection).body == SAID


def test_a_client_that_does_not_read_is_let_go(path: Path, hasty: type[Hasty]) -> None:
    with serving(path, connection=hasty) as served, connect(served.port) as connection:
        connection.sendall(served.build(path="/flood"))
        hasty.has_sent.set()
        assert served.app.entered.acquire(timeout=PATIENCE_S)
        assert served.app.left.wait(PATIENCE_S)
        assert served.log.wait()[0]["status"] == 200


def test_more_requests_than_are_answered_at_a_time_are_sent_away(path: Path) -> None:
    with serving(path, most_running=2) as served:
        held = [connect(served.port) for _ in range(2)]
        for connection in held:
            connection.sendall(served.build(path="/hold"))
            assert served.app.entered.acquire(timeout=PATIENCE_S)
        answer = served.ask()
        assert (answer.status, answer.code) == (429, "too_many_requests")
        assert answer.get("retry-after") == "1"
        assert served.ask("GET", "/healthz", token="").status == 200
        assert served.ask("GET", "/metrics").status == 200
        assert served.ask("GET", "/metrics", token="").status == 401
        served.app.let_go.set()
        for connection in held:
            with connection:
                assert read_answer(connection).status == 200
        assert served.ask().status == 200


def test_a_place_is_free_again_however_a_request_ends(path: Path) -> None:
    with serving(path, most_running=1, most_bytes=100, body_s=0.1) as served:
        slow = served.build(headers=[("Content-Length", "10")], body=b"")
        for request in (served.build(path="/fail"), slow):
            assert send(served.port, request).status in (408, 500)
        with connect(served.port) as connection:
            connection.sendall(slow)
        served.log.wait(3)
        assert served.ask().status == 200


def test_a_request_has_an_id(served: Served) -> None:
    named = served.ask(headers=[("X-Request-Id", "a-B_1.2")])
    assert (named.get("x-request-id"), named.get("request-id")) == ("a-B_1.2", "a-B_1.2")
    made = [served.ask(headers=[("X-Request-Id", "a b")]).get("x-request-id") for _ in range(2)]
    refused = served.ask(token="").get("x-request-id")
    assert len({*made, refused}) == 3
    assert None not in made
    rows = served.log.wait(4)
    assert [row["request_id"] for row in rows] == ["a-B_1.2", *made, refused]


def test_the_log_tells_of_each_request_without_what_was_said(served: Served) -> None:
    served.ask(path="/v1/x?q=what-was-asked", headers=[("Cookie", "what-was-kept")])
    served.ask(token="hlm_wrong-one")
    first, second = served.log.wait(2)
    assert first.pop("time").endswith("Z")
    assert first.pop("duration_ms") >= 0
    assert first.pop("request_id")
    assert first == {
        "method": "POST",
        "path": "/v1/x",
        "client": "127.0.0.1",
        "token": served.tokens.load_all()[0].id,
        "agent": "helper",
        "status": 200,
        "bytes": len(SAID),
        "refused": None,
        "complete": True,
    }
    assert (second["status"], second["refused"], second["token"]) == (401, "token_invalid", None)
    text = served.log.getvalue()
    for secret in (served.token, "hlm_", "nobody else", "what-was", "Bearer", "digest"):
        assert secret not in text


def test_a_path_cannot_forge_a_line_of_the_log(served: Served) -> None:
    served.ask("GET", '/x%0A{"status":200}%1B[2J%E2%80%AE')
    text = served.log.getvalue() if served.log.wait() else ""
    assert text.count("\n") == 1
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["path"] == '/x\n{"status":200}\x1b[2J\u202e'


def test_each_answer_says_how_it_may_be_used(served: Served) -> None:
    for answer in (served.ask(), served.ask(token=""), served.ask("GET", "/healthz", token="")):
        assert answer.get("x-content-type-options") == "nosniff"
        assert answer.get("referrer-policy") == "no-referrer"
        assert answer.get("cache-control") == "no-store"
        assert answer.get("x-frame-options") == "DENY"
        assert not [name for name, _ in answer.headers if name.startswith("access-control-")]


def test_a_stream_passes_unbuffered(served: Served) -> None:
    with connect(served.port) as connection:
        connection.sendall(served.build(path="/stream"))
        come = b""
        while b"first" not in come:
            come += connection.recv(4096)
        assert SAID not in come
        served.app.let_go.set()
        while SAID not in come:
            come += connection.recv(4096)


def test_an_app_learns_that_its_client_left(served: Served) -> None:
    with connect(served.port) as connection:
        connection.sendall(served.build(path="/watch"))
        assert connection.recv(4096)
    assert served.app.left.wait(PATIENCE_S)
    assert served.log.wait()[0]["complete"] is False


def test_a_client_that_leaves_in_the_middle_of_its_body_reaches_nobody(served: Served) -> None:
    with connect(served.port) as connection:
        connection.sendall(served.build(headers=[("Content-Length", "10")], body=b"") + b"{")
    row = served.log.wait()[0]
    assert (row["status"], row["complete"]) == (None, False)
    assert not served.app.entered.acquire(blocking=False)


def test_a_fault_of_the_app_is_told_without_its_traceback(served: Served) -> None:
    answer = served.ask(path="/fail")
    assert (answer.status, answer.code) == (500, "server_fault")
    assert "Arithmetic" not in answer.body.decode()
    assert served.log.wait()[0]["refused"] == "server_fault"


def test_many_tokens_may_be_shown_at_once_and_one_is_enough(served: Served) -> None:
    assert served.ask(headers=[("x-api-key", "placeholder")]).status == 200
    assert served.ask(headers=[("x-api-key", served.token)], token="wrong").status == 200
    again = [("Authorization", f"Bearer {served.token}")]
    assert served.ask(headers=again).status == 401
