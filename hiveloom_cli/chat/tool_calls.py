"""The calls that a model makes in a turn: planned, asked about, run, and answered.

Whatever goes wrong with a call is told to the model as its result, and never ends the chat. What
may run by itself runs at once and side by side; what the person is asked about runs one after the
other, in the order of the calls.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from hiveloom_cli.chat.event import ApprovalAsked, ToolEnded, ToolStarted
from hiveloom_cli.chat.tool_plan import Plan, attempt, plan_call
from hiveloom_cli.errors import HiveloomError
from hiveloom_cli.protocols.lookup import parse_json
from hiveloom_cli.protocols.message import ToolResult
from hiveloom_cli.stop import Stop
from hiveloom_cli.threads import NOTICE_S
from hiveloom_cli.tools.approval import Answer
from hiveloom_cli.tools.tool import Approval, ToolOutput
from hiveloom_cli.upstream.event import Notice

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hiveloom_cli.chat.conversation import Conversation
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.tool_plan import Permissions
    from hiveloom_cli.protocols.message import ToolCall
    from hiveloom_cli.protocols.request import ToolDefinition
    from hiveloom_cli.tools.approval import Question
    from hiveloom_cli.tools.toolbox import Toolbox

ABORTED = "aborted"
_MOST_CHARACTERS = 50_000  # of a result, about 12,000 tokens
_MOST_REPEATED = 3
_MOST_CALLS = 100  # of one answer: each may be a thread, a request, or a question to the person
_LAST = "[This was the last round of tool calls: answer now, without tools.]"
_TOO_MANY = f"Not run: more than {_MOST_CALLS} calls at once."


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of a chat, and what may run; at most `most_rounds` times a turn gets results.

    Calls of `passed` are not run but end the turn: somebody else runs them. `stop` ends what runs,
    from another thread.
    """

    toolbox: Toolbox
    permissions: Permissions
    most_rounds: int = 10
    passed: tuple[ToolDefinition, ...] = ()
    stop: Stop = field(default_factory=Stop)


def begin_calls(tools: Tools, conversation: Conversation) -> ToolCalls:
    """Begin the calls of a conversation's next turn, and have it tell the model of its tools."""
    conversation.tools = (*tools.toolbox.definitions, *tools.passed)
    conversation.instructions = tools.toolbox.instructions
    return ToolCalls(tools, conversation.id)


class ToolCalls:
    """The calls of one turn; `is_over` is whether the model is to answer without tools now."""

    def __init__(self, tools: Tools, conversation_id: str) -> None:
        self._toolbox = tools.toolbox
        self._permissions = tools.permissions
        self._conversation_id = conversation_id
        self._rounds_left = tools.most_rounds
        self.stop = tools.stop
        self._passed = frozenset(definition.name for definition in tools.passed)
        self._last: tuple[str, str] | None = None  # the call that was made last
        self._repeated = 0
        self.is_over = False

    def ends_turn(self, calls: Sequence[ToolCall]) -> bool:
        """Whether any of the calls is for somebody else to run."""
        return any(call.name in self._passed for call in calls)

    def run(self, calls: Sequence[ToolCall], results: list[ToolResult]) -> Generator[Event]:
        """Run the calls of one answer and yield what happens.

        `results` has one for each call from the beginning, in their order, which says that it was
        aborted until there is another: so also after an interrupt.
        """
        saids = [ABORTED] * min(len(calls), _MOST_CALLS)
        saids += [_TOO_MANY] * (len(calls) - len(saids))
        results[:] = [
            ToolResult(call.id, said, is_error=True)
            for call, said in zip(calls, saids, strict=True)
        ]
        if len(calls) > _MOST_CALLS:
            yield Notice(f"of {len(calls):,} tool calls at once, the first {_MOST_CALLS} count")
        yield from _Round(self, calls[:_MOST_CALLS], results).run()
        self._rounds_left -= 1
        if self._rounds_left <= 0:
            self.is_over = True
        if self.is_over and results:
            last = results[-1]
            content = f"{last.content}\n\n{_LAST}"
            results[-1] = ToolResult(last.call_id, content, is_error=last.is_error)

    def plan(self, call: ToolCall) -> Plan | ToolOutput:
        """Plan a call; one that is made again and again is stopped."""
        made = (call.name, _normalise(call.arguments))
        self._repeated = self._repeated + 1 if made == self._last else 1
        self._last = made
        if self._repeated >= _MOST_REPEATED:
            self.is_over = True
            said = f"{call.name} was called {self._repeated} times in a row with the same arguments"
            return ToolOutput(f"Stopped: {said}.", is_error=True)
        return attempt(
            lambda: plan_call(call, self._toolbox, self._permissions, self._conversation_id)
        )

    def remember(self, plan: Plan, answer: Answer) -> Generator[Event]:
        """Remember what the person let run; where that cannot be saved, for this chat alone."""
        if answer is Answer.ALWAYS:
            try:
                self._permissions.allow_always(plan.card)
            except (HiveloomError, OSError) as error:
                answer = Answer.CONVERSATION
                yield Notice(f"your “always” holds in this conversation only: {error}")
        if answer is Answer.CONVERSATION:
            self._permissions.allow_for_now(plan.card, self._conversation_id)

    def note(self, plan: Plan) -> None:
        """Remember what a tool was when it was first decided on."""
        self._permissions.note(plan.card)

    def run_plan(self, plan: Plan, stop: Stop) -> ToolOutput:
        """Run what may run."""
        self.note(plan)
        return plan.tool.run(plan.arguments, stop)


