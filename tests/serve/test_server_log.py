"""What a server says of itself while it runs."""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING

from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, serve
from tests.support.serving import build_request, connect

if TYPE_CHECKING:
    from hiveloom_cli.demo.upstream import LoopbackUpstream

_RESET = struct.pack("ii", 1, 0)  # a linger time of nothing: closing sends RST


def test_of_clients_that_leave_the_access_log_alone_tells(loopback: LoopbackUpstream) -> None:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    message = {"role": "user", "content": "word " * 5000}
    body = {"model": "helper", "messages": [message], "stream": True}
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]
    with serve(HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as server:
        port = int(server.origin.rpartition(":")[2])
        path, told = "/v1/chat/completions", json.dumps(body).encode()
        for _ in range(5):
            with connect(port) as connection:
                connection.sendall(build_request("POST", path, headers, told, port=port))
                assert b" 200 " in connection.recv(100)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        assert server.process.stderr is not None
        # Each is written when its request is over: before that, the end would be told to wait.
        entries = [json.loads(server.process.stderr.readline()) for _ in range(5)]
        server.process.terminate()
        assert server.process.stderr.read() == ""
    assert [(entry["status"], entry["complete"]) for entry in entries] == [(200, False)] * 5
