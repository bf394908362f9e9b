"""The built-in loopback upstream: a real server that speaks both protocols and is no model.

    with LoopbackUpstream() as upstream:
        ...  # talk to upstream.openai_base_url or upstream.anthropic_base_url, with any key

Standard library only.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.demo import anthropic_messages, openai_chat
from hiveloom_cli.demo.answer import Question, Refusal, Stamp
from hiveloom_cli.demo.server import LoopbackHandler, LoopbackServer, RecordedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hiveloom_cli.clock import Clock


class Dialect(Protocol):
    """What a protocol's module offers, its server's side."""

    ANSWER_PATH: str
    REQUEST_ID_HEADER: str

    def check_headers(self, headers: Mapping[str, str], /) -> None:
        """Raise `Refusal` for what the headers lack."""
        ...

    def parse_question(self, body: bytes, headers: Mapping[str, str], /) -> Question:
        """Read a request's body; raise `Refusal` for what is wrong with it."""
        ...

    def build_reply(self, question: Question, stamp: Stamp, /) -> dict[str, Any]:
        """Build the whole answer as one object."""
        ...

    def build_events(self, question: Question, stamp: Stamp, /) -> Iterator[bytes]:
        """Build the answer as server-sent events."""
        ...

    def build_error(self, refusal: Refusal, stamp: Stamp, /) -> dict[str, Any]:
        """Build an error's body."""
        ...

    def build_models(self) -> dict[str, Any]:
        """Build the list of models."""
        ...


class LoopbackUpstream(LoopbackServer):
    """Serves chat completions, messages and the list of models, for as long as its `with` block.

    `pause_s` is waited before each streamed event, so that streaming can be seen; `port` 0 takes
    a free one.
    """

    def __init__(self, *, port: int = 0, pause_s: float = 0.0, clock: Clock | None = None) -> None:
        super().__init__(_Handler, port)
        self.pause_s = pause_s
        self.clock = clock or SystemClock()


def decide_dialect(request: RecordedRequest) -> Dialect:
    """Tell the protocol by the path, and by the version header where both share one."""
    if request.route.startswith(anthropic_messages.ANSWER_PATH):
        return anthropic_messages
    if request.route.startswith(openai_chat.ANSWER_PATH):
        return openai_chat
    return (
        anthropic_messages if anthropic_messages.VERSION_HEADER in request.headers else openai_chat
    )


class _Handler(LoopbackHandler):
    server: LoopbackUpstream

    def answer(self, request: RecordedRequest) -> None:
        dialect = decide_dialect(request)
        stamp = Stamp(self.server.clock.new_id(), self.server.clock.now())
        try:
            self._answer(request, dialect, stamp)
        except Refusal as refusal:
            error = dialect.build_error(refusal, stamp)
            self._send_json(refusal.status, error, dialect, stamp)

    def _answer(self, request: RecordedRequest, dialect: Dialect, stamp: Stamp) -> None:
        match request.method, request.route:
            case "POST", dialect.ANSWER_PATH:
                dialect.check_headers(request.headers)
                question = dialect.parse_question(request.body, request.headers)
                self._send_answer(question, dialect, stamp)
            case "GET", "/v1/models":
                dialect.check_headers(request.headers)
                self._send_json(HTTPStatus.OK, dialect.build_models(), dialect, stamp)
            case method, path:
                raise Refusal(HTTPStatus.NOT_FOUND, f"Invalid URL ({method} {path})")

    def _send_answer(self, question: Question, dialect: Dialect, stamp: Stamp) -> None:
        if question.stream:
            self._send_stream(dialect.build_events(question, stamp), dialect, stamp)
        else:
            self._send_json(HTTPStatus.OK, dialect.build_reply(question, stamp), dialect, stamp)

    def _send_json(
        self, status: int, content: dict[str, Any], dialect: Dialect, stamp: Stamp
    ) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()
        self._send_head(status, "application/json", dialect, stamp)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_stream(self, events: Iterator[bytes], dialect: Dialect, stamp: Stamp) -> None:
        self._send_head(HTTPStatus.OK, "text/event-stream; charset=utf-8", dialect, stamp)
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            self.server.closing.wait(self.server.pause_s)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, status: int, kind: str, dialect: Dialect, stamp: Stamp) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header(dialect.REQUEST_ID_HEADER, f"req_{stamp.id}")
        if self.close_connection:
            self.send_header("Connection", "close")
