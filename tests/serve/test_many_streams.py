"""Many clients at once, and an end that waits for those that are there."""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
import requests

from hiveloom_cli.chat.record import Filter
from hiveloom_cli.demo.upstream import LoopbackUpstream
from tests.support.conversations import list_drafts, open_conversations
from tests.support.patience import PATIENCE_S
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.serving import build_request, connect, read_answer, send
from tests.support.upstream import openai_chunk, stream_reply

if TYPE_CHECKING:
    from tests.support.upstream import ScriptedUpstream

CLIENTS = 200


def create_helper() -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse.")


def open_stream(server: Served, text: str) -> requests.Response:
    return requests.post(
        f"{server.openai_base_url}/chat/completions",
        headers={"Authorization": f"Bearer {TOKEN}"},
        json={"model": "helper", "messages": [{"role": "user", "content": text}], "stream": True},
        stream=True,
        timeout=120,
    )


def read_text(reply: requests.Response) -> str:
    """Read a stream to its end, and check that it has one."""
    text, is_over = "", False
    for line in reply.iter_lines():
        data = line.decode().removeprefix("data: ")
        if data == "[DONE]":
            is_over = True
        elif data:
            choices = json.loads(data)["choices"]
            text += "".join(choice["delta"].get("content") or "" for choice in choices)
    assert is_over
    return text


@pytest.mark.parametrize("args", [(), ("--save",)])
def test_two_hundred_streams_at_once_all_come_to_their_end(args: tuple[str, ...]) -> None:
    create_helper()
    all_there = threading.Barrier(CLIENTS, timeout=120)
    with (
        LoopbackUpstream(pause_s=0.02) as upstream,
        serve(*args, HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server,
    ):

        def ask(number: int) -> str:
            all_there.wait()
            reply = open_stream(server, f"number {number}.")
            assert reply.status_code == 200
            return read_text(reply)

        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(ask, range(CLIENTS)))
    for number, answer in enumerate(answers):
        assert f"> number {number}." in answer
        assert answer.endswith("🐝.")
    with open_conversations() as conversations:
        kept = conversations.load_list(Filter(), -1)
        assert [row.messages for row in kept] == [2] * (CLIENTS if args else 0)
        assert list_drafts() == []


def test_who_is_being_answered_when_the_server_is_told_to_end_is_answered(
    upstream: ScriptedUpstream,
) -> None:
    create_helper()
    gate = threading.Event()
    upstream.add(
        stream_reply(
            [
                openai_chunk({"content": "One"}),
                gate,
                openai_chunk({"content": " two."}),
                openai_chunk(finish_reason="stop"),
                b"data: [DONE]\n\n",
            ]
        )
    )
    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        reply = open_stream(server, "count")
        server.process.terminate()
        gate.set()
        assert read_text(reply) == "One two."
        server.process.wait(60)


@pytest.mark.parametrize("is_busy", [False, True], ids=["connected", "waiting"])
def test_who_has_connected_when_the_server_is_told_to_end_may_still_ask(*, is_busy: bool) -> None:
    create_helper()
    with serve() as server, ExitStack() as stack:
        port = int(server.origin.rpartition(":")[2])
        if is_busy:
            server.process.send_signal(signal.SIGSTOP)  # the connections wait to be taken
        connections = [stack.enter_context(connect(port)) for _ in range(20)]
        if not is_busy:
            assert send(port, build_request("GET", "/healthz", port=port)).status == 200
        server.process.terminate()
        server.process.send_signal(signal.SIGCONT)
        if not is_busy:
            wait_until_refused(port)
        head = [("Authorization", f"Bearer {TOKEN}")]
        for connection in connections:
            connection.sendall(build_request("GET", "/v1/models", head, port=port))
        for connection in connections:
            assert read_answer(connection).status == 200
            assert connection.recv(1) == b""
        server.process.wait(PATIENCE_S)


def wait_until_refused(port: int) -> None:
    """Wait until nobody listens any more."""
    with suppress(ConnectionRefusedError, ConnectionResetError):
        while True:
            connect(port).close()
