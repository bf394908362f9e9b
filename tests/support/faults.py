"""One turn against an upstream that fails, as a person would see it and as the chat keeps it."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.chat.runner import run_turn
from hiveloom_cli.errors import UpstreamError
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.secret import Secret
from hiveloom_cli.terminal.report import print_error
from hiveloom_cli.terminal.streams import Streams
from hiveloom_cli.terminal.turn import show_turn
from hiveloom_cli.upstream.client import ModelClient
from hiveloom_cli.upstream.dialects import Dialects
from hiveloom_cli.upstream.limits import Patience
from hiveloom_cli.upstream.resolve import StoredKey, Upstream
from hiveloom_cli.upstream.transport import RequestsTransport
from tests.support.clocks import ManualClock
from tests.support.upstream import (
    Ending,
    Piece,
    Reply,
    ScriptedUpstream,
    anthropic_reply,
    anthropic_stream,
    openai_reply,
    openai_stream,
)
from tests.support.wire import anthropic_error, openai_error, sse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hiveloom_cli.protocols.providers import ProtocolName
    from hiveloom_cli.upstream.limits import Timeouts

KEY = "sk-Zq7vLw2pXk9mRt4nHs8cDf"
MODELS: dict[ProtocolName, str] = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}


@dataclass(frozen=True, slots=True)
class Wire:
    """One protocol's way of answering, streamed or not."""

    protocol: ProtocolName
    streamed: bool

    @property
    def kind(self) -> tuple[str, str]:
        """The content type that such an answer has."""
        kind = "text/event-stream" if self.streamed else "application/json"
        return ("Content-Type", kind)

    def build_events(self, text: str, *, whole: bool = True) -> list[bytes]:
        """Build a stream's events; without its end if it is not whole."""
        if self.protocol == "openai":
            return openai_stream(text, finish_reason="stop" if whole else None, done=whole)
        return anthropic_stream(text, stop_reason="end_turn" if whole else None, stop=whole)

    def build_json(self, text: str) -> bytes:
        """Build an answer in one piece."""
        return openai_reply(text) if self.protocol == "openai" else anthropic_reply(text)

    def build_answer(self, text: str) -> bytes:
        """Build an answer of the kind that was asked for."""
        return b"".join(self.build_events(text)) if self.streamed else self.build_json(text)

    def build_half(self, text: str) -> bytes:
        """Build an answer that breaks off after `text`, in the middle of what would follow."""
        if not self.streamed:
            return self.build_json(text)[:-20]
        return b"".join(self.build_events(text, whole=False)) + b'data: {"broken'

    def build_error_event(self, message: str, label: str) -> bytes:
        """Build an error inside a stream."""
        if self.protocol == "openai":
            return sse(openai_error(message, kind=label).decode())
        return sse(anthropic_error(message, kind=label).decode(), event="error")

    def reply(
        self,
        *pieces: Piece,
        ending: Ending = Ending.CHUNKED,
        status: int = 200,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Reply:
        """Build a reply of these bytes."""
        return Reply(list(pieces), status, (self.kind, *headers), ending)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a turn left: what a pipe would hold, and what the conversation does.

    `kept` is the text of the answer in the conversation, None if the turn left nothing there.
    """

    stdout: str
    stderr: str
    error: UpstreamError | None
    kept: str | None
    complete: bool


def open_model(
    upstream: ScriptedUpstream, protocol: ProtocolName, timeouts: Timeouts | None = None
) -> ModelClient:
    """Open a client whose key is `KEY`, stored as "work"."""
    url = upstream.openai_base_url if protocol == "openai" else upstream.anthropic_base_url
    base_url = parse_base_url(url, source="the test")
    value = Upstream(protocol, base_url, StoredKey("work"))
    return ModelClient(
        value,
        RequestsTransport({}, timeouts),
        lambda: Secret(KEY),
        dialects=Dialects(Path(os.environ["HIVELOOM_HOME"]) / "dialects.json"),
        clock=ManualClock(),
        patience=Patience(tries=1),
    )


def take_turn(reply: Reply, wire: Wire, timeouts: Timeouts | None = None) -> Outcome:
    """Ask once; the upstream answers every request with `reply`."""
    with ScriptedUpstream(script=lambda _: reply) as upstream:
        model = open_model(upstream, wire.protocol, timeouts)
        agent = Agent(name="", model=MODELS[wire.protocol])
        conversation = Conversation("c", agent, stream=wire.streamed)
        return _show(conversation, model)


def _show(conversation: Conversation, model: ModelClient) -> Outcome:
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO())
    error = None
    try:
        show_turn(run_turn(conversation, build_user_message("hi"), model), streams)
    except UpstreamError as caught:
        error = caught
        print_error(error, streams)
    answer = conversation.messages[-1] if conversation.messages else None
    assert isinstance(streams.stdout, io.StringIO)
    assert isinstance(streams.stderr, io.StringIO)
    return Outcome(
        streams.stdout.getvalue(),
        streams.stderr.getvalue(),
        error,
        kept=answer.text if answer else None,
        complete=answer.complete if answer else False,
    )


def check_outcome(outcome: Outcome, text: str, said: Iterable[str] = ()) -> None:
    """Check what holds of every turn.

    `text` reached the reader and the conversation, and nothing else did. Where `said` has anything,
    the turn failed with an error of exit code 4 in two lines, and these are in them, after a note
    for each time that the upstream was asked again; where it has not, the turn went well. No key
    shows anywhere.
    """
    assert outcome.stdout == text
    assert outcome.kept == (text or None)
    assert KEY[:8] not in outcome.stdout + outcome.stderr + repr(outcome)
    wanted = list(said)
    if not wanted:
        assert outcome.error is None, outcome.error
        assert (outcome.stderr, outcome.complete) == ("", True)
        return
    assert outcome.error is not None
    assert outcome.error.exit_code == 4
    assert not outcome.complete
    *notes, problem, hint = outcome.stderr.splitlines()
    assert [note for note in notes if not note.startswith("note: ")] == []
    assert problem.startswith("error: ")
    assert hint.startswith("  try: ")
    assert "Traceback" not in outcome.stderr
    assert [words for words in wanted if words not in f"{problem}\n{hint}"] == []
