"""Two processes behind nginx with TLS, as docs/serve.md has it: one ends, the other goes on."""

from __future__ import annotations

import json
import signal
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Any, Self

import anthropic
import openai
import pytest
import requests

from tests.servers.nginx import BARE, Nginx, run_nginx
from tests.servers.process import find_free_port
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.upstream import Reply, ScriptedUpstream, openai_chunk, sse, stream_reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hiveloom_cli.demo.upstream import LoopbackUpstream
    from tests.support.upstream import RecordedRequest

CLIENTS = 60
HANG_UP_S = 1.0  # promised; the best of three counts, since the machine may be busy


class CountingUpstream(ScriptedUpstream):
    """Answers each question with a text of its own; the rest of it waits for the gate."""

    def __init__(self) -> None:
        super().__init__(script=self._count)
        self.gate = threading.Event()

    def _count(self, request: RecordedRequest) -> Reply:
        first, *more = build_pieces(request.json["messages"][-1]["content"])
        rest = [openai_chunk({"content": piece}) for piece in more]
        end = openai_chunk(finish_reason="stop")
        return stream_reply(
            [openai_chunk({"content": first}), self.gate, *rest, end, sse("[DONE]")]
        )


def build_pieces(question: str) -> list[str]:
    return [f"{question}-{number} " for number in range(5)]


@dataclass(frozen=True)
class Heard:
    """What a client got: of which request, of which text, and whether that came to its end."""

    id: str
    question: str
    text: str
    is_whole: bool

    @property
    def wanted(self) -> str:
        return "".join(build_pieces(self.question))


class Processes:
    """Processes of one home, each at a port of its own, that can be ended and started again."""

    def __init__(self, folder: Path, upstream_url: str, count: int = 2) -> None:
        self.ports = [find_free_port() for _ in range(count)]
        self._folder = folder
        self._url = upstream_url
        self._running: dict[int, Served] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for port in self.ports:
            self.start(port)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, port: int) -> None:
        log = self._folder / f"{port}.jsonl"
        options = ["--port", str(port), "--allow-host", "localhost", "--save"]
        options += ["--access-log", str(log)]
        served = serve(*options, HIVELOOM_OPENAI_BASE_URL=self._url)
        self._running[port] = self._stack.enter_context(served)

    def end(self, port: int, how: signal.Signals) -> None:
        self._running[port].process.send_signal(how)

    def wait(self, port: int) -> None:
        self._running[port].process.wait(60)

    def wait_for_ids(self, port: int, ids: set[str]) -> None:
        """Wait until its own log says that it has answered these requests, and no others."""
        deadline = time.monotonic() + 60
        while (found := self._load_ids(port)) != ids:
            assert time.monotonic() < deadline, found ^ ids
            time.sleep(0.05)

    def _load_ids(self, port: int) -> set[str]:
        lines = (self._folder / f"{port}.jsonl").read_text().splitlines()
        return {row["request_id"] for row in map(json.loads, lines) if row["complete"]}


@pytest.fixture
def counting() -> Iterator[CountingUpstream]:
    with CountingUpstream() as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def helper() -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")


@contextmanager
def two_behind_nginx(folder: Path, url: str) -> Iterator[tuple[Processes, Nginx]]:
    with (
        Processes(folder, url) as processes,
        run_nginx(folder / "nginx", *processes.ports) as nginx,
    ):
        yield processes, nginx


def post(nginx: Nginx, question: str, *, stream: bool = True, **headers: str) -> requests.Response:
    body = {"model": "helper", "messages": [{"role": "user", "content": question}]}
    return requests.post(
        f"{nginx.origin}/v1/chat/completions",
        headers={"Authorization": f"Bearer {TOKEN}", **headers},
        json={**body, "stream": stream},
        stream=True,
        verify=str(nginx.root),
        timeout=120,
    )


