from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.chat.turns import Turns
from hiveloom_cli.errors import StreamCutShort
from hiveloom_cli.protocols.base_url import parse_base_url
from hiveloom_cli.protocols.event import FinishReason, ReplyEnded, TextDelta
from hiveloom_cli.protocols.message import Message, TextPart
from hiveloom_cli.terminal.repl import Repl
from hiveloom_cli.terminal.streams import Streams
from hiveloom_cli.terminal.world import Answerer
from hiveloom_cli.upstream.resolve import PlaceholderKey, Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hiveloom_cli.chat.runner import Model
    from hiveloom_cli.protocols.request import ChatRequest
    from hiveloom_cli.terminal.prompt import Prompt
    from hiveloom_cli.terminal.world import World
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

    def ask_message(self, prompt: Prompt) -> str:
        if not self._left:
            raise EOFError
        return self._left.pop()


def answer_with(model: Model) -> Answerer:
    base_url = parse_base_url("http://127.0.0.1/v1", source="a test")
    upstream = Upstream("openai", base_url, PlaceholderKey())
    return Answerer(Agent("a", "m"), 0, upstream, Turns(model))


class OneWorld:
    """A world in which there is nothing but new conversations."""

    def begin(self, answerer: Answerer) -> tuple[Answerer, Conversation]:
        return answerer, Conversation("1", answerer.agent)


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
    answerer = answer_with(HalfModel(reply))
    Repl(streams, OneMessage(), cast("World", OneWorld()), answerer, conversation).run()
    assert notices.told == [("(stopped; what came is kept)\n", True)]
    assert [message.text for message in conversation.messages] == ["hello", "half"]


class Answer:
    """A reply that has all of `text`, or breaks off after it."""

    def __init__(self, text: str, *, whole: bool = True) -> None:
        self._text = text
        self._whole = whole

    def stream_events(self) -> Iterator[UpstreamEvent]:
        if self._text:
            yield TextDelta(self._text)
        if not self._whole:
            raise StreamCutShort("it broke", hint="ask again")
        message = Message("assistant", (TextPart(self._text),))
        yield ReplyEnded(message, FinishReason.STOP, "stop")

    def build_partial(self) -> Message:
        return Message("assistant", (TextPart(self._text),) if self._text else (), complete=False)


class Answers:
    """Gives the answers in turn and notes what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[list[str]] = []
        self._left = list(answers)

    def open_reply(self, chat: ChatRequest) -> Answer:
        self.asked.append([message.text for message in chat.messages])
        return self._left.pop(0)


class Typed:
    def __init__(self, *lines: str) -> None:
        self._left = list(lines)

    def ask_message(self, prompt: Prompt) -> str:
        if not self._left:
            raise EOFError
        return self._left.pop(0)


class Told:
    """What a chat left: its conversation, its stdout and its stderr."""

    def __init__(self, model: Answers, *lines: str) -> None:
        self.conversation = Conversation("1", Agent("a", "m"))
        streams = Streams(io.StringIO(), io.StringIO(), io.StringIO())
        answerer = answer_with(model)
        repl = Repl(streams, Typed(*lines), cast("World", OneWorld()), answerer, self.conversation)
        repl.run()
        self.conversation = repl.conversation
        assert isinstance(streams.stdout, io.StringIO)
        assert isinstance(streams.stderr, io.StringIO)
        self.out, self.err = streams.stdout.getvalue(), streams.stderr.getvalue()

    @property
    def said(self) -> list[str]:
        return [message.text for message in self.conversation.messages]


CUT = Answer("half", whole=False)
NOTHING = Answer("", whole=False)


def test_retry_replaces_an_answer_that_broke_off() -> None:
    model = Answers(CUT, Answer("whole"))
    told = Told(model, "one", "/retry")
    assert model.asked == [["one"], ["one"]]
    assert told.said == ["one", "whole"]
    assert told.err.splitlines() == [
        "error: it broke",
        "  try: ask again",
        "(what came is kept; /retry asks again)",
    ]


def test_retry_replaces_a_whole_answer_too() -> None:
    model = Answers(Answer("1"), Answer("2"), Answer("three"))
    told = Told(model, "one", "two", "/retry")
    assert model.asked[2] == ["one", "1", "two"]
    assert told.said == ["one", "1", "two", "three"]


def test_retry_asks_what_came_to_nothing() -> None:
    model = Answers(Answer("1"), NOTHING, Answer("2"))
    told = Told(model, "one", "two", "/retry")
    assert told.said == ["one", "1", "two", "2"]
    assert "kept" not in told.err


def test_a_retry_that_comes_to_nothing_takes_nothing_away() -> None:
    told = Told(Answers(Answer("1"), NOTHING), "one", "/retry")
    assert told.said == ["one", "1"]
    assert told.err.splitlines()[-1] == "(the answer before it is kept)"


def test_retry_says_when_there_is_nothing_to_ask_again() -> None:
    assert Told(Answers(), "/retry").err == "(nothing to ask again)\n"
    told = Told(Answers(Answer("1")), "one", "/new", "/retry")
    assert told.err == "(nothing to ask again)\n"


def test_answers_in_a_file_each_end_their_line() -> None:
    told = Told(Answers(Answer("1"), CUT, NOTHING, Answer("2\n")), "a", "b", "c", "d")
    assert told.out == "1\nhalf\n2\n"
