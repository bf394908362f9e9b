"""A chat with tools that tests make, as the program puts it together: real HTTP, a real store.

with ScriptedUpstream(call_reply("openai", Wanted("c1", "clock"))) as upstream:
    chat = Loop("openai", upstream, TrialTool("clock", lambda *_: "noon"))
"""

from __future__ import annotations

import io
import json
import os
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hiveloom_cli.agents.agent import Agent
from hiveloom_cli.app import App
from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.chat.event import ApprovalAsked, ToolEnded, TurnEnded
from hiveloom_cli.chat.record import AnsweredBy
from hiveloom_cli.chat.recorder import Recorder
from hiveloom_cli.chat.resume import build_resumed
from hiveloom_cli.chat.tool_calls import Tools
from hiveloom_cli.chat.tool_plan import Permissions
from hiveloom_cli.chat.turns import Turns
from hiveloom_cli.protocols.message import ToolResult, build_user_message
from hiveloom_cli.protocols.request import ToolDefinition
from hiveloom_cli.stop import Stop
from hiveloom_cli.terminal.streams import Streams
from hiveloom_cli.tools.tool import Approval, ToolCard, ToolOutput
from hiveloom_cli.tools.toolbox import Toolbox
from hiveloom_cli.upstream.event import Notice
from tests.support.official import check_official
from tests.support.upstream import (
    Reply,
    anthropic_event,
    anthropic_reply,
    anthropic_stream,
    json_reply,
    openai_chunk,
    openai_reply,
    openai_stream,
    sse,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from hiveloom_cli.chat.ceiling import Ceiling
    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.errors import HiveloomError
    from hiveloom_cli.protocols.message import Message
    from hiveloom_cli.protocols.providers import ProtocolName
    from hiveloom_cli.tools.approval import Answer
    from tests.support.upstream import ScriptedUpstream

MODELS: dict[ProtocolName, str] = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}
PROTOCOLS: tuple[ProtocolName, ...] = ("openai", "anthropic")
ANY: Mapping[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True)
class Wanted:
    """A call that a model wants made."""

    id: str
    name: str
    arguments: str = "{}"


@dataclass
class TrialTool:
    """A tool that runs a function; its card can be changed between calls."""

    name: str
    work: Callable[[Mapping[str, Any], Stop], str | ToolOutput]
    approval: Approval = Approval.AUTO
    schema: Mapping[str, Any] = field(default_factory=lambda: ANY)
    definition_text: str = "as it is"
    is_foreign: bool = False
    description: str = "A tool of a test."
    ran_with: list[Mapping[str, Any]] = field(default_factory=list)

    def load_card(self) -> ToolCard:
        return ToolCard(
            self.name,
            "trial",
            ToolDefinition(self.name, self.description, self.schema),
            self.approval,
            self.definition_text,
            Approval.AUTO,
            self.is_foreign,
        )

    def describe_call(self, arguments: Mapping[str, Any]) -> str:
        return f"{self.name} with {json.dumps(arguments)}"

    def run(self, arguments: Mapping[str, Any], stop: Stop) -> ToolOutput:
        self.ran_with.append(arguments)
        output = self.work(arguments, stop)
        return ToolOutput(output) if isinstance(output, str) else output


class TrialTools:
    """The tools of a test: a `Toolset`."""

    instructions = ""
    problems: Sequence[HiveloomError] = ()

    def __init__(self, tools: Sequence[TrialTool]) -> None:
        self._tools = tools

    def load_tools(self) -> list[tuple[ToolCard, TrialTool]]:
        return [(tool.load_card(), tool) for tool in self._tools]

    def close(self) -> None:
        pass