def hear(nginx: Nginx, question: str, *, stream: bool = True) -> Heard:
    """Ask, and listen to the end, whichever that is."""
    text, is_whole = "", False
    reply = post(nginx, question, stream=stream)
    if reply.status_code == 502:  # the process was gone before it had said a word
        return Heard(find_id(reply), question, text, is_whole)
    assert reply.status_code == 200
    if not stream:
        text = reply.json()["choices"][0]["message"]["content"]
        return Heard(find_id(reply), question, text, is_whole=True)
    try:
        for piece in read_pieces(reply):
            text, is_whole = text + (piece or ""), piece is None
    except requests.RequestException:
        is_whole = False
    return Heard(find_id(reply), question, text, is_whole)


def find_id(reply: requests.Response) -> str:
    """Find the request's id; an answer of nginx's own has none."""
    return reply.headers.get("X-Request-Id", "")


def read_pieces(reply: requests.Response) -> Iterator[str | None]:
    """Yield the text piece by piece, and None once its end was told."""
    for line in reply.iter_lines(chunk_size=1):
        data = line.decode().removeprefix("data: ")
        if data == "[DONE]":
            yield None
        elif data and not data.startswith(":"):
            choices = json.loads(data)["choices"]
            yield "".join(choice["delta"].get("content") or "" for choice in choices)


def test_a_process_that_is_killed_takes_its_own_answers_with_it_and_no_others(
    tmp_path: Path, counting: CountingUpstream
) -> None:
    with two_behind_nginx(tmp_path, counting.openai_base_url) as (processes, nginx):
        killed, left = processes.ports
        with ThreadPoolExecutor(CLIENTS) as pool:
            # A third of the clients takes its answer whole.
            asking = [
                pool.submit(hear, nginx, f"q{number}", stream=number % 3 != 0)
                for number in range(CLIENTS)
            ]
            counting.wait_for_requests(CLIENTS, timeout_s=60)
            processes.end(killed, signal.SIGKILL)
            processes.wait(killed)
            counting.gate.set()
            heard = [one.result() for one in asking]
        at = nginx.find_servers([one.id for one in heard if one.id])
        lost = [one for one in heard if at.get(one.id) != left]
        assert 0 < len(lost) < CLIENTS
        for one in heard:
            assert one.is_whole is (one not in lost), one
            assert one.wanted.startswith(one.text)
            assert one.text == one.wanted or one in lost
        processes.wait_for_ids(left, {one.id for one in heard if one.is_whole})

        after = [hear(nginx, f"after{number}", stream=number % 2 == 0) for number in range(10)]
        assert all(one.text == one.wanted for one in after)
        assert set(nginx.find_servers([one.id for one in after]).values()) == {left}

        processes.start(killed)
        with ThreadPoolExecutor(20) as pool:
            again = list(pool.map(lambda number: hear(nginx, f"again{number}"), range(20)))
        assert all(one.text == one.wanted and one.is_whole for one in again)
        assert set(nginx.find_servers([one.id for one in again]).values()) == {killed, left}


def test_processes_that_are_stopped_one_after_the_other_cost_no_answer(
    tmp_path: Path, counting: CountingUpstream
) -> None:
    is_over = threading.Event()

    def keep_asking(nginx: Nginx, name: int) -> list[Heard]:
        heard: list[Heard] = []
        while not is_over.is_set():
            heard.append(hear(nginx, f"{name}x{len(heard)}", stream=len(heard) % 2 == 0))
        return heard

    with two_behind_nginx(tmp_path, counting.openai_base_url) as (processes, nginx):
        with ThreadPoolExecutor(CLIENTS) as pool:
            waiting = [pool.submit(hear, nginx, f"q{number}") for number in range(CLIENTS - 8)]
            counting.wait_for_requests(len(waiting), timeout_s=60)
            counting.gate.set()
            nonstop = [pool.submit(keep_asking, nginx, number) for number in range(8)]
            for port in processes.ports:
                seen = len(counting.requests)
                counting.wait_for_requests(seen + 20, timeout_s=60)
                processes.end(port, signal.SIGTERM)
                processes.wait(port)
                processes.start(port)
            counting.wait_for_requests(len(counting.requests) + 20, timeout_s=60)
            is_over.set()
            heard = [one.result() for one in waiting]
            heard += [one for asked in nonstop for one in asked.result()]
        wrong = [one for one in heard if not (one.is_whole and one.text == one.wanted)]
        assert wrong == []
        assert set(nginx.find_servers([one.id for one in heard]).values()) == set(processes.ports)


