"""Run one turn: send what the person said, yield what happens, keep what was said.

The runner prints nothing. A person's terminal, a pipe, `--json` and a server read the same events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, assert_never

from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.errors import StreamCutShort
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    ReplyEnded,
    TextDelta,
    ToolCallReady,
    UsageReported,
    add_usage,
)
from hiveloom_cli.protocols.message import join_messages
from hiveloom_cli.upstream.event import Notice, RetryWaiting

_MOST_PAUSES = 10

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.request import ChatRequest
    from hiveloom_cli.upstream.event import UpstreamEvent


class ModelReply(Protocol):
    """A reply on its way."""

    def stream_events(self) -> Iterator[UpstreamEvent]:
        """Yield the reply's events; the last one is `ReplyEnded`."""
        ...

    def build_partial(self) -> Message:
        """Build the answer from what has arrived so far."""
        ...


class Model(Protocol):
    """What answers requests; `upstream.client.ModelClient` is the real one."""

    def open_reply(self, chat: ChatRequest) -> ModelReply:
        """Prepare the reply to a request."""
        ...


def run_turn(conversation: Conversation, message: Message, model: Model) -> Generator[Event]:
    """Ask the model and yield the turn's events, `TurnEnded` last.

    When the turn ends, and also when it fails, is interrupted or its reader goes away, the
    conversation holds what the person said and what had arrived of the answer; if nothing had
    arrived, it is as it was, so that the same message can be sent again.
    """
    said: list[Message] = []
    reply: ModelReply | None = None
    spent: Usage | None = None
    try:
        while True:
            reply = model.open_reply(conversation.build_request(message, *said))
            ended, usage = yield from _relay(reply, spent)
            spent = add_usage(spent, usage)
            said.append(ended.message)
            reply = None
            # An upstream that pauses a long turn goes on when its reply is sent back as it is.
            if ended.finish_reason is not FinishReason.PAUSE or len(said) > _MOST_PAUSES:
                break
        yield TurnEnded(join_messages(said), ended.finish_reason, spent)
    finally:
        if reply is not None:
            said.append(reply.build_partial())
        kept = join_messages(said)
        if kept.text:
            conversation.messages += [message, kept]


def _relay(
    reply: ModelReply, spent: Usage | None
) -> Generator[Event, None, tuple[ReplyEnded, Usage | None]]:
    """Yield what happens in one reply; return its end, and what it cost.

    What is told of usage counts the whole turn so far, `spent` being what came before this reply.
    """
    usage: Usage | None = None
    for event in reply.stream_events():
        match event:
            case ReplyEnded():
                return event, usage
            case UsageReported():
                usage = event.usage
                yield UsageReported(add_usage(spent, usage) or usage)
            case TextDelta() | ReasoningDelta() | ToolCallReady() | RetryWaiting() | Notice():
                yield event
            case _:
                assert_never(event)
    raise StreamCutShort("the upstream's answer ended in the middle", hint="ask again")
