"""A turn with tools over real HTTP, in both protocols: what is sent, what runs, what is kept."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.chat.event import ApprovalAsked, ToolEnded, ToolStarted
from hiveloom_cli.chat.exchanges import find_questions
from hiveloom_cli.errors import HiveloomError, StreamCutShort, UpstreamRefused
from hiveloom_cli.protocols.event import FinishReason
from hiveloom_cli.protocols.message import OpaquePart, ToolCall
from hiveloom_cli.tools.approval import Answer
from hiveloom_cli.tools.tool import Approval, ToolOutput
from tests.support.loop import (
    PROTOCOLS,
    Loop,
    TrialTool,
    Wanted,
    answer_reply,
    call_reply,
    get_end,
    list_ended,
    list_notices,
    read_results,
)
from tests.support.replies import read_reply
from tests.support.upstream import (
    ScriptedUpstream,
    anthropic_error,
    json_reply,
    openai_error,
    stream_reply,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hiveloom_cli.chat.event import Event
    from hiveloom_cli.protocols.providers import ProtocolName
    from hiveloom_cli.stop import Stop

GATE_S = 20.0
WIRE = Path(__file__).parent.parent / "fixtures" / "wire"
BOTH = pytest.mark.parametrize("protocol", PROTOCOLS)
EACH_WAY = pytest.mark.parametrize(("protocol", "streamed"), [*product(PROTOCOLS, (True, False))])
CITY: Mapping[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}


def echo(arguments: Mapping[str, Any], _stop: Stop) -> str:
    return f"got {json.dumps(arguments, ensure_ascii=False)}"


@EACH_WAY
def test_a_call_runs_and_the_model_answers_with_its_result(
    upstream: ScriptedUpstream, protocol: ProtocolName, *, streamed: bool
) -> None:
    wanted = Wanted("call_1", "weather", '{"city": "Zürich"}')
    upstream.add(
        call_reply(protocol, wanted, text="Let me look.", streamed=streamed),
        answer_reply(protocol, "Sunny.", streamed=streamed),
    )
    tool = TrialTool("weather", echo, schema=CITY)
    chat = Loop(protocol, upstream, tool, streamed=streamed)
    events = chat.ask()
    assert tool.ran_with == [{"city": "Zürich"}]
    assert [type(event) for event in events if isinstance(event, ToolStarted | ToolEnded)] == [
        ToolStarted,
        ToolEnded,
    ]
    assert get_end(events).message.text == "Sunny."
    first, second = chat.bodies
    assert len(first["tools"]) == len(second["tools"]) == 1
    assert "tool_choice" not in second
    assert read_results(protocol, second) == [('got {"city": "Zürich"}', False)]
    texts = [message.text for message in chat.conversation.messages]
    assert texts == ["hi", "Let me look.", "", "Sunny."]


@BOTH
def test_what_may_run_by_itself_runs_side_by_side_and_results_keep_the_order_of_the_calls(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    """The first waits for the others to be told about: one after the other, none would begin."""
    begun, ended = threading.Event(), threading.Event()

    def wait_for_last(_arguments: Mapping[str, Any], _stop: Stop) -> str:
        assert ended.wait(GATE_S)
        return "first"

    def begin(_arguments: Mapping[str, Any], _stop: Stop) -> str:
        begun.set()
        return "second"

    def end(_arguments: Mapping[str, Any], _stop: Stop) -> str:
        assert begun.wait(GATE_S)
        return "third"

    tools = [TrialTool("a", wait_for_last), TrialTool("b", begin), TrialTool("c", end)]
    upstream.add(
        call_reply(protocol, Wanted("1", "a"), Wanted("2", "b"), Wanted("3", "c")),
        answer_reply(protocol),
    )
    chat = Loop(protocol, upstream, *tools)
    events: list[Event] = []
    with closing(chat.begin()) as turn:
        for event in turn:
            events.append(event)
            if {*list_ended(events)} == {"2", "3"}:
                ended.set()
    chat.check()
    assert sorted(list_ended(events)) == ["1", "2", "3"]
    assert list_ended(events)[-1] == "1"
    assert read_results(protocol, chat.bodies[1]) == [
        ("first", False),
        ("second", False),
        ("third", False),
    ]
    if protocol == "anthropic":
        assert len(chat.bodies[1]["messages"]) == 3
    else:
        assert [message["role"] for message in chat.bodies[1]["messages"]] == [
            "user",
            "assistant",
            "tool",
            "tool",
            "tool",
        ]


@BOTH
def test_what_is_asked_about_runs_one_after_the_other_while_the_rest_runs(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    asked = threading.Event()
    running: list[str] = []

    def wait(_arguments: Mapping[str, Any], _stop: Stop) -> str:
        assert asked.wait(GATE_S)
        return "auto"

    def work(arguments: Mapping[str, Any], _stop: Stop) -> str:
        running.append(arguments["n"])
        assert len(running) == 1
        running.remove(arguments["n"])
        asked.set()
        return f"asked {arguments['n']}"

    tools = [TrialTool("auto", wait), TrialTool("ask", work, Approval.ASK)]
    upstream.add(
        call_reply(
            protocol,
            Wanted("1", "ask", '{"n": 1}'),
            Wanted("2", "auto"),
            Wanted("3", "ask", '{"n": 2}'),
            Wanted("4", "ask", '{"n": 3}'),
        ),
        answer_reply(protocol),
    )
    answers = [(Answer.ONCE, ""), (Answer.NO, "not now"), (Answer.ONCE, "")]
    chat = Loop(protocol, upstream, *tools, answers=answers)
    chat.ask()
    assert chat.said == [
        "asked 1",
        "auto",
        "The person did not allow it: not now",
        "asked 3",
    ]
    assert [event.question.what for event in chat.asked] == [
        f'ask with {{"n": {number}}}' for number in (1, 2, 3)
    ]


@BOTH
def test_answers_hold_as_long_as_they_say(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    tools = [TrialTool(name, echo, Approval.ASK) for name in ("once", "now", "always", "no")]
    wanted = [Wanted(str(place), tool.name) for place, tool in enumerate(tools)]
    upstream.add(call_reply(protocol, *wanted), answer_reply(protocol))
    answers = [(Answer(word), "") for word in ("once", "conversation", "always", "no")]
    chat = Loop(protocol, upstream, *tools, answers=answers)
    chat.ask()
    assert [result.is_error for result in chat.results] == [False, False, False, True]
    upstream.add(call_reply(protocol, *wanted), answer_reply(protocol))
    chat.ask()
    assert [event.call.name for event in chat.asked[4:]] == ["once", "no"]
    upstream.add(call_reply(protocol, *wanted), answer_reply(protocol))
    other = Loop(protocol, upstream, *tools)
    other.ask()
    assert [event.call.name for event in other.asked] == ["once", "now", "no"]
    assert other.said[0] == "Not run: it needs a person's approval, and nobody was asked."


@BOTH
def test_tools_that_were_named_at_the_start_run_unasked_and_denied_ones_never(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    tools = [
        TrialTool("named", echo, Approval.ASK),
        TrialTool("denied", echo, Approval.DENY),
        TrialTool("other", echo, Approval.ASK),
    ]
    wanted = [Wanted(str(place), tool.name) for place, tool in enumerate(tools)]
    upstream.add(call_reply(protocol, *wanted), answer_reply(protocol))
    chat = Loop(protocol, upstream, *tools, allowed=("named", "denied"))
    chat.ask()
    assert [event.call.name for event in chat.asked] == ["other"]
    assert [bool(tool.ran_with) for tool in tools] == [True, False, False]
    assert chat.said[1] == "This tool is not allowed to run."


@BOTH
def test_a_foreign_tool_that_changed_is_asked_about_with_what_it_was(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    tool = TrialTool("far", echo, definition_text="before", is_foreign=True)
    upstream.add(call_reply(protocol, Wanted("1", "far")), answer_reply(protocol))
    chat = Loop(protocol, upstream, tool, answers=[(Answer.ALWAYS, "")], allowed=("far",))
    chat.ask()
    assert not chat.asked
    tool.definition_text = "after"
    for _ in range(2):
        upstream.add(call_reply(protocol, Wanted("1", "far")), answer_reply(protocol))
        chat.ask()
    assert [event.question.before for event in chat.asked] == ["before"]
    assert len(tool.ran_with) == 3


def crash(_arguments: Mapping[str, Any], _stop: Stop) -> str:
    raise ZeroDivisionError("by nothing")


def fail(_arguments: Mapping[str, Any], _stop: Stop) -> str:
    raise HiveloomError("the service is closed", hint="go there tomorrow")


def refuse(_arguments: Mapping[str, Any], _stop: Stop) -> ToolOutput:
    return ToolOutput("exit code 3", is_error=True)


@BOTH
@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted("1", "fails"), "the service is closed"),
        (Wanted("1", "refuses"), "exit code 3"),
        (Wanted("1", "crashes"), "the tool failed: ZeroDivisionError: by nothing"),
        (
            Wanted("1", "unknown"),
            "there is no tool named unknown; the tools are: fails, refuses, crashes, weather",
        ),
        (
            Wanted("1", "weather", '{"city": "Zür'),
            'the arguments are not JSON (Unterminated string starting at): {"city": "Zür',
        ),
        (Wanted("1", "weather", "[1]"), "the arguments are no JSON object: [1]"),
        (
            Wanted("1", "weather", '{"city": 7}'),
            "the arguments do not fit the tool's schema: $.city: 7 is not of type 'string'",
        ),
        (
            Wanted("1", "weather", ""),
            "the arguments do not fit the tool's schema: $: 'city' is a required property",
        ),
    ],
)
def test_what_is_wrong_with_a_call_is_told_to_the_model_and_the_chat_goes_on(
    upstream: ScriptedUpstream, protocol: ProtocolName, wanted: Wanted, said: str
) -> None:
    tools = [
        TrialTool("fails", fail),
        TrialTool("refuses", refuse),
        TrialTool("crashes", crash),
        TrialTool("weather", echo, schema=CITY),
    ]
    upstream.add(call_reply(protocol, wanted), answer_reply(protocol, "I see."))
    chat = Loop(protocol, upstream, *tools)
    assert get_end(chat.ask()).message.text == "I see."
    assert read_results(protocol, chat.bodies[1]) == [(said, protocol == "anthropic")]
    assert [result.is_error for result in chat.results] == [True]


class Broken(TrialTool):
    """A tool of which a part raises what it should not."""

    where = ""

    def load_card(self) -> Any:
        if self.where == "card":
            raise KeyError("card")
        return super().load_card()

    def describe_call(self, arguments: Mapping[str, Any]) -> str:
        if self.where == "describe":
            raise TypeError("words")
        return super().describe_call(arguments)


@pytest.mark.parametrize(("where", "name"), [("card", "KeyError"), ("describe", "TypeError")])
def test_a_tool_with_a_fault_of_its_own_ends_no_chat(
    upstream: ScriptedUpstream, where: str, name: str
) -> None:
    tool = Broken("odd", echo, Approval.ASK)
    upstream.add(call_reply("openai", Wanted("1", "odd")), answer_reply("openai"))
    chat = Loop("openai", upstream, tool)
    tool.where = where
    assert get_end(chat.ask()).message.text == "done"
    assert chat.said[0].startswith(f"the tool failed: {name}: ")
    assert not tool.ran_with


def test_an_always_that_cannot_be_saved_holds_for_the_conversation(
    upstream: ScriptedUpstream,
) -> None:
    tool = TrialTool("weather", echo, Approval.ASK)
    upstream.add(call_reply("openai", Wanted("1", "weather")), answer_reply("openai"))
    chat = Loop("openai", upstream, tool, answers=[(Answer.ALWAYS, "")])

    def refuse_to_save(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    chat.app.agreements.save = refuse_to_save  # type: ignore[method-assign]
    notices = list_notices(chat.ask())
    assert len(notices) == 1
    assert notices[0].startswith("your “always” holds in this conversation only: ")
    upstream.add(call_reply("openai", Wanted("1", "weather")), answer_reply("openai"))
    chat.ask()
    assert len(chat.asked) == 1
    assert len(tool.ran_with) == 2


@BOTH
def test_the_same_call_three_times_in_a_row_is_stopped_and_said(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    tool = TrialTool("weather", echo)
    same = ['{"a": 1, "b": 2}', '{"b":2,"a":1}', '{ "a": 1, "b": 2 }']
    for number, arguments in enumerate(same):
        upstream.add(call_reply(protocol, Wanted(f"c{number}", "weather", arguments)))
    upstream.add(answer_reply(protocol, "All right."))
    chat = Loop(protocol, upstream, tool)
    events = chat.ask()
    assert len(tool.ran_with) == 2
    assert chat.said[2].startswith(
        "Stopped: weather was called 3 times in a row with the same arguments."
    )
    assert chat.results[2].is_error
    none = {"openai": "none", "anthropic": {"type": "none"}}[protocol]
    assert [body.get("tool_choice") for body in chat.bodies] == [None, None, None, none]
    assert get_end(events).message.text == "All right."


def test_of_a_thousand_calls_in_one_answer_a_hundred_run(upstream: ScriptedUpstream) -> None:
    tool = TrialTool("clock", lambda *_: "noon")
    wanted = [Wanted(f"c{at}", "clock", f'{{"at": {at}}}') for at in range(1000)]
    upstream.add(call_reply("openai", *wanted), answer_reply("openai"))
    with closing(Loop("openai", upstream, tool)) as chat:
        events = chat.ask()
        assert len(tool.ran_with) == 100
        assert list_notices(events) == ["of 1,000 tool calls at once, the first 100 count"]
        assert chat.said == ["noon"] * 100 + ["Not run: more than 100 calls at once."] * 900


def test_a_call_in_between_makes_it_another_row(upstream: ScriptedUpstream) -> None:
    tools = [TrialTool("a", echo), TrialTool("b", echo)]
    for number, name in enumerate("aabaa"):
        upstream.add(call_reply("openai", Wanted(f"c{number}", name)))
    upstream.add(answer_reply("openai"))
    chat = Loop("openai", upstream, *tools)
    chat.ask()
    assert not any(result.is_error for result in chat.results)
    upstream.add(call_reply("openai", Wanted("c", "a")), answer_reply("openai"))
    chat.ask()  # another turn is another row too
    assert not any(result.is_error for result in chat.results)


@BOTH
def test_at_the_limit_of_rounds_the_model_is_asked_to_answer_without_tools(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    tool = TrialTool("count", echo)
    for number in range(3):
        upstream.add(call_reply(protocol, Wanted(f"c{number}", "count", f'{{"n": {number}}}')))
    upstream.add(answer_reply(protocol, "Three."))
    chat = Loop(protocol, upstream, tool, most_rounds=3)
    assert get_end(chat.ask()).message.text == "Three."
    assert [body.get("tool_choice") is None for body in chat.bodies] == [True, True, True, False]
    assert all("tools" in body for body in chat.bodies)
    assert chat.said[2].endswith(
        "[This was the last round of tool calls: answer now, without tools.]"
    )


@BOTH
def test_a_model_that_calls_on_beyond_the_limit_is_not_run_and_that_is_said(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    tool = TrialTool("count", echo)
    upstream.add(call_reply(protocol, Wanted("1", "count")))
    upstream.add(call_reply(protocol, Wanted("2", "count", '{"n": 2}')))
    chat = Loop(protocol, upstream, tool, most_rounds=1)
    events = chat.ask()
    assert len(tool.ran_with) == 1
    assert list_notices(events) == [
        "the model wants more tool calls than it may make; ask it to go on"
    ]
    upstream.add(answer_reply(protocol))
    chat.ask("go on")
    assert read_results(protocol, chat.bodies[-1]) == [("aborted", protocol == "anthropic")]
    assert "tool_choice" not in chat.bodies[-1]


@BOTH
@pytest.mark.parametrize(
    ("openai_reason", "anthropic_reason"),
    [("length", "max_tokens"), ("content_filter", "refusal")],
)
def test_a_call_that_was_cut_is_never_run(
    upstream: ScriptedUpstream, protocol: ProtocolName, openai_reason: str, anthropic_reason: str
) -> None:
    tool = TrialTool("count", echo)
    reason = openai_reason if protocol == "openai" else anthropic_reason
    upstream.add(call_reply(protocol, Wanted("1", "count", "{}"), reason=reason))
    chat = Loop(protocol, upstream, tool)
    ended = get_end(chat.ask())
    assert ended.finish_reason in (FinishReason.LENGTH, FinishReason.CONTENT_FILTER)
    assert not tool.ran_with
    upstream.add(answer_reply(protocol))
    chat.ask("again")
    assert not tool.ran_with


def test_a_stream_that_breaks_off_in_a_call_runs_nothing_and_spoils_nothing(
    upstream: ScriptedUpstream,
) -> None:
    wanted = Wanted("1", "count"), Wanted("2", "count", '{"n": 1}')
    whole = call_reply("openai", *wanted, text="So.")
    tool = TrialTool("count", echo)
    for cut in range(1, len(list(whole.pieces)) - 2):
        upstream.add(replace(whole, pieces=[*whole.pieces][:cut]), answer_reply("openai"))
        chat = Loop("openai", upstream, tool)
        with pytest.raises(StreamCutShort), closing(chat.begin()) as turn:
            list(turn)
        chat.ask("again")
        chat.close()
    assert not tool.ran_with


def test_thoughts_and_their_signatures_go_back_byte_for_byte_within_the_loop(
    upstream: ScriptedUpstream,
) -> None:
    blocks = [
        {"type": "thinking", "thinking": "I look \u2028 é first. ", "signature": "EqQB+/=="},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
    ]
    empty = [{"type": "thinking", "thinking": "", "signature": "Zm9v"}]
    upstream.add(
        call_reply("anthropic", Wanted("toolu_1", "clock"), text="Now.", blocks=blocks),
        call_reply("anthropic", Wanted("toolu_2", "clock"), blocks=empty),
        answer_reply("anthropic"),
    )
    chat = Loop("anthropic", upstream, TrialTool("clock", lambda *_: "noon"))
    chat.ask()
    first, second = (chat.bodies[-1]["messages"][place]["content"] for place in (1, 3))
    assert first[:2] == blocks
    assert [block["type"] for block in first[2:]] == ["text", "tool_use"]
    assert second[:1] == empty
    assert chat.bodies[2]["messages"][:3] == chat.bodies[1]["messages"]


def test_a_pause_goes_on_by_itself_and_with_calls_in_it_the_results_go_along(
    upstream: ScriptedUpstream,
) -> None:
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    tool = TrialTool("clock", lambda *_: "noon")
    upstream.add(
        call_reply("anthropic", text="Searching.", blocks=[search], reason="pause_turn"),
        call_reply("anthropic", Wanted("toolu_1", "clock"), text="Found."),
        call_reply("anthropic", Wanted("toolu_2", "clock"), reason="pause_turn"),
        answer_reply("anthropic", "Noon."),
    )
    chat = Loop("anthropic", upstream, tool)
    assert get_end(chat.ask()).message.text == "Noon."
    assert len(tool.ran_with) == 2
    assert chat.said == ["noon", "noon"]
    kinds = [type(part) for part in chat.conversation.messages[1].parts]
    assert OpaquePart in kinds
    assert ToolCall in kinds


@BOTH
def test_ids_that_the_upstream_repeats_are_told_apart(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    tool = TrialTool("count", echo)
    for number in range(2):
        # In one answer of Chat Completions, what has one id is one call.
        other = "same" if protocol == "anthropic" else "other"
        same = (
            Wanted("same", "count", f'{{"n": {number}}}'),
            Wanted(other, "count", f'{{"m": {number}}}'),
        )
        upstream.add(call_reply(protocol, *same))
    upstream.add(answer_reply(protocol))
    chat = Loop(protocol, upstream, tool)
    chat.ask()
    assert [text for text, _ in read_results(protocol, chat.bodies[2])] == [
        'got {"n": 1}',
        'got {"m": 1}',
    ]


@BOTH
@pytest.mark.parametrize("content", ["", " ", "\x00\ud800\u202e", "x" * 50_000])
def test_a_result_goes_as_it_is_up_to_the_bound(
    upstream: ScriptedUpstream, protocol: ProtocolName, content: str
) -> None:
    upstream.add(call_reply(protocol, Wanted("1", "read")), answer_reply(protocol))
    chat = Loop(protocol, upstream, TrialTool("read", lambda *_: content))
    chat.ask()
    assert chat.said == [content]


@BOTH
def test_a_result_is_cut_at_the_bound_and_says_so(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    def shout(*_: object) -> str:
        raise ValueError("y" * 500_000)

    tools = [TrialTool("read", lambda *_: "x" * 500_000), TrialTool("shout", shout)]
    wanted = [Wanted("1", "read"), Wanted("2", "shout"), Wanted("3", "z" * 200_000)]
    upstream.add(call_reply(protocol, *wanted), answer_reply(protocol))
    chat = Loop(protocol, upstream, *tools)
    chat.ask()
    end = "\n\n[Cut here: the first 50,000 of 500,000 characters.]"
    assert chat.said[0] == "x" * 50_000 + end
    assert all(len(text) < 50_100 for text in chat.said)
    assert [text for text, _ in read_results(protocol, chat.bodies[1])] == chat.said


@EACH_WAY
def test_an_interrupt_while_tools_run_aborts_what_is_open_and_keeps_what_has_ended(
    upstream: ScriptedUpstream, protocol: ProtocolName, *, streamed: bool
) -> None:
    stopped = threading.Event()

    def wait(_arguments: Mapping[str, Any], stop: Stop) -> str:
        if stop.wait(GATE_S):
            stopped.set()
        return "too late"

    wanted = [Wanted("1", "wait"), Wanted("2", "quick"), Wanted("3", "wait", '{"n": 2}')]
    upstream.add(call_reply(protocol, *wanted, text="Both.", streamed=streamed))
    tools = [TrialTool("wait", wait), TrialTool("quick", lambda *_: "there")]
    chat = Loop(protocol, upstream, *tools, streamed=streamed)
    with closing(chat.begin()) as turn:
        while not isinstance(next(turn), ToolEnded):
            pass
    assert stopped.wait(GATE_S)
    chat.check()
    assert chat.said == ["aborted", "there", "aborted"]
    upstream.add(answer_reply(protocol, streamed=streamed))
    chat.ask("go on")
    error = protocol == "anthropic"
    assert read_results(protocol, chat.bodies[1]) == [
        ("aborted", error),
        ("there", False),
        ("aborted", error),
    ]
    assert chat.bodies[1]["messages"][-1]["role"] == "user"


@BOTH
def test_an_interrupt_at_the_question_keeps_what_ran_meanwhile(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    upstream.add(call_reply(protocol, Wanted("1", "ask"), Wanted("2", "quick")))
    tools = [TrialTool("ask", echo, Approval.ASK), TrialTool("quick", lambda *_: "there")]
    chat = Loop(protocol, upstream, *tools)
    with closing(chat.begin()) as turn:
        while not isinstance(next(turn), ApprovalAsked):
            pass
        for thread in threading.enumerate():
            if thread.name == "quick":
                thread.join(GATE_S)
    chat.check()
    assert chat.said == ["aborted", "there"]
    assert not tools[0].ran_with
    upstream.add(answer_reply(protocol))
    chat.ask("go on")
    assert not tools[0].ran_with


REFUSALS = [
    openai_error("registry.ollama.ai/library/gemma:2b does not support tools"),
    openai_error('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser'),
    openai_error("No endpoints found that support tool use. Try disabling it."),
    openai_error("`tool calling` is not supported with this model"),
    openai_error("deepseek-reasoner does not support Function Calling"),
    openai_error("groq does not support parameters: ['tools'], for model=x"),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_an_upstream_that_takes_no_tools_is_asked_without_them_and_that_is_said_once(
    upstream: ScriptedUpstream, refusal: bytes
) -> None:
    upstream.add(json_reply(refusal, status=400), answer_reply("openai", "Plain."))
    chat = Loop("openai", upstream, TrialTool("clock", echo))
    events = chat.ask()
    assert list_notices(events) == ["this model takes no tools; going on without them"]
    assert get_end(events).message.text == "Plain."
    upstream.add(answer_reply("openai"))
    assert list_notices(chat.ask("more")) == []
    assert ["tools" in body for body in chat.bodies] == [True, False, False]


def test_a_later_conversation_with_such_an_upstream_is_told_so_at_its_beginning(
    upstream: ScriptedUpstream,
) -> None:
    upstream.add(json_reply(REFUSALS[0], status=400), *[answer_reply("openai")] * 3)
    Loop("openai", upstream, TrialTool("clock", echo)).ask()
    later = Loop("openai", upstream, TrialTool("clock", echo))
    assert list_notices(later.ask()) == ["this model takes no tools; going on without them"]
    assert list_notices(later.ask("more")) == []
    assert ["tools" in body for body in later.bodies] == [True, False, False, False]


def test_an_upstream_of_messages_that_takes_no_tools_is_asked_without_them(
    upstream: ScriptedUpstream,
) -> None:
    refusal = anthropic_error("tools: Extra inputs are not permitted")
    upstream.add(json_reply(refusal, status=400), answer_reply("anthropic", "Plain."))
    chat = Loop("anthropic", upstream, TrialTool("clock", echo))
    assert list_notices(chat.ask()) == ["this model takes no tools; going on without them"]
    assert "tools" not in chat.bodies[1]


def test_an_upstream_that_knows_no_tool_choice_keeps_its_tools(
    upstream: ScriptedUpstream,
) -> None:
    refusal = openai_error("bedrock does not support parameters: ['tool_choice'], for model=x")
    upstream.add(
        call_reply("openai", Wanted("1", "clock")),
        json_reply(refusal, status=400),
        answer_reply("openai", "Noon."),
    )
    chat = Loop("openai", upstream, TrialTool("clock", echo), most_rounds=1)
    events = chat.ask()
    assert list_notices(events) == ["this upstream does not take tool_choice; leaving it out"]
    assert get_end(events).message.text == "Noon."
    assert "tools" in chat.bodies[2]


def test_a_model_that_calls_where_it_may_not_is_asked_without_tools(
    upstream: ScriptedUpstream,
) -> None:
    refusal = openai_error("Tool choice is none, but model called a tool", code="tool_use_failed")
    upstream.add(
        call_reply("openai", Wanted("1", "clock")),
        json_reply(refusal, status=400),
        answer_reply("openai", "Noon."),
    )
    chat = Loop("openai", upstream, TrialTool("clock", lambda *_: "noon"), most_rounds=1)
    events = chat.ask()
    assert list_notices(events) == [
        "this model calls tools also where it may not; asking without them"
    ]
    assert get_end(events).message.text == "Noon."
    assert "tools" not in chat.bodies[2]
    assert "[result of a tool: noon" in chat.bodies[2]["messages"][-1]["content"]
    upstream.add(answer_reply("openai"))
    assert list_notices(chat.ask("more")) == []
    assert "tools" in chat.bodies[3]


def test_a_fault_after_tools_ran_keeps_what_they_gave(upstream: ScriptedUpstream) -> None:
    tool = TrialTool("clock", lambda *_: "noon")
    upstream.add(
        call_reply("openai", Wanted("1", "clock")),
        json_reply(openai_error("the model is broken"), status=400),
    )
    chat = Loop("openai", upstream, tool)
    with pytest.raises(UpstreamRefused):
        chat.ask()
    chat.check()
    assert chat.said == ["noon"]
    upstream.add(answer_reply("openai", "Noon."))
    chat.ask("go on")
    assert read_results("openai", chat.bodies[-1]) == [("noon", False)]
    assert len(tool.ran_with) == 1


def test_no_tools_is_no_tools(upstream: ScriptedUpstream) -> None:
    upstream.add(call_reply("openai", Wanted("1", "clock")), answer_reply("openai"))
    chat = Loop("openai", upstream)
    chat.ask()
    assert "tools" not in chat.bodies[0]
    assert chat.said == ["there is no tool named clock; the tools are: none"]


RECORDED = sorted(WIRE.glob("*-tool*.txt"))


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
def test_what_real_upstreams_call_is_answered_with_a_pair_for_each(
    upstream: ScriptedUpstream, path: Path
) -> None:
    protocol: ProtocolName = "anthropic" if path.stem.startswith("anthropic") else "openai"
    seen = read_reply(protocol, [path.read_bytes()])
    calls = [entry["tool_call"] for entry in seen if "tool_call" in entry]
    is_whole = any(entry.get("ended") in ("tool_calls", "stop") for entry in seen)
    names = dict.fromkeys(name for _, name, _ in calls)
    tools = [TrialTool(name, echo) for name in names]
    upstream.add(stream_reply([path.read_bytes()]), answer_reply(protocol))
    chat = Loop(protocol, upstream, *tools)
    chat.ask()
    if not is_whole:
        chat.ask("again")
    assert sum(len(tool.ran_with) for tool in tools) == (len(calls) if is_whole else 0)
    assert len(upstream.requests) == 2


@BOTH
def test_a_turn_with_tools_is_forgotten_recalled_and_replaced_whole(
    upstream: ScriptedUpstream, protocol: ProtocolName
) -> None:
    tool = TrialTool("clock", lambda *_: "noon")
    chat = Loop(protocol, upstream, tool)
    for _ in range(2):
        upstream.add(call_reply(protocol, Wanted("1", "clock")), answer_reply(protocol))
        chat.ask()
    questions = find_questions(chat.conversation.messages)
    assert questions == [0, 4]
    whole = [*chat.conversation.messages]
    forgotten = chat.turns.forget(chat.conversation, questions[-1])
    assert forgotten.messages == tuple(whole[4:])
    chat.check()
    chat.turns.recall(chat.conversation, forgotten)
    assert chat.conversation.messages == whole
    chat.check()
    chat.turns.forget(chat.conversation, questions[-1])
    upstream.add(answer_reply(protocol, "Else."))
    chat.ask("instead")
    assert [message.text for message in chat.conversation.messages[4:]] == ["instead", "Else."]
    former = chat.conversation
    chat.conversation = chat.turns.fork(former, chat.app.clock.new_id(), 4)
    upstream.add(call_reply(protocol, Wanted("1", "clock")), answer_reply(protocol, "Forked."))
    chat.ask("on")
    assert chat.conversation.messages[:4] == former.messages[:4]
    assert len(find_questions(chat.conversation.messages)) == 2