def test_a_conversation_goes_on_whichever_process_is_asked(
    tmp_path: Path, counting: CountingUpstream
) -> None:
    counting.gate.set()
    with two_behind_nginx(tmp_path, counting.openai_base_url) as (processes, nginx):
        replies = []
        body = {"message": "q0"}
        for number in range(1, 5):
            reply = requests.post(
                f"{nginx.origin}/api/tenants/default/agents/helper/chat",
                headers={"Authorization": f"Bearer {TOKEN}"},
                json=body,
                verify=str(nginx.root),
                timeout=60,
            )
            replies.append(reply)
            body = {"message": f"q{number}", "conversation_id": reply.json()["conversation_id"]}
        assert len({reply.json()["conversation_id"] for reply in replies}) == 1
        said = [message["content"] for message in counting.requests[-1].json["messages"]]
        assert said[1::2] == [f"q{number}" for number in range(4)]
        at = nginx.find_servers([find_id(reply) for reply in replies])
        assert set(at.values()) == set(processes.ports)


@contextmanager
def one_behind_nginx(folder: Path, url: str, text: str | None = None) -> Iterator[Nginx]:
    """Run one process behind nginx, which is told of a second that nobody has started."""
    with Processes(folder, url, 1) as processes:
        ports = [*processes.ports, find_free_port()]
        with run_nginx(folder / "nginx", *ports[: 1 if text else 2], text=text) as nginx:
            yield nginx


@pytest.mark.parametrize("text", [None, BARE], ids=["documented", "bare"])
def test_a_piece_comes_through_while_the_upstream_still_waits(
    tmp_path: Path, counting: CountingUpstream, text: str | None
) -> None:
    with one_behind_nginx(tmp_path, counting.openai_base_url, text) as nginx:
        reply = post(nginx, "q")
        pieces = read_pieces(reply)
        first = next(piece for piece in pieces if piece)
        assert first == build_pieces("q")[0]
        assert not counting.gate.is_set()
        assert reply.headers["Cache-Control"] == "no-store, no-transform"
        counting.gate.set()
        assert first + "".join(piece or "" for piece in pieces) == "".join(build_pieces("q"))


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_ends_the_request_to_the_upstream(
    tmp_path: Path, counting: CountingUpstream, *, stream: bool
) -> None:
    took_s = []
    with one_behind_nginx(tmp_path, counting.openai_base_url) as nginx:
        for number in range(1, 4):
            counting.hung_up.clear()
            if stream:
                reply = post(nginx, "q")
                assert next(read_pieces(reply)) is not None
                reply.close()
            else:
                hang_up(nginx, counting, number)
            left_at = time.monotonic()
            assert counting.hung_up.wait(30)
            took_s.append(time.monotonic() - left_at)
    assert min(took_s) < HANG_UP_S


def hang_up(nginx: Nginx, upstream: ScriptedUpstream, number: int) -> None:
    """Ask for a whole answer, and leave once the upstream has been asked for it."""
    context = ssl.create_default_context(cafile=nginx.root)
    connection = HTTPSConnection("localhost", nginx.port, timeout=30, context=context)
    body = {"model": "helper", "messages": [{"role": "user", "content": "q"}]}
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    upstream.wait_for_requests(number)
    connection.close()


@pytest.fixture
def proxied(
    tmp_path: Path, loopback: LoopbackUpstream, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Nginx]:
    with one_behind_nginx(tmp_path, loopback.openai_base_url) as nginx:
        monkeypatch.setenv("SSL_CERT_FILE", str(nginx.root))
        yield nginx


