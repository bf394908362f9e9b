"""Turns of a conversation that never dies of its length.

Before a request that would fill too much of the model's context, what was said first is summarised
by the same model (`compaction.py` decides, `context.py` counts). A request that the upstream
refuses as too long is sent once more after that. A summary that fails costs a notice: the request
goes out as it is.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from hiveloom_cli.agents.agent import Compaction
from hiveloom_cli.chat.compaction import (
    build_summary_request,
    decide_cut,
    decide_cut_asked,
    decide_room,
)
from hiveloom_cli.chat.context import estimate_request
from hiveloom_cli.chat.conversation import Measured, Recap
from hiveloom_cli.chat.estimate import estimate_messages
from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.chat.runner import run_turn
from hiveloom_cli.errors import AnswerEmpty, StreamCutShort, UpstreamError, UpstreamRefused
from hiveloom_cli.protocols.context_windows import find_said_window
from hiveloom_cli.protocols.event import (
    FinishReason,
    ReasoningDelta,
    ReplyEnded,
    TextDelta,
    ToolCallReady,
    Usage,
    UsageReported,
    add_usage,
)
from hiveloom_cli.upstream.event import Notice, RetryWaiting
from hiveloom_cli.upstream.fault_kind import FaultKind, decide_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.runner import Model
    from hiveloom_cli.chat.tool_calls import ToolCalls
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.request import ChatRequest

_USABLE = {FinishReason.STOP, FinishReason.LENGTH, FinishReason.OTHER}


class Compactor:
    """Makes room in conversations that `model` answers.

    `load_window` tells how many tokens a model reads, as far as that is known. `keep` is called
    with a conversation that has a new summary.
    """

    def __init__(
        self,
        model: Model,
        load_window: Callable[[str], int | None] | None = None,
        keep: Callable[[Conversation], None] | None = None,
    ) -> None:
        self._model = model
        self._load_window = load_window
        self._keep = keep
        self._has_begun = False  # the answer of the turn that runs

    def run_turn(
        self,
        conversation: Conversation,
        message: Message,
        calls: ToolCalls | None = None,
        check: Callable[[Sequence[Message]], None] = lambda _: None,
    ) -> Generator[Event]:
        """Yield a turn's events as `runner.run_turn` does, making room before each request.

        `check` gets the turn's messages before each request but the first, and may raise.
        """
        has_tried, spent = yield from self._prepare(conversation, [message])

        def prepare(messages: Sequence[Message]) -> Generator[Event, None, Usage | None]:
            check(messages)
            return (yield from self._prepare(conversation, messages))[1]

        def start() -> Generator[Event]:
            return run_turn(conversation, message, self._model, calls, prepare)

        try:
            yield from self._relay(conversation, start(), spent)
        except UpstreamRefused as error:
            # Once a piece of the answer is there, nothing is asked again by itself.
            if has_tried or self._has_begun or decide_kind(error) is not FaultKind.OVERFLOW:
                raise
            spent = yield from self._make_room_after(conversation, message, error)
            if spent is None:
                raise
            yield from self._relay(conversation, start(), spent)

    def compact(self, conversation: Conversation) -> Generator[Event]:
        """Summarise what was said first because a person asks for it."""
        rules = conversation.agent.compaction or Compaction()
        window = self._find_window(conversation)
        full = window or 2 * estimate_request(conversation)
        room = decide_room(full, rules.threshold, conversation.agent.parameters.max_tokens)
        cut = decide_cut_asked(conversation.messages, conversation.summarised, rules.keep)
        if cut <= conversation.summarised:
            yield Notice("there is too little to summarise")
            return
        yield from self._summarise(conversation, cut, window, room)

    def _prepare(
        self, conversation: Conversation, messages: Sequence[Message]
    ) -> Generator[Event, None, tuple[bool, Usage | None]]:
        """Make room if it is needed; return whether that was tried, and what it cost."""
        rules = conversation.agent.compaction
        if rules is None or len(conversation.messages) <= conversation.summarised:
            return False, None
        window = self._find_window(conversation)
        if window is None:
            return False, None
        room = decide_room(window, rules.threshold, conversation.agent.parameters.max_tokens)
        if estimate_request(conversation, *messages) <= room:
            return False, None
        cut = _decide_cut(conversation, messages, window, room)
        if cut is None:
            return False, None
        rest = "; all of them are sent"
        return True, (yield from self._summarise(conversation, cut, window, room, rest))

    def _make_room_after(
        self, conversation: Conversation, message: Message, error: UpstreamRefused
    ) -> Generator[Event, None, Usage | None]:
        """Make room after a request was too long; None if there is none to be made."""
        rules = conversation.agent.compaction
        if rules is None or len(conversation.messages) <= conversation.summarised:
            return None
        # It was too long, whatever anyone says of the window: so that is smaller than it.
        known = [self._find_window(conversation), find_said_window(error.detail)]
        window = min(filter(None, [*known, estimate_request(conversation, message)]))
        room = decide_room(window, rules.threshold, conversation.agent.parameters.max_tokens)
        cut = _decide_cut(conversation, [message], window, room)
        if cut is None:
            return None
        summary = conversation.summary
        output = window if any(known) else None
        spent = yield from self._summarise(conversation, cut, output, room)
        return None if conversation.summary is summary else spent or Usage()

    def _find_window(self, conversation: Conversation) -> int | None:
        agent = conversation.agent
        if agent.context_window or self._load_window is None:
            return agent.context_window
        return self._load_window(agent.model)

    def _summarise(
        self,
        conversation: Conversation,
        cut: int,
        window: int | None,
        room: int,
        rest: str = "",
    ) -> Generator[Event, None, Usage | None]:
        """Put a summary in the place of what comes before `cut`; return what it cost.

        `rest` is what is told of a failure beside its reason.
        """
        summary = _Summary(self._model)
        try:
            yield from self._ask(summary, conversation, cut, window, room)
            recap = Recap(summary.text, cut)
            _check_shorter(conversation, recap)
        except UpstreamError as error:
            yield Notice(f"earlier messages could not be summarised ({error.message}){rest}")
            return summary.usage
        count = cut - conversation.summarised
        conversation.summary, conversation.measured = recap, None
        if self._keep is not None:
            self._keep(conversation)
        what = "message was" if count == 1 else "messages were"
        yield Notice(f"{count} earlier {what} summarised to make room")
        return summary.usage

    @staticmethod
    def _ask(
        summary: _Summary, conversation: Conversation, cut: int, window: int | None, room: int
    ) -> Generator[Event]:
        """Ask for a summary; for one of half the text if the upstream finds all of it too long."""
        try:
            yield from summary.ask(build_summary_request(conversation, cut, window, room))
        except UpstreamRefused as error:
            if decide_kind(error) is not FaultKind.OVERFLOW:
                raise
            yield from summary.ask(build_summary_request(conversation, cut, window, room // 2))

    def _relay(
        self, conversation: Conversation, events: Generator[Event], spent: Usage | None
    ) -> Generator[Event]:
        """Yield a turn's events; its end tells what the summary cost as well."""
        last: Usage | None = None
        self._has_begun = False
        try:
            with closing(events) as turn:
                for event in turn:
                    match event:
                        case TurnEnded():
                            last = event.last_usage
                            yield replace(event, usage=add_usage(spent, event.usage))
                            continue
                        case UsageReported():
                            yield UsageReported(add_usage(spent, event.usage) or event.usage)
                            continue
                        case TextDelta() | ReasoningDelta() | ToolCallReady():
                            self._has_begun = True
                    yield event
        finally:
            if last is not None and last.input_tokens:
                tokens = last.input_tokens + (last.output_tokens or 0)
                conversation.measured = Measured(tokens, len(conversation.messages))


