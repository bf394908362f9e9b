from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.protocols.event import TextDelta
from hiveloom_cli.protocols.message import Message, TextPart
from hiveloom_cli.terminal.repl import Repl
from hiveloom_cli.terminal.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.protocols.request import ChatRequest
    from hiveloom_cli.upstream.event import UpstreamEvent


class HalfReply:
    """A reply that has half an answer, and knows when it is closed."""

    def __init__(self) -> None:
        self.closed = False

    def stream_events(self) -> Iterator[UpstreamEvent]:
        try:
            yield TextDelta("half")
            yield TextDelta(" more")
        finally:
            self.closed = True

    def build_partial(self) -> Message:
        return Message("assistant", (TextPart("half"),), complete=False)


class HalfModel:
    def __init__(self, reply: HalfReply) -> None:
        self._reply = reply

    def open_reply(self, chat: ChatRequest) -> HalfReply:
        return self._reply


class OneMessage:
    def __init__(self) -> None:
        self._left = ["hello"]

    def ask_message(self) -> str:
        if not self._left:
            raise EOFError
        return self._left.pop()


class InterruptedOutput(io.StringIO):
    """Where Ctrl-C comes while the answer is drawn."""

    def write(self, text: str) -> int:
        raise KeyboardInterrupt


class Notices(io.StringIO):
    """Notes whether the reply was closed when something was told."""

    def __init__(self, reply: HalfReply) -> None:
        super().__init__()
        self.told: list[tuple[str, bool]] = []
        self._reply = reply

    def write(self, text: str) -> int:
        self.told.append((text, self._reply.closed))
        return len(text)


def test_control_c_while_drawing_closes_the_connection_and_tells_what_is_kept() -> None:
    reply = HalfReply()
    notices = Notices(reply)
    conversation = Conversation("1", Agent("a", "m"))
    streams = Streams(io.StringIO(), InterruptedOutput(), notices)
    Repl(streams, OneMessage(), HalfModel(reply), lambda: conversation).run()
    assert notices.told == [("(stopped; what came is kept)\n", True)]
    assert [message.text for message in conversation.messages] == ["hello", "half"]
