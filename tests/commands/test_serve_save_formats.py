"""Requests that tell all that was said are the turns of one kept conversation."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import anthropic
import openai

from tests.support.kept import get_sent, list_kept, point_at, read_said, say, show, write_agent
from tests.support.patience import PATIENCE_S
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.upstream import openai_stream, stream_reply

if TYPE_CHECKING:
    from hiveloom_cli.demo.upstream import LoopbackUpstream
    from tests.support.upstream import ScriptedUpstream

LOOKUP: Any = {"name": "lookup", "input_schema": {"type": "object", "properties": {}}}


class Client:
    """A client of OpenAI's kind, which remembers what was said."""

    def __init__(self, server: Served, said: list[Any] | None = None) -> None:
        self._client = openai.OpenAI(
            base_url=server.openai_base_url, api_key=TOKEN, max_retries=0, timeout=PATIENCE_S
        )
        self.said = [*(said or [])]

    def say(self, text: str, *, stream: bool = False) -> str:
        self.said.append({"role": "user", "content": text})
        reply: Any = self._client.chat.completions.create(
            model="helper", messages=self.said, stream=stream
        )
        if stream:
            chunks = [chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices]
            answer = "".join(chunks)
        else:
            answer = reply.choices[0].message.content
        self.said.append({"role": "assistant", "content": answer})
        return answer


def test_the_requests_of_a_client_are_one_conversation(upstream: ScriptedUpstream) -> None:
    write_agent()
    upstream.add(*say("1", "2", "3", "4"))
    with serve("--save", **point_at(upstream)) as server:
        client = Client(server)
        assert [client.say("one"), client.say("two", stream=True)] == ["1", "2"]
        assert Client(server).say("one") == "3"  # somebody else begins alike
    with serve("--save", **point_at(upstream)) as server:
        assert Client(server, client.said).say("three") == "4"
    other, row = sorted(list_kept(), key=lambda row: row["messages"])
    assert (other["messages"], row["messages"]) == (2, 6)
    assert [text for text, _ in read_said(row["id"])] == ["one", "1", "two", "2", "three", "4"]
    assert get_sent(upstream) == ["one", "1", "two", "2", "three"]


def test_what_an_agent_s_tools_gave_goes_along_unseen(loopback: LoopbackUpstream) -> None:
    write_agent("tools: [hello]")
    run_hiveloom("tool", "add", "hello", "--description", "Greets.", "--", "echo", "hello")
    with serve(
        "--save", "--allow-tool", "hello", HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url
    ) as server:
        client = Client(server)
        client.say("call hello")
        client.say("call hello", stream=True)
        client.say("and now?")
    (row,) = list_kept()
    assert row["messages"] == 10
    roles = [said["role"] for said in loopback.requests[-1].json["messages"]]
    assert roles[1:] == ["user", "assistant", "tool", "assistant"] * 2 + ["user"]


def test_what_was_said_elsewhere_is_kept_with_what_goes_on_from_it(
    upstream: ScriptedUpstream,
) -> None:
    write_agent("max_total_tokens_per_day: 100")
    said = [
        {"role": "user", "content": "the first of all"},
        {"role": "assistant", "content": "words " * 20},
    ]
    upstream.add(*say("2", "3"))
    with serve("--save", **point_at(upstream)) as server:
        client = Client(server, said)
        assert client.say("two") == "2"
        assert client.say("three") == "3"
    (row,) = list_kept()
    assert row["title"] == "the first of all"
    assert [text for text, _ in read_said(row["id"])][2:] == ["two", "2", "three", "3"]
    first, *_, last = [one["answered_by"] for one in show(row["id"]) if one["answered_by"]]
    assert (first["model"], last["model"]) == ("", "m")
    # What was said elsewhere cost nothing here, though it is found.
    (spent,) = json.loads(run_hiveloom("conversation", "stats", "--json").stdout)
    assert (spent["answers"], spent["input_tokens"], spent["output_tokens"]) == (2, 6, 10)
    found = json.loads(
        run_hiveloom("conversation", "search", "first", "--agent", "helper", "--json").stdout
    )
    assert [one["conversation_id"] for one in found] == [row["id"]]


def test_a_branch_is_a_conversation_of_its_own(upstream: ScriptedUpstream) -> None:
    write_agent()
    upstream.add(*say("1", "2", "other 2", "3"))
    with serve("--save", **point_at(upstream)) as server:
        client = Client(server)
        client.say("one")
        client.say("two")
        branch = Client(server, client.said[:2])
        branch.say("two, in other words")
        branch.say("three")
    texts = [[text for text, _ in read_said(row["id"])] for row in list_kept()]
    assert texts == [
        ["one", "1", "two, in other words", "other 2", "three", "3"],
        ["one", "1", "two", "2"],
    ]


def test_two_requests_at_once_that_tell_the_same_are_both_answered_and_kept(
    upstream: ScriptedUpstream,
) -> None:
    write_agent()
    gate = threading.Event()
    slow = openai_stream("slow", finish_reason=None, usage=None, done=False)
    upstream.add(*say("1"), stream_reply([*slow, gate, *openai_stream("er")]), *say("fast"))
    with serve("--save", **point_at(upstream)) as server:
        client = Client(server)
        client.say("one")
        other = Client(server, client.said)
        thread = threading.Thread(target=client.say, args=("two",))
        thread.start()
        upstream.wait_for_requests(2)
        assert other.say("two") == "fast"
        gate.set()
        thread.join(PATIENCE_S)
    texts = [[text for text, _ in read_said(row["id"])] for row in list_kept()]
    assert sorted(texts) == [["one", "1", "two", "fast"], ["one", "1", "two", "slower"]]


def test_a_client_that_runs_its_own_tools_has_one_conversation(loopback: LoopbackUpstream) -> None:
    write_agent()
    said: list[Any] = [{"role": "user", "content": 'call lookup {"id": 7}'}]
    with serve("--save", HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as server:
        client = anthropic.Anthropic(
            base_url=server.origin, api_key=TOKEN, max_retries=0, timeout=PATIENCE_S
        )

        def ask() -> anthropic.types.Message:
            message: anthropic.types.Message = client.messages.create(
                model="helper", max_tokens=500, messages=said, tools=[LOOKUP]
            )
            said.append({"role": "assistant", "content": message.content})
            return message

        call = ask().content[-1]
        assert call.type == "tool_use"
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "a bee"}
        said.append({"role": "user", "content": [result]})
        ask()
        said.append({"role": "user", "content": "thanks"})
        ask()
    (row,) = list_kept()
    assert row["messages"] == 6
    assert [one["state"] for one in show(row["id"])] == ["complete"] * 6
    shown = run_hiveloom("conversation", "export", row["id"]).stdout
    assert shown.index("lookup") < shown.index("a bee") < shown.index("thanks")
