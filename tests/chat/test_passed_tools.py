"""Tools that somebody else runs: a model's calls of them end the turn, and are told with it."""

from __future__ import annotations

import threading
from itertools import product
from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.protocols.event import FinishReason
from hiveloom_cli.protocols.history import list_calls
from hiveloom_cli.tools.tool import ToolOutput
from tests.support.loop import PROTOCOLS, Loop, TrialTool, Wanted, call_reply, get_end, list_ended

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hiveloom_cli.protocols.providers import ProtocolName
    from hiveloom_cli.stop import Stop
    from tests.support.upstream import ScriptedUpstream

LOOKUP = Wanted("call_1", "lookup", '{"id": 7}')
CLOCK = Wanted("call_2", "clock", "{}")
EACH_WAY = pytest.mark.parametrize(("protocol", "streamed"), [*product(PROTOCOLS, (True, False))])


def never(_arguments: Mapping[str, Any], _stop: Stop) -> str:
    raise AssertionError("it was run")


@EACH_WAY
@pytest.mark.parametrize("wanted", [(LOOKUP,), (CLOCK, LOOKUP)], ids=["alone", "beside our own"])
def test_a_call_of_somebody_else_s_tool_ends_the_turn(
    upstream: ScriptedUpstream,
    protocol: ProtocolName,
    wanted: tuple[Wanted, ...],
    *,
    streamed: bool,
) -> None:
    upstream.add(call_reply(protocol, *wanted, streamed=streamed))
    chat = Loop(protocol, upstream, TrialTool("clock", never), streamed=streamed, passed=["lookup"])
    ended = get_end(chat.ask())
    assert ended.finish_reason is FinishReason.TOOL_CALLS
    assert "lookup" in [call.name for call in list_calls(ended.message)]
    assert len(upstream.requests) == 1


def test_what_runs_is_stopped_from_another_thread(upstream: ScriptedUpstream) -> None:
    begun = threading.Event()

    def wait(_arguments: Mapping[str, Any], stop: Stop) -> ToolOutput:
        begun.set()
        return ToolOutput("stopped" if stop.wait(20) else "late", is_error=True)

    upstream.add(call_reply("openai", CLOCK), call_reply("openai", LOOKUP))
    chat = Loop("openai", upstream, TrialTool("clock", wait), passed=["lookup"])

    def stop() -> None:
        begun.wait(20)
        chat.stop.set()

    thread = threading.Thread(target=stop)
    thread.start()
    events = chat.ask()
    thread.join()
    assert list_ended(events) == ["call_2"]
    assert chat.said[0] == "stopped"