class _Summary:
    """A summary on its way: its text and what it has cost so far."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.text = ""
        self.usage: Usage | None = None

    def ask(self, request: ChatRequest) -> Generator[Event]:
        """Ask for it, and yield what the person should know meanwhile. Raises `UpstreamError`."""
        for event in self._model.open_reply(request).stream_events():
            match event:
                case UsageReported():
                    self.usage = event.usage
                    yield event
                case RetryWaiting() | Notice():
                    yield event
                case ReplyEnded():
                    self.text = event.message.text.strip()
                    if not self.text or event.finish_reason not in _USABLE:
                        raise AnswerEmpty("the model gave no summary")
                    return
        raise StreamCutShort("the upstream's answer ended in the middle")


def _decide_cut(
    conversation: Conversation, messages: Sequence[Message], window: int, room: int
) -> int | None:
    """Decide what is summarised to make room for messages; None if they alone are too long."""
    asked = estimate_messages(messages)
    if asked > window:
        return None
    rules = conversation.agent.compaction or Compaction()
    begun = conversation.summarised
    return decide_cut(conversation.messages, begun, rules.keep, max(room - asked, 0))


def _check_shorter(conversation: Conversation, recap: Recap) -> None:
    past = conversation.messages[conversation.summarised : recap.messages]
    if conversation.summary is not None and conversation.summarised:
        past.insert(0, conversation.summary.build_message())
    if estimate_messages([recap.build_message()]) >= estimate_messages(past):
        raise AnswerEmpty("the summary would take more room than they do")
