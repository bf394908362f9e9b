"""Run one turn: send what the person said, run what the model calls, keep what was said.

The runner prints nothing. A person's terminal, a pipe, `--json` and a server read the same events.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Protocol, assert_never

from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.errors import StreamCutShort
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    ReplyEnded,
    TextDelta,
    ThoughtEnded,
    ToolCallReady,
    UsageReported,
    add_usage,
)
from hiveloom_cli.protocols.history import list_calls
from hiveloom_cli.protocols.message import Message, OpaquePart, ToolCall, join_messages
from hiveloom_cli.upstream.event import Notice, RetryWaiting

_MOST_PAUSES = 10
# A call that the token limit or a filter cut may be half of what was meant.
_WHOLE = frozenset(
    {FinishReason.TOOL_CALLS, FinishReason.STOP, FinishReason.PAUSE, FinishReason.OTHER}
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.tool_calls import ToolCalls
    from hiveloom_cli.protocols.event import Usage
    from hiveloom_cli.protocols.message import ToolResult
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


def prepare_nothing(_messages: Sequence[Message]) -> Generator[Event, None, Usage | None]:
    """Do nothing before a request."""
    yield from ()
    return None


def run_turn(
    conversation: Conversation,
    message: Message,
    model: Model,
    calls: ToolCalls | None = None,
    prepare: Callable[[Sequence[Message]], Generator[Event, None, Usage | None]] = prepare_nothing,
) -> Generator[Event]:
    """Ask the model, run what it calls until it answers, and yield what happens, its end last.

    Without `calls` nothing is run, and the turn ends with the model's calls in its message. Before
    each request but the first, `prepare` gets the turn's messages so far, and returns what it cost.

    When the turn ends, and also when it fails, is interrupted or its reader goes away, the
    conversation holds what the person said and what had arrived of the answer; if nothing had
    arrived, it is as it was, so that the same message can be sent again.
    """
    turn = _Turn(conversation, message, model, calls)
    try:
        while (yield from turn.answer()):
            with closing(prepare(turn.messages)) as preparing:
                cost = yield from _add_spent(preparing, turn.spent)
            turn.spent = add_usage(turn.spent, cost)
        yield turn.build_end()
    finally:
        turn.keep()


class _Turn:
    """A turn on its way; `messages` are the question and what came after it, `spent` its cost."""

    def __init__(
        self, conversation: Conversation, message: Message, model: Model, calls: ToolCalls | None
    ) -> None:
        self.messages = [message]
        self.spent: Usage | None = None
        self._conversation = conversation
        self._model = model
        self._calls = calls
        self._pieces: list[Message] = []  # of the answer that is under way
        self._reply: ModelReply | None = None
        self._results: list[ToolResult] = []
        self._last: Usage | None = None
        self._reason = FinishReason.OTHER
        self._stop = ""
        self._answer = join_messages(())

    def answer(self) -> Generator[Event, None, bool]:
        """Ask for an answer and run what it calls; return whether to ask again."""
        yield from self._ask()
        self._end_answer()
        wanted = list_calls(self._answer)
        if self._calls is None or not wanted or self._reason not in _WHOLE:
            return False
        if self._calls.ends_turn(wanted):
            return False
        if self._calls.is_over:
            yield Notice("the model wants more tool calls than it may make; ask it to go on")
            return False
        yield from self._calls.run(wanted, self._results)
        self._end_results()
        return True

    def _ask(self) -> Generator[Event]:
        is_over = self._calls is not None and self._calls.is_over
        while True:
            request = self._conversation.build_request(
                *self.messages, *self._pieces, may_call=not is_over
            )
            self._reply = self._model.open_reply(request)
            ended, self._last = yield from _relay(self._reply, self.spent)
            self.spent = add_usage(self.spent, self._last)
            self._pieces.append(ended.message)
            self._reply, self._reason, self._stop = None, ended.finish_reason, ended.stop
            # An upstream that pauses a long turn goes on when its reply is sent back as it is;
            # with calls of ours in it, their results go along.
            has_paused = self._reason is FinishReason.PAUSE and not list_calls(ended.message)
            if not has_paused or len(self._pieces) > _MOST_PAUSES:
                return

    def build_end(self) -> TurnEnded:
        """Build the turn's last event."""
        return TurnEnded(self._answer, self._reason, self.spent, self._last, self._stop)

    def keep(self) -> None:
        """Have the conversation hold what came, if anything did."""
        if self._reply is not None:
            self._pieces.append(self._reply.build_partial())
        self._end_answer()
        self._end_results()
        if len(self.messages) > 1:
            self._conversation.messages += self.messages

    def _end_answer(self) -> None:
        self._answer = answer = join_messages(self._pieces)
        self._pieces = []
        if answer.text or any(isinstance(part, ToolCall | OpaquePart) for part in answer.parts):
            self.messages.append(answer)

    def _end_results(self) -> None:
        if self._results:
            self.messages.append(Message("user", tuple(self._results)))
            self._results = []


def _add_spent(
    events: Generator[Event, None, Usage | None], spent: Usage | None
) -> Generator[Event, None, Usage | None]:
    """Yield events, what they tell of usage with what was `spent` before; return their return."""
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            cost: Usage | None = end.value
            return cost
        if isinstance(event, UsageReported):
            event = UsageReported(add_usage(spent, event.usage) or event.usage)
        yield event


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
            case TextDelta() | ReasoningDelta() | ThoughtEnded() | ToolCallReady():
                yield event
            case RetryWaiting() | Notice():
                yield event
            case _:
                assert_never(event)
    raise StreamCutShort("the upstream's answer ended in the middle", hint="ask again")
