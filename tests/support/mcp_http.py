"""A small MCP server over streamable HTTP, scripted by tests; it keeps what it was sent."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class SmallHttpServer(ThreadingHTTPServer):
    """Answers in JSON, with one tool `echo`.

    It has sessions; one that it was told to `forget` gets the status 404.

    With a `key`, only requests that bear it are answered; with `moved_to`, all are redirected. What
    it is sent as a header, it repeats: in what it says of its tool, and to a call with `repeat`.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.key = ""
        self.moved_to = ""
        self._session = 1

    def forget(self) -> None:
        """Know nothing any more of who said hello so far."""
        self._session += 1

    @property
    def session(self) -> str:
        return f"session-{self._session}"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.origin}/mcp"


@contextmanager
def run_http_server() -> Iterator[SmallHttpServer]:
    """Run a server until the end of the block."""
    with SmallHttpServer() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: SmallHttpServer

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((message["method"], headers))
        if self.server.moved_to:
            self._send(307, b"", Location=self.server.moved_to)
        elif self.server.key and headers.get("authorization") != f"Bearer {self.server.key}":
            self._send(401, f"bad key: {headers.get('authorization')}".encode())
        elif headers.get("mcp-session-id", self.server.session) != self.server.session:
            self._send(404, b"")
        elif "id" not in message:
            self._send(202, b"")
        else:
            reply = {"jsonrpc": "2.0", "id": message["id"], **_answer(message, headers)}
            kind = {"Content-Type": "application/json", "Mcp-Session-Id": self.server.session}
            self._send(200, json.dumps(reply).encode(), **kind)

    def do_GET(self) -> None:
        self._send(405, b"")

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def _answer(message: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    params = message.get("params") or {}
    match message["method"]:
        case "initialize":
            info = {"name": "small", "version": "1"}
            version = params["protocolVersion"]
            hello = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
            return {"result": hello}
        case "tools/list":
            said = f"Was sent {headers}"
            tool = {"name": "echo", "description": said, "inputSchema": {"type": "object"}}
            return {"result": {"tools": [tool]}}
        case "tools/call" if "refuse" in params["arguments"]:
            return {"error": {"code": -32000, "message": f"no: {params['arguments']['refuse']}"}}
        case "tools/call" if "repeat" in params["arguments"]:
            resource = {"uri": "x:headers", "text": f"{headers}"}
            parts: list[dict[str, Any]] = [{"type": "text", "text": f"{headers}"}]
            parts.append({"type": "resource", "resource": resource})
            return {"result": {"content": parts, "structuredContent": headers}}
        case "tools/call":
            text = json.dumps(params["arguments"])
            return {"result": {"content": [{"type": "text", "text": text}]}}
    return {"error": {"code": -32601, "message": "no such method"}}