class Loop:
    """A chat whose model is at `upstream`; `answers` are what the person says when asked."""

    def __init__(
        self,
        protocol: ProtocolName,
        upstream: ScriptedUpstream,
        *tools: TrialTool,
        streamed: bool = True,
        answers: Sequence[tuple[Answer, str]] = (),
        allowed: Sequence[str] = (),
        most_rounds: int = 10,
        agent: Agent | None = None,
        ceiling: Ceiling | None = None,
        passed: Sequence[str] = (),
    ) -> None:
        self.protocol = protocol
        self.upstream = upstream
        self.asked: list[ApprovalAsked] = []
        self._answers = list(answers)
        self.app = App({**os.environ, **point_at(upstream)}, _open_streams())
        agent = agent or Agent("helper", MODELS[protocol])
        self.conversation = Conversation(self.app.clock.new_id(), agent, stream=streamed)
        self.permissions = Permissions(self.app.agreements, frozenset(allowed))
        place = self.app.decide_upstream(agent.model, agent.credential)
        self.stop = Stop()
        others = tuple(ToolDefinition(name, "Somebody else's.", ANY) for name in passed)
        toolbox = Toolbox([TrialTools(tools)])
        by = AnsweredBy(agent.name, 1, agent.model, protocol, str(place.base_url), protocol)
        self.turns = Turns(
            self.app.open_model(place),
            Recorder(self.app.conversations, by, self.app.clock),
            ceiling,
            load_window=lambda _: None,
            tools=Tools(toolbox, self.permissions, most_rounds, others, self.stop),
        )

    def begin(self, text: str = "hi") -> Generator[Event]:
        """Begin a turn."""
        return self.turns.take(self.conversation, build_user_message(text))

    def ask(self, text: str = "hi") -> list[Event]:
        """Take a turn to its end, and hold every request and what is kept to what they must be."""
        events = []
        with closing(self.begin(text)) as turn:
            for event in turn:
                events.append(event)
                if isinstance(event, ApprovalAsked):
                    self.answer(event)
        self.check()
        return events

    def answer(self, event: ApprovalAsked) -> None:
        self.asked.append(event)
        if self._answers:
            event.question.say(*self._answers.pop(0))

    def check(self) -> None:
        """Hold every request to the official types, and what is kept to what is in memory."""
        assert self.turns.take_problem() is None
        for body in self.bodies:
            check_official(self.protocol, body)
            check_pairs(self.protocol, body)
        assert self.load_kept() == self.conversation.messages

    def load_kept(self) -> list[Message]:
        kept = self.app.conversations.load(self.conversation.id)
        return build_resumed(kept, self.conversation.agent, stream=True).conversation.messages

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [request.json for request in self.upstream.requests]

    @property
    def results(self) -> list[ToolResult]:
        """All results that the conversation holds."""
        parts = (part for message in self.conversation.messages for part in message.parts)
        return [part for part in parts if isinstance(part, ToolResult)]

    @property
    def said(self) -> list[str]:
        """What the results of the tools say to the model."""
        return [result.content for result in self.results]

    def close(self) -> None:
        self.app.close()


def point_at(upstream: ScriptedUpstream) -> dict[str, str]:
    return {
        "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url,
        "HIVELOOM_ANTHROPIC_BASE_URL": upstream.anthropic_base_url,
    }


def list_ended(events: Sequence[Event]) -> list[str]:
    return [event.call.id for event in events if isinstance(event, ToolEnded)]


