"""Keeping what is said to a server: which conversation a request goes on with, and its one turn."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.chat.event import TurnEnded
from hiveloom_cli.chat.resume import build_resumed
from hiveloom_cli.commands.keeping import open_recorder
from hiveloom_cli.errors import ConversationNotFound, HiveloomError, Locked
from hiveloom_cli.serve.asked import Rejection
from hiveloom_cli.serve.likeness import says_the_same

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hiveloom_cli.agents.agent import Agent
    from hiveloom_cli.app import App
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.chat.record import AnsweredBy, KeptConversation
    from hiveloom_cli.chat.recorder import Recorder
    from hiveloom_cli.chat.resume import Resumed
    from hiveloom_cli.chat.turn_hold import TurnHold
    from hiveloom_cli.clock import Clock
    from hiveloom_cli.commands.serve_notes import Notes
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.serve.asked import Asked

_TOPIC = "keeping"
_LOOKED_AMONG = 200  # conversations of an agent, those that changed last
_MOST_COMPARED = 10
_LET_GO_S = 1.0  # a turn whose client has just left still puts away what came
_STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation that a turn is for. `kept` is what goes on with it, None if it is new.

    Without a `recorder` nothing of it is kept.
    """

    conversation: Conversation
    recorder: Recorder | None = None
    hold: TurnHold | None = None
    kept: KeptConversation | None = None

    def release(self) -> None:
        """Let others have their turns in it."""
        if self.hold is not None:
            self.hold.release()


@dataclass(frozen=True, slots=True)
class _Held:
    """A kept conversation that nobody else goes on with meanwhile."""

    kept: KeptConversation
    resumed: Resumed
    hold: TurnHold


def begin_talk(asked: Asked, agent: Agent, by: AnsweredBy, clock: Clock) -> Talk:
    """Begin a conversation that holds what the request says before its last message."""
    *past, _ = asked.messages
    id_ = asked.id or clock.new_id()
    version = by.agent_version
    return Talk(Conversation(id_, agent, messages=past, agent_version=version, output=asked.output))


def _build_unknown() -> Rejection:
    return Rejection(404, "There is no such conversation.", code="conversation_not_found")


class Keeping:
    """Keeps conversations, each with one turn at a time, in whichever process it runs."""

    def __init__(self, app: App, notes: Notes) -> None:
        self._app = app
        self._notes = notes
        self._conversations = app.conversations

    def prepare(self) -> None:
        """Put away what former servers left that were killed; each leaves a file for each turn."""
        self._conversations.tidy()

    def open(self, asked: Asked, agent: Agent, by: AnsweredBy) -> Talk:
        """Open the conversation that a request goes on with, or begin one.

        That is the one it names; else one that says what the request says before its last message.
        Raises `Rejection` for one that is not there, or in which a turn runs, and `Locked` where
        another one is just beginning with the same id.
        """
        *past, _ = asked.messages
        if asked.conversation_id:
            held: _Held | None = self._load_named(asked.conversation_id, agent)
        else:
            held = self._find_like(past, agent)
        recorder = open_recorder(self._app, by)
        if held is None:
            begun = begin_talk(asked, agent, by, self._app.clock)
            hold = self._conversations.take_hold(begun.conversation.id)
            if hold is None:  # one in a million of those that begin in the same millisecond
                problem = f"another conversation begins as {begun.conversation.id}"
                raise Locked(problem, hint="ask again")
            return replace(begun, recorder=recorder, hold=hold)
        conversation, resumed = held.resumed.conversation, held.resumed
        conversation.agent_version, conversation.output = by.agent_version, asked.output
        recorder.resume(conversation, resumed.rows, resumed.unanswered)
        return Talk(conversation, recorder, held.hold, held.kept)

    def _load_named(self, id_: str, agent: Agent) -> _Held:
        if not id_.isascii():
            raise _build_unknown()
        try:
            if self._conversations.load(id_).summary.agent != agent.name:
                raise _build_unknown()
            return self._load_held(id_, agent, self._wait_for_hold(id_))
        except ConversationNotFound:
            raise _build_unknown() from None

    def _wait_for_hold(self, id_: str) -> TurnHold:
        clock = self._app.clock
        until_s = clock.elapsed_s() + _LET_GO_S
        while (hold := self._conversations.take_hold(id_)) is None:
            if clock.elapsed_s() >= until_s:
                message = "Another message of this conversation is being answered: wait for that."
                raise Rejection(409, message, code="conversation_busy")
            clock.sleep(_STEP_S)
        return hold

    def _load_held(self, id_: str, agent: Agent, hold: TurnHold) -> _Held:
        try:
            kept = self._conversations.load_to_go_on(id_)
            return _Held(kept, build_resumed(kept, agent, stream=True), hold)
        except BaseException:
            hold.release()
            raise

    def _find_like(self, past: Sequence[Message], agent: Agent) -> _Held | None:
        """Find the newest conversation that says the same; a store that cannot be read has none."""
        last = next((message for message in reversed(past) if message.role == "user"), None)
        if last is None:
            return None
        with suppress(HiveloomError):
            for id_ in self._conversations.load_asked_last(
                agent.name, last, among=_LOOKED_AMONG, limit=_MOST_COMPARED
            ):
                if (held := self._hold_like(id_, past, agent)) is not None:
                    return held
        return None

    def _hold_like(self, id_: str, past: Sequence[Message], agent: Agent) -> _Held | None:
        resumed = build_resumed(self._conversations.load(id_), agent, stream=True)
        if not says_the_same(past, resumed.conversation.messages):
            return None
        hold = self._conversations.take_hold(id_)
        if hold is None:
            return None
        held = self._load_held(id_, agent, hold)
        if says_the_same(past, held.resumed.conversation.messages):
            return held
        hold.release()  # it went on meanwhile
        return None

    def watch(self, talk: Talk, events: Generator[Event]) -> Generator[Event]:
        """Yield a turn's events, and tell whoever runs the server if it could not be kept."""
        try:
            with closing(events):
                for event in events:
                    if isinstance(event, TurnEnded):
                        talk.release()  # who reads this may go on at once
                    yield event
        finally:
            if talk.recorder is not None:
                problem = talk.recorder.take_problem()
                self._notes.tell(_TOPIC, talk.conversation.agent.name, _explain(problem))


def _explain(problem: HiveloomError | None) -> list[HiveloomError]:
    if problem is None or isinstance(problem, ConversationNotFound):
        return []  # it was deleted meanwhile, as somebody wanted
    message = f"what is said is not kept: {problem.message}"
    return [HiveloomError(message, hint=problem.hint)]