class _Round:
    """The calls of one answer."""

    def __init__(
        self, turn: ToolCalls, calls: Sequence[ToolCall], results: list[ToolResult]
    ) -> None:
        self._turn = turn
        self._calls = calls
        self._results = results
        self._stop = Stop()
        self._ended: SimpleQueue[tuple[int, ToolOutput]] = SimpleQueue()
        self._running: set[int] = set()

    def run(self) -> Generator[Event]:
        """Run them all; when this is left early, what runs is stopped, and what has ended kept."""
        with self._turn.stop.on_stop(self._stop.set):
            yield from self._run_all()

    def _run_all(self) -> Generator[Event]:
        try:
            asked = []
            for place, call in enumerate(self._calls):
                plan = self._turn.plan(call)
                if isinstance(plan, ToolOutput):
                    yield self._end(place, plan)
                elif plan.verdict.approval is Approval.AUTO:
                    yield self._start(place, plan)
                else:
                    asked.append((place, plan))
            for place, plan in asked:
                yield from self._ask(place, plan)
            while self._running:
                yield self._wait()
        finally:
            self._take_ended()
            self._stop.set()

    def _ask(self, place: int, plan: Plan) -> Generator[Event]:
        question = attempt(plan.build_question)
        if isinstance(question, ToolOutput):
            yield self._end(place, question)
            return
        if plan.verdict.approval is Approval.ASK:
            yield ApprovalAsked(self._calls[place], question)
        if question.answer is Answer.NO:
            attempt(lambda: self._turn.note(plan))
            yield self._end(place, _build_denial(plan, question))
            return
        yield from self._turn.remember(plan, question.answer)
        yield self._start(place, plan)
        while place in self._running:
            yield self._wait()

    def _start(self, place: int, plan: Plan) -> ToolStarted:
        self._running.add(place)

        def run() -> None:
            output = attempt(lambda: self._turn.run_plan(plan, self._stop))
            self._ended.put((place, output))

        threading.Thread(target=run, name=plan.card.reference, daemon=True).start()
        return ToolStarted(self._calls[place])

    def _wait(self) -> ToolEnded:
        while True:
            with suppress(Empty):
                place, output = self._ended.get(timeout=NOTICE_S)
                break
        self._running.remove(place)
        return self._end(place, output)

    def _take_ended(self) -> None:
        with suppress(Empty):
            while True:
                self._end(*self._ended.get_nowait())

    def _end(self, place: int, output: ToolOutput) -> ToolEnded:
        call = self._calls[place]
        content = _cut(output.content)
        self._results[place] = ToolResult(call.id, content, is_error=output.is_error)
        return ToolEnded(call, self._results[place])


def _build_denial(plan: Plan, question: Question) -> ToolOutput:
    if plan.verdict.approval is Approval.DENY:
        said = "This tool is not allowed to run."
    elif not question.is_answered:
        said = "Not run: it needs a person's approval, and nobody was asked."
    elif question.reason:
        said = f"The person did not allow it: {question.reason}"
    else:
        said = "The person did not allow it."
    return ToolOutput(said, is_error=True)


def _cut(text: str) -> str:
    if len(text) <= _MOST_CHARACTERS:
        return text
    return (
        f"{text[:_MOST_CHARACTERS]}\n\n"
        f"[Cut here: the first {_MOST_CHARACTERS:,} of {len(text):,} characters.]"
    )


def _normalise(arguments: str) -> str:
    """Write arguments so that the same ones are the same text."""
    try:
        return json.dumps(parse_json(arguments), sort_keys=True)
    except ValueError:
        return arguments.strip()