def list_notices(events: Sequence[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def get_end(events: Sequence[Event]) -> TurnEnded:
    assert isinstance(events[-1], TurnEnded)
    return events[-1]


def answer_reply(protocol: ProtocolName, text: str = "done", *, streamed: bool = True) -> Reply:
    """Build a reply that says a text and calls nothing."""
    if protocol == "openai":
        return stream_reply(openai_stream(text)) if streamed else json_reply(openai_reply(text))
    if streamed:
        return stream_reply(anthropic_stream(text))
    return json_reply(anthropic_reply(text))


def call_reply(
    protocol: ProtocolName,
    *wanted: Wanted,
    text: str = "",
    reason: str = "",
    streamed: bool = True,
    blocks: Sequence[dict[str, Any]] = (),
    usage: dict[str, Any] | None = None,
) -> Reply:
    """Build a reply that says a text, if any, and calls tools; `blocks` of Messages come first."""
    if protocol == "openai":
        return _call_openai(wanted, text, reason or "tool_calls", usage, streamed=streamed)
    return _call_anthropic(
        wanted, text, reason or "tool_use", usage, blocks=blocks, streamed=streamed
    )


def _call_openai(
    wanted: Sequence[Wanted],
    text: str,
    reason: str,
    usage: dict[str, Any] | None,
    *,
    streamed: bool,
) -> Reply:
    calls: list[dict[str, Any]] = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in wanted
    ]
    if not streamed:
        body = json.loads(openai_reply(text, finish_reason=reason))
        body["choices"][0]["message"] |= {"content": text or None, "tool_calls": calls}
        return json_reply(json.dumps(body).encode())
    chunks = [openai_chunk({"role": "assistant", "content": text or None})]
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        begun = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        chunks.append(openai_chunk({"tool_calls": [begun]}))
        rest = {"index": index, "function": {"arguments": arguments}}
        chunks.append(openai_chunk({"tool_calls": [rest]}))
    chunks.append(openai_chunk(finish_reason=reason))
    counted = usage or {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    chunks.append(openai_chunk(choices=[], usage=counted))
    return stream_reply([*chunks, sse("[DONE]")])


def _call_anthropic(
    wanted: Sequence[Wanted],
    text: str,
    reason: str,
    usage: dict[str, Any] | None,
    *,
    blocks: Sequence[dict[str, Any]],
    streamed: bool,
) -> Reply:
    whole = [*blocks, *([{"type": "text", "text": text}] if text else [])]
    counted = usage or {"input_tokens": 10, "output_tokens": 4}
    if not streamed:
        body = json.loads(anthropic_reply("", stop_reason=reason, usage=counted))
        body["content"] = [
            *whole,
            *(
                {
                    "type": "tool_use",
                    "id": call.id,
                    "name": call.name,
                    "input": json.loads(call.arguments),
                }
                for call in wanted
            ),
        ]
        return json_reply(json.dumps(body).encode())
    start = json.loads(anthropic_reply("", stop_reason="", usage=counted))
    events = [anthropic_event("message_start", message=start | {"stop_reason": None})]
    for block in whole:
        events += _stream_block(len(events), block)
    for call in wanted:
        index = len(events)
        begun = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": call.arguments}
        events += [
            anthropic_event("content_block_start", index=index, content_block=begun),
            anthropic_event("content_block_delta", index=index, delta=delta),
            anthropic_event("content_block_stop", index=index),
        ]
    ended: dict[str, Any] = {"stop_reason": reason, "stop_sequence": None}
    events.append(anthropic_event("message_delta", delta=ended, usage=counted))
    return stream_reply([*events, anthropic_event("message_stop")])


def _stream_block(index: int, block: dict[str, Any]) -> list[bytes]:
    deltas: list[dict[str, Any]] = []
    begun = block
    if block["type"] == "text":
        begun, deltas = {**block, "text": ""}, [{"type": "text_delta", "text": block["text"]}]
    elif block["type"] == "thinking":
        begun = {**block, "thinking": "", "signature": ""}
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    return [
        anthropic_event("content_block_start", index=index, content_block=begun),
        *(anthropic_event("content_block_delta", index=index, delta=delta) for delta in deltas),
        anthropic_event("content_block_stop", index=index),
    ]


def check_pairs(protocol: ProtocolName, body: dict[str, Any]) -> None:
    """Check that each call of a request has exactly one result, in order, right behind it."""
    messages = body["messages"]
    seen: set[str] = set()
    for place, message in enumerate(messages):
        calls = _list_call_ids(protocol, message)
        assert len(set(calls) | seen) == len(calls) + len(seen), f"an id comes twice: {calls}"
        seen.update(calls)
        if calls:
            assert _list_result_ids(protocol, messages[place + 1 :], len(calls)) == calls
    results = sum(len(_list_result_ids(protocol, [message])) for message in messages)
    assert results == len(seen)


def _list_call_ids(protocol: ProtocolName, message: dict[str, Any]) -> list[str]:
    if protocol == "openai":
        return [call["id"] for call in message.get("tool_calls", ())]
    if isinstance(message["content"], str):
        return []
    return [block["id"] for block in message["content"] if block["type"] == "tool_use"]


def _list_result_ids(
    protocol: ProtocolName, messages: Sequence[dict[str, Any]], most: int = 1
) -> list[str]:
    """List the ids of the results that stand first: in one message of Messages."""
    if protocol == "openai":
        first = messages[:most]
        return [message["tool_call_id"] for message in first if message["role"] == "tool"]
    if not messages or isinstance(messages[0]["content"], str):
        return []
    blocks = messages[0]["content"]
    ids = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    assert all(block["type"] == "tool_result" for block in blocks[: len(ids)])
    return ids


def read_results(protocol: ProtocolName, body: dict[str, Any]) -> list[tuple[str, bool]]:
    """Read the results of a request's last calls as the upstream gets them."""
    messages = body["messages"]
    if protocol == "openai":
        last = max(place for place, each in enumerate(messages) if each.get("tool_calls"))
        said = [each["content"] for each in messages[last + 1 :] if each["role"] == "tool"]
        return [(text, False) for text in said]
    last = max(place for place, each in enumerate(messages) if _list_call_ids(protocol, each))
    blocks = messages[last + 1]["content"]
    return [
        (block["content"], block.get("is_error", False))
        for block in blocks
        if block["type"] == "tool_result"
    ]


def _open_streams() -> Streams:
    return Streams(io.StringIO(), io.StringIO(), io.StringIO())
