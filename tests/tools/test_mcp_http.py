"""MCP servers over HTTP: a key goes to its origin alone, and stands in no message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hiveloom_cli.secret import Secret
from tests.support.mcp import McpWorld
from tests.support.mcp_http import SmallHttpServer, run_http_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "made-up-key-of-the-server-0123456789"


@pytest.fixture
def world(tmp_path: Path) -> McpWorld:
    return McpWorld(tmp_path)


@pytest.fixture
def server() -> Iterator[SmallHttpServer]:
    with run_http_server() as server:
        yield server


def test_a_tool_is_called_with_the_key_and_the_headers_of_the_entry(
    world: McpWorld, server: SmallHttpServer
) -> None:
    server.key = KEY
    world.keys["small", server.origin] = Secret(KEY)
    world.environ["TEAM"] = "blue"
    headers = {"X-Team": "${TEAM}"}
    world.write(small={"url": server.url, "credential": "small", "headers": headers})
    with world.open("small") as tools:
        assert tools.call("small/echo", a=1).content == '{"a": 1}'
    assert {sent["authorization"] for _, sent in server.requests} == {f"Bearer {KEY}"}
    assert {sent["x-team"] for _, sent in server.requests} == {"blue"}


def test_no_key_is_sent_without_a_credential(world: McpWorld, server: SmallHttpServer) -> None:
    world.write(small={"type": "http", "url": server.url})
    with world.open("small/echo") as tools:
        assert not tools.call("small/echo").is_error
    assert all("authorization" not in sent for _, sent in server.requests)


def test_a_key_of_another_origin_is_not_sent(world: McpWorld, server: SmallHttpServer) -> None:
    world.keys["small", "https://mcp.example.com"] = Secret(KEY)
    world.write(small={"url": server.url, "credential": "small"})
    with world.open("small") as tools:
        assert tools.problems == [f"the key small does not belong to {server.origin}"]
    assert server.requests == []


def test_a_redirect_to_another_origin_is_not_followed(
    world: McpWorld, server: SmallHttpServer
) -> None:
    with run_http_server() as other:
        server.moved_to = other.url
        world.keys["small", server.origin] = Secret(KEY)
        world.write(small={"url": server.url, "credential": "small"})
        with world.open("small") as tools:
            (problem,) = tools.problems
        assert server.requests
        assert other.requests == []
    assert "not followed" in problem
    assert KEY not in problem


def test_a_key_that_is_refused_is_told_and_not_shown(
    world: McpWorld, server: SmallHttpServer
) -> None:
    server.key = "another"
    world.keys["small", server.origin] = Secret(KEY)
    world.write(small={"url": server.url, "credential": "small"})
    with world.open("small") as tools:
        (problem,) = tools.toolset.problems
    assert "HTTP status 401" in problem.message
    assert "credential" in problem.hint
    assert KEY not in problem.message


def test_what_a_server_repeats_of_key_and_headers_is_masked(
    world: McpWorld, server: SmallHttpServer
) -> None:
    world.keys["small", server.origin] = Secret(KEY)
    headers = {"X-Auth": "made-up-header-value"}
    world.write(small={"url": server.url, "credential": "small", "headers": headers})
    with world.open("small") as tools:
        output = tools.call("small/echo", refuse=f"{KEY} and made-up-header-value")
    assert output.is_error
    assert output.content == "the MCP server small: no: [key] and [key]"


def test_a_key_that_a_server_repeats_reaches_neither_the_model_nor_the_disk(
    world: McpWorld, server: SmallHttpServer
) -> None:
    server.key = KEY
    world.keys["small", server.origin] = Secret(KEY)
    headers = {"X-Token": "made-up-value-of-the-entry"}
    world.write(small={"url": server.url, "credential": "small", "headers": headers})
    with world.open("small") as tools:
        told = tools.call("small/echo", repeat=1).content + f"{tools.get_card('small/echo')}"
    kept = "".join(path.read_text() for path in (world.folder / "cache").iterdir())
    for text in (told, kept):
        assert "[key]" in text
        assert KEY not in text
        assert "made-up-value-of-the-entry" not in text


def test_a_server_that_is_gone_is_told(world: McpWorld) -> None:
    with run_http_server() as server:
        world.write(small={"url": server.url})
        with world.open("small"):
            pass
    with world.open("small") as tools:
        output = tools.call("small/echo")
    assert output.is_error
    assert "the MCP server small cannot be reached" in output.content
