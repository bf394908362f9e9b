"""What a turn with several requests costs: counted once, limited before each of them."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.agents.agent import Agent, Compaction
from hiveloom_cli.agents.limits import Limits
from hiveloom_cli.app import App
from hiveloom_cli.chat.ceiling import Ceiling
from hiveloom_cli.chat.context import estimate_request
from hiveloom_cli.chat.conversation import Conversation
from hiveloom_cli.chat.estimate import estimate_tools
from hiveloom_cli.chat.record import Filter
from hiveloom_cli.chat.resume import build_resumed
from hiveloom_cli.commands.spending import resume_ceiling
from hiveloom_cli.errors import CeilingReached, UpstreamRefused
from hiveloom_cli.protocols.event import Usage, UsageReported
from hiveloom_cli.protocols.message import build_user_message
from hiveloom_cli.protocols.request import ToolDefinition
from tests.support.loop import (
    PROTOCOLS,
    Loop,
    TrialTool,
    Wanted,
    answer_reply,
    call_reply,
    get_end,
    list_notices,
)
from tests.support.upstream import (
    ScriptedUpstream,
    json_reply,
    openai_error,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from hiveloom_cli.protocols.providers import ProtocolName

BOTH = pytest.mark.parametrize("protocol", PROTOCOLS)
CLOCK = Wanted("c1", "clock")


def noon(*_: object) -> str:
    return "noon"


def say(text: str, usage: dict[str, Any] | None) -> Any:
    return stream_reply(openai_stream(text, usage=usage))


def count(tokens: int, came: int) -> dict[str, int]:
    return {"prompt_tokens": tokens, "completion_tokens": came, "total_tokens": tokens + came}


def load_rows(chat: Loop) -> list[tuple[str, Usage | None]]:
    kept = chat.app.conversations.load(chat.conversation.id)
    return [(row.message.role, row.ended.usage if row.ended else None) for row in kept.messages]


def load_used(chat: Loop, *, is_guessed: bool) -> list[tuple[int | None, int | None]]:
    wanted = Filter(id=chat.conversation.id)
    used = chat.app.conversations.load_used(wanted, is_guessed=is_guessed)
    return [(row.usage.input_tokens, row.usage.output_tokens) for row in used]


@BOTH
def test_a_turn_costs_what_all_its_requests_do(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    upstream.add(call_reply(protocol, CLOCK), answer_reply(protocol))
    chat = Loop(protocol, upstream, TrialTool("clock", noon))
    events = chat.ask()
    ended = get_end(events)
    assert ended.usage is not None
    assert (ended.usage.input_tokens, ended.usage.output_tokens) == (10 + 3, 4 + 5)
    assert ended.last_usage is not None
    assert ended.last_usage.input_tokens == 3
    told = [event.usage.input_tokens or 0 for event in events if isinstance(event, UsageReported)]
    assert told == sorted(told)
    assert load_rows(chat)[-1] == ("assistant", ended.usage)
    for is_guessed in (True, False):
        assert load_used(chat, is_guessed=is_guessed) == [(13, 9)]


def test_what_a_turn_cost_that_failed_after_tools_is_kept(upstream: ScriptedUpstream) -> None:
    upstream.add(call_reply("openai", CLOCK), json_reply(openai_error("it is broken"), status=400))
    chat = Loop("openai", upstream, TrialTool("clock", noon))
    with pytest.raises(UpstreamRefused):
        chat.ask()
    assert [role for role, _ in load_rows(chat)] == ["user", "assistant", "user"]
    assert load_used(chat, is_guessed=False) == [(10, 4)]


def test_a_limit_stops_before_the_request_that_would_pass_it_and_what_came_is_kept(
    upstream: ScriptedUpstream,
) -> None:
    upstream.add(call_reply("openai", CLOCK, usage=count(10, 4), text="Looking."))
    ceiling = Ceiling(Limits(max_total_tokens=50), agent="helper")
    big = TrialTool("clock", lambda *_: "x" * 400)
    chat = Loop("openai", upstream, big, ceiling=ceiling)
    with pytest.raises(CeilingReached) as caught, closing(chat.begin()) as turn:
        list(turn)
    assert "14 tokens so far" in caught.value.message
    chat.check()
    assert len(upstream.requests) == 1
    assert chat.said == ["x" * 400]
    assert load_used(chat, is_guessed=False) == [(10, 4)]
    with pytest.raises(CeilingReached):
        chat.ask("go on")


def test_requests_that_report_nothing_are_counted_as_estimated(
    upstream: ScriptedUpstream,
) -> None:
    definition = ToolDefinition("clock", "A tool of a test.", {"type": "object", "properties": {}})
    tools = estimate_tools([definition])
    silent: dict[str, Any] = {}
    first = replace_usage(call_reply("openai", CLOCK))
    upstream.add(first, say("four", silent))
    # A message is 4 and its text: hi 1, the call 3 as it is sent and 2 as it came, noon and four 1.
    spent = (tools + 5) + 2 + (tools + 5 + 7 + 5) + 1
    ceiling = Ceiling(Limits(max_total_tokens=10_000), agent="helper")
    chat = Loop("openai", upstream, TrialTool("clock", noon), ceiling=ceiling)
    chat.ask()
    assert ceiling._spent.tokens == spent


def replace_usage(reply: Any) -> Any:
    pieces = [piece for piece in reply.pieces if b'"usage"' not in piece]
    return replace(reply, pieces=pieces)


def test_an_answer_that_is_left_after_tools_counts_what_was_reported_and_what_came(
    upstream: ScriptedUpstream,
) -> None:
    half = openai_stream("eight ch", usage=None, finish_reason=None, done=False)
    upstream.add(call_reply("openai", CLOCK, usage=count(100, 20)), stream_reply(half))
    ceiling = Ceiling(Limits(max_total_tokens=10_000), agent="helper")
    chat = Loop("openai", upstream, TrialTool("clock", noon), ceiling=ceiling)
    with pytest.raises(Exception, match="ended in the middle"):
        chat.ask()
    # The second request: at least the first one's estimate, and 2 for what came.
    assert ceiling._spent.tokens > 122


def test_the_next_request_is_measured_by_the_last_one_and_not_by_the_sum(
    upstream: ScriptedUpstream,
) -> None:
    upstream.add(
        call_reply("openai", CLOCK, usage=count(105, 5)),
        say("four", count(110, 10)),
        say("x", None),
    )
    # 230 spent; the next one is 110, and the answer and the question 5 each.
    ceiling = Ceiling(Limits(max_total_tokens=230 + 120), agent="helper")
    chat = Loop("openai", upstream, TrialTool("clock", noon), ceiling=ceiling)
    chat.ask()
    chat.ask("four")
    short = Ceiling(Limits(max_total_tokens=230 + 119), agent="helper")
    upstream.add(call_reply("openai", CLOCK, usage=count(105, 5)), say("four", count(110, 10)))
    other = Loop("openai", upstream, TrialTool("clock", noon), ceiling=short)
    other.ask()
    with pytest.raises(CeilingReached):
        other.ask("four")


def test_a_conversation_with_tools_that_goes_on_counts_none_of_it_twice(
    upstream: ScriptedUpstream,
) -> None:
    upstream.add(call_reply("openai", CLOCK, usage=count(900, 5)), say("four", count(910, 5)))
    agent = Agent("helper", "gpt-4o-mini", limits=Limits(max_total_tokens=2500))
    chat = Loop("openai", upstream, TrialTool("clock", noon), agent=agent)
    chat.ask()
    kept = chat.app.conversations.load(chat.conversation.id)
    resumed = build_resumed(kept, agent, stream=True)
    assert resumed.spent == Usage(1810, 10)
    assert resumed.conversation.measured is None
    app = App({**os.environ}, chat.app.streams)
    ceiling = Ceiling(agent.limits, agent="helper")
    resume_ceiling(app, ceiling, kept, agent)
    upstream.add(say("fine", count(920, 5)))
    other = Loop("openai", upstream, TrialTool("clock", noon), agent=agent, ceiling=ceiling)
    other.conversation = resumed.conversation
    assert get_end(list(other.begin("go on"))).message.text == "fine"
    assert ceiling._spent.tokens == 1820 + 925
    app.close()


def test_what_is_offered_counts_as_part_of_the_request() -> None:
    conversation = Conversation("c", Agent("", "m"))
    before = estimate_request(conversation, build_user_message("hi"))
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    conversation.tools = (ToolDefinition("weather", "Tells the weather. " * 40, schema),)
    assert estimate_request(conversation, build_user_message("hi")) > before + 180


def test_room_is_made_within_a_turn_before_the_request_that_needs_it(
    upstream: ScriptedUpstream,
) -> None:
    agent = Agent(
        "helper",
        "gpt-4o-mini",
        context_window=1000,
        compaction=Compaction(threshold=0.8, keep=1),
    )
    chat = Loop("openai", upstream, TrialTool("read", lambda *_: "y" * 1600), agent=agent)
    for letter, tokens in (("a", 110), ("b", 350)):
        upstream.add(say(letter.upper() * 400, count(tokens, 100)))
        chat.ask(letter * 400)
    upstream.add(
        call_reply("openai", Wanted("c1", "read"), usage=count(450, 5)),
        say("Both said little.", count(300, 7)),
        say("It is full of y.", count(600, 9)),
    )
    events = chat.ask("read it")
    assert [text for text in list_notices(events) if "summarised" in text]
    assert "Both said little." in str(chat.bodies[-1]["messages"])
    assert get_end(events).usage == Usage(450 + 300 + 600, 5 + 7 + 9)
    told = [event.usage.input_tokens or 0 for event in events if isinstance(event, UsageReported)]
    assert told == sorted(told)
    assert chat.said == ["y" * 1600]
    assert load_used(chat, is_guessed=False) == [(110 + 350 + 1350, 100 + 100 + 21)]
