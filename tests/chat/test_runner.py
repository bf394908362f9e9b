"""What a turn yields, and what the conversation holds after it, however it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.chat.answer import fold_turn
from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.chat.event import Event, TurnEnded
from hiveloom_cli.chat.runner import run_turn
from hiveloom_cli.errors import Interrupted, StreamCutShort
from hiveloom_cli.protocols.event import FinishReason, ReplyEnded, TextDelta
from hiveloom_cli.protocols.message import Message, TextPart, build_user_message
from tests.support.upstream import ScriptedUpstream, anthropic_event, stream_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hiveloom_cli.protocols.request import ChatRequest
    from tests.support.program import Finished


def say(text: str, *, complete: bool = True) -> Message:
    return Message("assistant", (TextPart(text),), complete=complete)


@dataclass
class ScriptedReply:
    """A reply that yields these events, and raises an exception where one stands among them."""

    events: list[ReplyEnded | TextDelta | BaseException]
    said: str = ""

    def stream_events(self) -> Iterator[ReplyEnded | TextDelta]:
        for event in self.events:
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, TextDelta):
                self.said += event.text
            yield event

    def build_partial(self) -> Message:
        return say(self.said, complete=False) if self.said else Message("assistant", (), False)  # noqa: FBT003


@dataclass
class ScriptedModel:
    replies: list[ScriptedReply]
    asked: list[ChatRequest] = field(default_factory=list)

    def open_reply(self, chat: ChatRequest) -> ScriptedReply:
        self.asked.append(chat)
        return self.replies.pop(0)


def end(text: str, reason: FinishReason = FinishReason.STOP) -> ReplyEnded:
    return ReplyEnded(say(text), reason, reason.value)


def take_turn(*replies: ScriptedReply) -> tuple[Conversation, ScriptedModel, list[Event]]:
    conversation = Conversation("c", Agent("", "m"))
    model = ScriptedModel(list(replies))
    events = list(run_turn(conversation, build_user_message("hi"), model))
    return conversation, model, events


def test_an_answer_is_kept_with_what_it_answers() -> None:
    conversation, _, events = take_turn(ScriptedReply([TextDelta("ho"), end("ho")]))
    assert [message.text for message in conversation.messages] == ["hi", "ho"]
    assert isinstance(events[-1], TurnEnded)


def test_a_paused_turn_goes_on_and_is_one_answer() -> None:
    conversation, model, events = take_turn(
        ScriptedReply([TextDelta("one "), end("one ", FinishReason.PAUSE)]),
        ScriptedReply([TextDelta("two"), end("two")]),
    )
    assert [message.text for message in conversation.messages] == ["hi", "one two"]
    assert [message.text for message in model.asked[1].messages] == ["hi", "one "]
    ended = events[-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.message.text, ended.finish_reason) == ("one two", FinishReason.STOP)


@pytest.mark.parametrize("fault", [StreamCutShort("cut"), KeyboardInterrupt()])
def test_what_came_before_a_fault_is_kept_and_marked(fault: BaseException) -> None:
    conversation = Conversation("c", Agent("", "m"))
    model = ScriptedModel([ScriptedReply([TextDelta("ha"), fault])])
    with pytest.raises(type(fault)):
        list(run_turn(conversation, build_user_message("hi"), model))
    assert [message.text for message in conversation.messages] == ["hi", "ha"]
    assert not conversation.messages[-1].complete


def test_a_reader_that_goes_away_loses_nothing() -> None:
    conversation = Conversation("c", Agent("", "m"))
    model = ScriptedModel([ScriptedReply([TextDelta("ha"), TextDelta("ho"), end("haho")])])
    events = run_turn(conversation, build_user_message("hi"), model)
    next(events)
    events.close()
    assert [message.text for message in conversation.messages] == ["hi", "ha"]


def test_a_turn_of_which_nothing_came_leaves_the_conversation_as_it_was() -> None:
    conversation = Conversation("c", Agent("", "m"))
    with pytest.raises(StreamCutShort):
        list(
            run_turn(
                conversation,
                build_user_message("hi"),
                ScriptedModel([ScriptedReply([StreamCutShort("cut")])]),
            )
        )
    assert conversation.messages == []


@pytest.mark.parametrize(
    ("fault", "raised"),
    [(StreamCutShort("cut"), StreamCutShort), (KeyboardInterrupt(), Interrupted)],
)
def test_a_folded_turn_hands_on_what_came(
    fault: BaseException, raised: type[StreamCutShort | Interrupted]
) -> None:
    model = ScriptedModel([ScriptedReply([TextDelta("ha"), fault])])
    conversation = Conversation("c", Agent("", "m"))
    with pytest.raises(raised) as caught:
        fold_turn(run_turn(conversation, build_user_message("hi"), model))
    assert caught.value.partial == "ha"


def test_a_pause_of_the_wire_is_sent_back_block_by_block(
    hiveloom: Callable[..., Finished], upstream: ScriptedUpstream
) -> None:
    search: dict[str, Any] = {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "web_search",
        "input": {},
    }
    found: dict[str, Any] = {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [],
    }

    def stream(blocks: list[dict[str, Any]], reason: str) -> list[bytes]:
        events = [anthropic_event("message_start", message={"id": reason, "usage": {}})]
        for index, block in enumerate(blocks):
            events.append(anthropic_event("content_block_start", index=index, content_block=block))
            events.append(anthropic_event("content_block_stop", index=index))
        events.append(anthropic_event("message_delta", delta={"stop_reason": reason}, usage={}))
        return [*events, anthropic_event("message_stop")]

    upstream.add(
        stream_reply(
            stream([{"type": "text", "text": "Let me look. "}, search, found], "pause_turn")
        ),
        stream_reply(stream([{"type": "text", "text": "Found."}], "end_turn")),
    )
    env = {"HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url}
    done = hiveloom("chat", "--model", "claude-x", "hi", env=env)
    assert done.stdout == "Let me look. Found."
    sent = upstream.requests[1].json["messages"][1]
    assert [block["type"] for block in sent["content"]] == ["text", search["type"], found["type"]]
    assert json.dumps(sent["content"][2]) == json.dumps(found)
