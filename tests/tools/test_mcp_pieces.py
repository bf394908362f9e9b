"""Names for models, results as text, and what is shown of how a server is reached."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiveloom_cli.tools.mcp_launch import format_transport, has_key_like
from hiveloom_cli.tools.mcp_listing import parse_listing
from hiveloom_cli.tools.mcp_result import build_output
from hiveloom_cli.tools.mcp_server import decide_server_name, parse_server
from hiveloom_cli.tools.mcp_tools import build_model_name

KEY = "ghp_0123456789abcdefghij"


def test_a_usual_name_is_the_servers_and_the_tools() -> None:
    assert build_model_name("github", "create_issue") == "github__create_issue"


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_name_is_one_that_upstreams_take(key: str, tool: str) -> None:
    server = decide_server_name(key) or "x"
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", build_model_name(server, tool))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b.c"), ("a", "b_c")),
        (("a", "b__c"), ("a__b", "c")),
        (("a", "x" * 90), ("a", "x" * 91)),
    ],
)
def test_no_two_tools_share_a_name(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert build_model_name(*one) != build_model_name(*other)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"content": []}, "(the tool gave nothing)"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "a\nb"),
        ({"content": [], "structuredContent": {"é": 1}}, '{"é": 1}'),
        (
            {"content": [{"type": "text", "text": "a"}], "structuredContent": {"b": 1}},
            "a",
        ),
        (
            {"content": [{"type": "image", "mimeType": "image/png", "data": "QUJD"}]},
            "[image: image/png, 3 bytes]",
        ),
        (
            {"content": [{"type": "audio", "mimeType": "audio/wav", "data": "QUI="}]},
            "[audio: audio/wav, 2 bytes]",
        ),
        (
            {"content": [{"type": "resource", "resource": {"uri": "a://b", "text": "c"}}]},
            "[resource: a://b]\nc",
        ),
        (
            {"content": [{"type": "resource", "resource": {"uri": "a://b", "blob": "QQ=="}}]},
            "[resource: a://b, 1 bytes]",
        ),
        (
            {"content": [{"type": "resource_link", "name": "n", "uri": "a://b", "size": 1234}]},
            "[link: n, a://b, 1,234 bytes]",
        ),
        ({"content": [{"type": "hologram"}]}, "[hologram]"),
    ],
)
def test_a_result_is_text_for_the_model(result: dict[str, Any], text: str) -> None:
    output = build_output(result)
    assert (output.content, output.is_error) == (text, False)


def test_an_error_stays_one() -> None:
    assert build_output({"content": [], "isError": True}).is_error


def test_a_key_among_arguments_is_not_shown() -> None:
    server = parse_server("x", {"command": "a", "args": [f"--token={KEY}", KEY, "b c"]})
    assert KEY not in format_transport(server)
    assert "'b c'" in format_transport(server)


@pytest.mark.parametrize(
    ("text", "is_key"),
    [
        (KEY, True),
        (f"--token={KEY}", True),
        (f"Bearer {KEY}", True),
        (f"https://a.example/mcp?key={KEY}", True),
        ("@modelcontextprotocol/server-everything@2026.8.31", False),
        ("/tmp/pytest-of-root/pytest-12/test_a3_b0/popen-gw0/server.py", False),
        ("${GITHUB_PERSONAL_ACCESS_TOKEN}", False),
        ("--local-timezone=America/New_York", False),
    ],
)
def test_what_looks_like_a_key_is_told_from_what_does_not(text: str, is_key: bool) -> None:  # noqa: FBT001 -- a row of the table
    assert has_key_like(text) is is_key


@given(
    st.lists(
        st.recursive(st.none() | st.text() | st.integers(), st.lists)
        | st.dictionaries(
            st.sampled_from(["name", "description", "inputSchema", "annotations"]),
            st.text() | st.dictionaries(st.text(), st.text()),
        )
    )
)
def test_any_listing_is_read_or_told(items: list[Any]) -> None:
    tools, problems = parse_listing(items)
    assert len(tools) + len(problems) <= len(items)
    assert all(tool.name and tool.input_schema["type"] == "object" for tool in tools)


@pytest.mark.parametrize(
    "name", ["a\n    harmless", "a\x1b[2J", "a\u202eb", "a\u200b", "a\u2028b", "", "a" * 257, 7]
)
def test_a_name_that_cannot_be_seen_as_it_is_names_no_tool(name: Any) -> None:
    good = {"name": "good", "inputSchema": {"type": "object"}}
    tools, problems = parse_listing([{**good, "name": name}, good])
    assert [tool.name for tool in tools] == ["good"]
    assert problems == ["a tool without a usable name"]