def test_the_package_of_openai_works_through_it(proxied: Nginx) -> None:
    client = openai.OpenAI(base_url=f"{proxied.origin}/v1", api_key=TOKEN, max_retries=0)
    said: Any = [{"role": "user", "content": "salve"}]
    assert [model.id for model in client.models.list()] == ["helper"]
    answer = client.chat.completions.create(model="helper", messages=said)
    assert "> salve" in (answer.choices[0].message.content or "")
    chunks = list(client.chat.completions.create(model="helper", messages=said, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == answer.choices[0].message.content
    assert len(chunks) > 10
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{proxied.origin}/v1", api_key="x").models.list()


def test_the_package_of_anthropic_works_through_it(proxied: Nginx) -> None:
    client = anthropic.Anthropic(base_url=proxied.origin, api_key=TOKEN, max_retries=0)
    said: Any = [{"role": "user", "content": "salve"}]
    answer = client.messages.create(model="helper", max_tokens=500, messages=said)
    with client.messages.stream(model="helper", max_tokens=500, messages=said) as stream:
        text = "".join(stream.text_stream)
    assert "> salve" in text
    assert answer.content[0].to_dict()["text"] == text


def test_a_body_of_megabytes_comes_through_and_one_that_is_too_large_does_not(
    proxied: Nginx,
) -> None:
    reply = post(proxied, "x" * (5 << 20), stream=False)
    assert reply.status_code == 200
    too_large = post(proxied, "x" * (32 << 20), stream=False)
    assert too_large.status_code == 413


def ask_models(nginx: Nginx, **headers: str) -> requests.Response:
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(
        f"{nginx.origin}/v1/models", headers=shown, verify=str(nginx.root), timeout=60
    )


def test_its_own_pages_may_ask_and_no_others(proxied: Nginx) -> None:
    token = f"Bearer {TOKEN}"
    own = ask_models(proxied, Authorization=token, Origin=proxied.origin)
    assert own.status_code == 200
    for origin in ("https://evil.example.com", "null", f"http://127.0.0.1:{proxied.port}"):
        assert ask_models(proxied, Authorization=token, Origin=origin).status_code == 403
    foreign = ask_models(proxied, Authorization=token, Host="evil.example.com")
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (421, "host_not_allowed")
    form = post(proxied, "q", stream=False, **{"Content-Type": "text/plain"})
    assert form.status_code == 415


def test_what_a_proxy_might_have_said_lets_nobody_in(proxied: Nginx) -> None:
    said = {
        "X_Forwarded_For": "127.0.0.1",
        "X_Forwarded_Host": f"127.0.0.1:{proxied.port}",
        "X_Forwarded_Proto": "http",
        "X_Real_IP": "127.0.0.1",
        "Forwarded": "for=127.0.0.1;host=localhost;proto=https",
        "X_Original_URL": "/healthz",
        "X_Rewrite_URL": "/healthz",
    }
    assert ask_models(proxied, **said).status_code == 401
    token = f"Bearer {TOKEN}"
    assert ask_models(proxied, Authorization=token, **said).status_code == 200
    foreign = {"Authorization": token, "Host": "evil.example.com", "X_Forwarded_Host": "localhost"}
    assert ask_models(proxied, **foreign).status_code == 421
    assert ask_models(proxied, **{**foreign, "Host": "localhost"}, Origin="null").status_code == 403


def test_an_id_is_the_same_in_both_logs_and_not_the_clients(proxied: Nginx, tmp_path: Path) -> None:
    reply = ask_models(proxied, Authorization=f"Bearer {TOKEN}", X_Request_Id="of-the-client")
    id_ = find_id(reply)
    assert id_ != "of-the-client"
    assert proxied.wait_for_rows([id_])[id_]["status"] == 200
    [log] = tmp_path.glob("*.jsonl")
    until_s = time.monotonic() + 20
    while id_ not in log.read_text() and time.monotonic() < until_s:
        time.sleep(0.05)  # the line is written once the answer is gone
    assert id_ in log.read_text()
    assert "of-the-client" not in log.read_text()
