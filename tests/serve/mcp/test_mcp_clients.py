"""Agents as MCP servers, asked by the official client over both transports."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from mcp import MCPError

from tests.support.mcp_clients import MODES, WAYS, offering, open_http, run, wait_for
from tests.support.program import run_hiveloom
from tests.support.served import serve
from tests.support.upstream import (
    ScriptedUpstream,
    json_reply,
    openai_chunk,
    openai_error,
    openai_stream,
    stream_reply,
)

if TYPE_CHECKING:
    from hiveloom_cli.demo.upstream import LoopbackUpstream
    from tests.support.mcp_clients import Open
    from tests.support.served import Served
    from tests.support.upstream import RecordedRequest, Reply

each_way = pytest.mark.parametrize(("way", "mode"), WAYS)


@pytest.fixture(autouse=True)
def helper() -> None:
    run_hiveloom(
        *("agent", "create", "helper", "--model", "m", "--system-prompt", "You are terse."),
        *("--description", "Answers in few words"),
    )


@each_way
def test_an_agent_is_a_tool_that_answers(way: str, mode: str, loopback: LoopbackUpstream) -> None:
    async def ask(opened: Open) -> None:
        async with opened() as client:
            assert client.server_info
            assert client.server_info.name == "helper"
            [tool] = (await client.list_tools()).tools
            assert tool.name == "chat"
            assert tool.description
            assert "Answers in few words." in tool.description
            assert tool.annotations
            assert tool.annotations.read_only_hint is False
            result = await client.call_tool("chat", {"message": "hi"})
            assert not result.is_error
            [text] = result.content
            assert text.type == "text"
            assert "> hi" in text.text
            assert "system prompt: **yes**" in text.text
            assert result.structured_content == {"response": text.text}

    with offering(way, mode, HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as opened:
        run(ask(opened))


@each_way
def test_how_far_an_answer_is_reaches_who_waits(
    way: str, mode: str, upstream: ScriptedUpstream
) -> None:
    seen = threading.Event()
    upstream.add(stream_reply([openai_chunk({"content": "One. "}), seen, *openai_stream("Two.")]))
    told: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))
        if message == "One. ":
            seen.set()

    async def ask(opened: Open) -> None:
        async with opened() as client:
            result = await client.call_tool("chat", {"message": "hi"}, progress_callback=note)
            assert result.structured_content == {"response": "One. Two."}

    with offering(way, mode, HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as opened:
        run(ask(opened))
    assert [number for number, _ in told] == sorted({number for number, _ in told})
    assert told[0][1] == "The agent is at work."


@each_way
def test_what_goes_wrong_is_a_result_that_a_model_can_read(
    way: str, mode: str, upstream: ScriptedUpstream
) -> None:
    key = "sk-the-key-of-the-upstream-0123456789"
    upstream.add(json_reply(openai_error(f"bad key {key}"), status=401))

    async def ask(opened: Open) -> None:
        async with opened() as client:
            for arguments, said in (
                ({"message": "hi"}, "the agent's upstream refused the key that the server has"),
                ({}, "message: it is required"),
                ({"message": 3}, "message: a string is expected"),
                ({"message": "hi", "to": "Ada"}, "there is no argument “to”"),
                ({"message": "hi", "conversation_id": "x"}, "This server keeps no conversations."),
            ):
                result = await client.call_tool("chat", arguments)
                assert result.is_error, arguments
                [text] = result.content
                assert text.type == "text"
                assert text.text.startswith(said)
                for secret in (key, upstream.openai_base_url, "sk-"):
                    assert secret not in result.model_dump_json()
            for unknown in ("list_conversations", "shout"):
                with pytest.raises(MCPError, match=f"There is no tool named {unknown}"):
                    await client.call_tool(unknown, {})

    env = {"HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url, "OPENAI_API_KEY": key}
    with offering(way, mode, **env) as opened:
        run(ask(opened))


@each_way
def test_a_call_that_is_cancelled_ends_the_request_to_the_upstream(
    way: str, mode: str, upstream: ScriptedUpstream
) -> None:
    upstream.add(stream_reply([openai_chunk({"content": "One."}), 60.0]))
    upstream.add(stream_reply(openai_stream("Two.")))

    async def ask(opened: Open) -> None:
        began = asyncio.Event()

        async def note(progress: float, total: float | None, message: str | None) -> None:
            if message == "One.":
                began.set()

        async with opened() as client:
            call = client.call_tool("chat", {"message": "hi"}, progress_callback=note)
            calling = asyncio.ensure_future(call)
            await began.wait()
            calling.cancel()
            with suppress(asyncio.CancelledError):
                await calling
            await wait_for(upstream.hung_up)
            result = await client.call_tool("chat", {"message": "again"})
            assert result.structured_content == {"response": "Two."}

    with offering(way, mode, HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as opened:
        run(ask(opened))


@pytest.mark.parametrize("mode", MODES)
def test_an_agent_is_read_anew_for_each_call(mode: str, loopback: LoopbackUpstream) -> None:
    async def ask(opened: Open) -> None:
        async with opened() as client:
            await client.call_tool("chat", {"message": "hi"})
            run_hiveloom("agent", "edit", "helper", "--model", "another", "--description", "Bold")
            result = await client.call_tool("chat", {"message": "hi"})
            assert "model: `another`" in f"{result.structured_content}"
            [tool] = (await client.list_tools()).tools
            assert "Bold" in f"{tool.description}"
            run_hiveloom("agent", "delete", "helper", "--yes")
            gone = await client.call_tool("chat", {"message": "hi"})
            assert gone.is_error
            with pytest.raises(MCPError, match="There is no agent named helper"):
                await client.list_tools()

    with offering("stdio", mode, HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as opened:
        run(ask(opened))


def test_two_clients_are_answered_at_once() -> None:
    both = threading.Barrier(2)

    async def ask(origin: str, mode: str, question: str) -> None:
        async with open_http(origin, mode) as client:
            result = await client.call_tool("chat", {"message": question})
            assert result.structured_content == {"response": f"About {question}."}

    async def ask_both(origin: str) -> None:
        await asyncio.gather(ask(origin, "auto", "bees"), ask(origin, "legacy", "wasps"))

    def script(request: RecordedRequest) -> Reply:
        both.wait(20)
        question = request.json["messages"][-1]["content"]
        return stream_reply(openai_stream(f"About {question}."))

    with (
        ScriptedUpstream(script=script) as meeting,
        serve(HIVELOOM_OPENAI_BASE_URL=meeting.openai_base_url) as server,
    ):
        run(ask_both(server.origin))


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_on_its_way_may_end_when_the_server_is_told_to(
    mode: str, upstream: ScriptedUpstream
) -> None:
    ending = threading.Event()
    upstream.add(stream_reply([openai_chunk({"content": "One."}), ending, *openai_stream(" Two.")]))

    async def ask(server: Served) -> None:
        async def note(progress: float, total: float | None, message: str | None) -> None:
            if message == "One.":
                server.process.terminate()
                await asyncio.sleep(1.5)  # in which what watches for the end would have acted
                ending.set()

        async with open_http(server.origin, mode) as client:
            await client.list_tools()  # which the client would ask for afterwards
            result = await client.call_tool("chat", {"message": "hi"}, progress_callback=note)
            assert result.structured_content == {"response": "One. Two."}

    with serve(HIVELOOM_OPENAI_BASE_URL=upstream.openai_base_url) as server:
        run(ask(server))
