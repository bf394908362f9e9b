"""`mcp.json`: entries of other programs are taken, faults name the key, nothing is lost."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.errors import AlreadyExists, FileUnreadable, SettingsInvalid, ToolNotFound
from hiveloom_cli.tools.mcp_file import add_server, load_mcp_file, remove_server
from hiveloom_cli.tools.mcp_server import (
    HttpTransport,
    McpServer,
    StdioTransport,
    decide_server_name,
    parse_server,
)
from hiveloom_cli.tools.mcp_variables import expand_transport
from hiveloom_cli.tools.tool import Approval

if TYPE_CHECKING:
    from pathlib import Path

STDIO = {"command": "uvx", "args": ["mcp-server-time"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mcp.json"


def write(path: Path, **servers: Any) -> None:
    path.write_text(json.dumps({"mcpServers": servers}))


@pytest.mark.parametrize(
    ("entry", "transport"),
    [
        (STDIO, StdioTransport("uvx", ("mcp-server-time",), {}, None)),
        (
            {"type": "stdio", "command": "a", "env": {"B": "c"}, "cwd": "/d", "disabled": False},
            StdioTransport("a", (), {"B": "c"}, "/d"),
        ),
        ({"url": "https://a.example/mcp"}, HttpTransport("https://a.example/mcp", {}, None)),
        (
            {"type": "streamable-http", "url": "http://127.0.0.1:8/", "headers": {"A": "b"}},
            HttpTransport("http://127.0.0.1:8/", {"A": "b"}, None),
        ),
        (
            {"type": "http", "url": "https://10.0.0.1/mcp", "credential": "c"},
            HttpTransport("https://10.0.0.1/mcp", {}, "c"),
        ),
        ({"type": "streamableHttp", "url": "${URL}"}, HttpTransport("${URL}", {}, None)),
    ],
)
def test_entries_of_other_programs_are_taken(
    entry: dict[str, Any], transport: StdioTransport | HttpTransport
) -> None:
    assert parse_server("x", entry).transport == transport


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ([], "expected an object"),
        ({}, "expected either `command` or `url`"),
        ({**STDIO, "url": "https://a.example"}, "expected either `command` or `url`"),
        ({"type": "sse", "url": "https://a.example"}, "`type`: the transport sse was given up"),
        ({"type": "carrier-pigeon", **STDIO}, '`type`: expected "stdio" or "http"'),
        ({"type": "http", **STDIO}, "`type` is http, which does not fit the other keys"),
        ({"command": ""}, "`command`: expected text"),
        ({"command": "a", "args": "b"}, "`args`: expected an array of strings"),
        ({"command": "a", "env": []}, None),
        ({"command": "a", "env": ["b"]}, "`env`: expected an object of texts"),
        ({"command": "a", "env": {"B": 1}}, "`env.B`: expected text"),
        ({"command": "a\0b"}, "`command`: holds a NUL character"),
        ({"url": "http://a.example/mcp"}, "`url`: plain http to another machine: use https://"),
        ({"url": "ftp://a.example"}, "`url`: does not begin with http:// or https://"),
        ({"url": "https://me:word@a.example"}, "`url`: holds a user name or a password"),
        ({**STDIO, "credential": "c"}, "`credential`: only a server with `url` is sent a key"),
        (
            {"url": "https://a.example", "credential": "c", "headers": {"authorization": "d"}},
            "`credential` and an Authorization header: give one of them",
        ),
        ({**STDIO, "approval": "always"}, "`approval`: expected one of auto, ask, deny"),
        ({**STDIO, "approval": {"a": True}}, "`approval`: expected one of auto, ask, deny"),
        ({**STDIO, "timeout": "long"}, "`timeout`: expected a number of seconds"),
        ({**STDIO, "disabled": "no"}, "`disabled`: expected true or false"),
    ],
)
def test_a_fault_names_the_key(entry: Any, problem: str | None) -> None:
    if problem is None:
        assert parse_server("x", entry)
        return
    with pytest.raises(ValueError, match=r"expected|`|the") as caught:
        parse_server("x", entry)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(None, 60), (5, 5), (0.1, 1), (999, 600), (30_000, 30)]
)
def test_a_timeout_is_bounded_and_may_be_in_milliseconds(timeout: Any, seconds: float) -> None:
    assert parse_server("x", {**STDIO, "timeout": timeout}).timeout_s == seconds


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("github", "github"),
        ("GitHub", "github"),
        ("My Server", "my-server"),
        ("a.b/c", "a-b-c"),
        ("io.github.user/thing", "io-github-user-thing"),
        ("_x_", "x"),
        ("x" * 90, "x" * 40),
        ("雲", ""),
        ("", ""),
    ],
)
def test_a_name_is_made_safe(key: str, name: str) -> None:
    assert decide_server_name(key) == name


def test_approvals_of_other_programs_loosen_nothing() -> None:
    server = parse_server("x", {**STDIO, "alwaysAllow": ["a"], "autoApprove": ["a"]})
    assert server.decide_approval("a", {}) is Approval.ASK
    assert server.loosening == ("alwaysAllow", "autoApprove")


def test_only_a_true_hint_lets_a_tool_run_unasked() -> None:
    server = parse_server("x", STDIO)
    hints: list[Any] = [True, "true", 1, None]
    decided = [server.decide_approval("a", {"readOnlyHint": hint}) for hint in hints]
    assert decided == [Approval.AUTO, Approval.ASK, Approval.ASK, Approval.ASK]


def test_a_broken_entry_keeps_no_other_back(path: Path) -> None:
    write(path, good=STDIO, bad={"command": 1}, Same=STDIO, same=STDIO)
    file = load_mcp_file(path)
    assert [*file.servers] == ["good"]
    assert file.names == ["bad", "good", "same"]
    with pytest.raises(SettingsInvalid) as caught:
        file.find("bad")
    assert caught.value.message == f"{path}: the server “bad”: `command`: expected text"
    with pytest.raises(SettingsInvalid, match="means the same as “Same”"):
        file.find("same")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{\n"mcpServers": {,}}', ":2: not JSON"),
        ("[]", ": not a JSON object"),
        ('{"mcpServers": []}', ': "mcpServers" is not an object'),
        ("[" * 100_000, ": nested too deeply"),
    ],
)
def test_a_broken_file_is_told_and_never_written(path: Path, text: str, problem: str) -> None:
    path.write_text(text)
    with pytest.raises(FileUnreadable) as caught:
        add_server(path, "time", STDIO, replace_it=False)
    assert caught.value.message.startswith(f"{path}{problem}")
    with pytest.raises(FileUnreadable):
        remove_server(path, "time")
    assert path.read_text() == text


def test_other_keys_and_broken_entries_stay_as_they_are(path: Path) -> None:
    document = {
        "$schema": "https://a.example/schema.json",
        "mcpServers": {"bad": {"command": 1}, "Other One": {**STDIO, "alwaysAllow": ["é"]}},
        "inputs": [1],
    }
    path.write_text(json.dumps(document))
    add_server(path, "time", STDIO, replace_it=False)
    remove_server(path, "time")
    assert json.loads(path.read_text()) == document
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_list_of_another_editor_is_read_and_written_as_it_is(path: Path) -> None:
    path.write_text(json.dumps({"servers": {"time": {"type": "stdio", **STDIO}}}))
    add_server(path, "more", STDIO, replace_it=False)
    assert json.loads(path.read_text())["servers"].keys() == {"time", "more"}
    assert load_mcp_file(path).names == ["more", "time"]


def test_a_server_is_replaced_only_if_that_is_said(path: Path) -> None:
    add_server(path, "Time", STDIO, replace_it=False)
    with pytest.raises(AlreadyExists):
        add_server(path, "time", STDIO, replace_it=False)
    add_server(path, "time", {"command": "other"}, replace_it=True)
    assert json.loads(path.read_text()) == {"mcpServers": {"time": {"command": "other"}}}


def test_a_broken_entry_can_be_removed(path: Path) -> None:
    write(path, bad={"command": 1}, good=STDIO)
    remove_server(path, "bad")
    assert load_mcp_file(path).names == ["good"]
    with pytest.raises(ToolNotFound, match="no MCP server named bad"):
        remove_server(path, "bad")


def test_a_missing_and_an_empty_file_have_no_server(path: Path) -> None:
    assert load_mcp_file(path).names == []
    path.write_text(" \n")
    assert load_mcp_file(path).names == []


def expand(entry: dict[str, Any], **environ: str) -> StdioTransport | HttpTransport:
    server: McpServer = parse_server("x", entry)
    return expand_transport(server.transport, environ)


def test_variables_are_put_in_wherever_other_programs_do() -> None:
    entry = {
        "command": "${BIN}/a",
        "args": ["--in=${HERE:-there}", "$5 {x}"],
        "env": {"T": "Bearer ${env:TOKEN}"},
        "cwd": "${BIN}",
    }
    given = StdioTransport("/b/a", ("--in=there", "$5 {x}"), {"T": "Bearer t"}, "/b")
    assert expand(entry, BIN="/b", TOKEN="t") == given
    http = {"url": "${BASE}/mcp", "headers": {"X": "${ID}"}}
    given_http = HttpTransport("https://a.example/mcp", {"X": "7"}, None)
    assert expand(http, BASE="https://a.example", ID="7") == given_http


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "${ANTHROPIC_API_KEY}",
            "ANTHROPIC_API_KEY holds a key of hiveloom's own, which no tool gets",
        ),
        ("${groq_api_key:-x}", "groq_api_key holds a key of hiveloom's own, which no tool gets"),
        (
            "a${HIVELOOM_HOME}",
            "HIVELOOM_HOME is a variable of hiveloom's own, which no MCP server gets",
        ),
        ("${NOWHERE}", "the variable NOWHERE is not set"),
        ("${input:token}", "${input:token} would be asked for: name a variable instead"),
    ],
)
def test_a_variable_that_cannot_be_had_names_the_key(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match="headers") as caught:
        expand({"url": "https://a.example", "headers": {"A": text}}, HIVELOOM_HOME="/h")
    assert str(caught.value) == f"`headers.A`: {problem}"


def test_an_address_out_of_a_variable_is_checked_as_well() -> None:
    with pytest.raises(ValueError, match="plain http to another machine"):
        expand({"url": "${BASE}"}, BASE="http://10.0.0.1/mcp")
