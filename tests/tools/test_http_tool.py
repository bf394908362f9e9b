"""HTTP tools: files with a `url`, asked over real sockets with real keys of the vault."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hiveloom_cli.app import App
from hiveloom_cli.errors import (
    AddressRefused,
    CredentialError,
    CredentialNotFound,
    SettingsInvalid,
    UsageMistake,
)
from hiveloom_cli.secret import Secret
from hiveloom_cli.stop import Stop
from hiveloom_cli.terminal.streams import Streams
from hiveloom_cli.tools.http_tool import HttpTool
from hiveloom_cli.tools.kinds import open_file_tool
from hiveloom_cli.tools.tool import Approval, ToolOutput
from hiveloom_cli.tools.tool_file import parse_tool_file
from tests.support.upstream import Reply, ScriptedUpstream, json_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-a-made-up-key-0123456789"
PATH = Path("/tools/weather.md")
INPUT = "input: {type: object, properties: {city: {}, days: {}, filter: {}}}"


@pytest.fixture
def app() -> Iterator[App]:
    app = App(
        {**os.environ, "HIVELOOM_KEYRING": "vault"}, Streams(sys.stdin, sys.stdout, sys.stderr)
    )
    yield app
    app.close()


def build_tool(app: App, *lines: str) -> HttpTool:
    text = "\n".join(["---", *lines, "---", "Tells the weather.", ""])
    return HttpTool(parse_tool_file("weather", text, PATH), app.outside)


def build_local(app: App, upstream: ScriptedUpstream, path: str, *lines: str) -> HttpTool:
    return build_tool(app, f"url: {upstream.origin}{path}", INPUT, "allow_private: true", *lines)


def run(tool: HttpTool, **arguments: Any) -> ToolOutput:
    return tool.run(arguments, Stop())


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
def test_arguments_without_a_place_go_to_the_query(
    app: App, upstream: ScriptedUpstream, method: str
) -> None:
    upstream.add(Reply())
    tool = build_local(app, upstream, "/{city}?units=metric", f"method: {method}")
    arguments = {"city": "Zürich/1", "days": [1, 2], "filter": {"a": "&"}}
    assert run(tool, **arguments) == ToolOutput("(200 OK, no content)")
    request = upstream.requests[0]
    assert (request.method, request.body) == (method, b"")
    assert request.path == (
        "/Z%C3%BCrich%2F1?units=metric&days=1&days=2&filter=%7B%22a%22%3A%20%22%26%22%7D"
    )
    assert tool.describe_call(arguments) == f"{method} {upstream.origin}{request.path}"


@pytest.mark.parametrize("method", ["POST", "put", "PATCH"])
def test_arguments_without_a_place_go_to_the_body(
    app: App, upstream: ScriptedUpstream, method: str
) -> None:
    upstream.add(json_reply(b'{"ok": true}'))
    tool = build_local(app, upstream, "/{city}", f"method: {method}")
    assert run(tool, city="Bern", days=[1], filter={"a": "ü"}) == ToolOutput('{"ok": true}')
    request = upstream.requests[0]
    assert (request.method, request.path) == (method.upper(), "/Bern")
    assert request.json == {"days": [1], "filter": {"a": "ü"}}
    assert request.headers["content-type"] == "application/json"


def test_a_body_is_sent_only_where_there_can_be_arguments(
    app: App, upstream: ScriptedUpstream
) -> None:
    upstream.add(json_reply(b"{}"), json_reply(b"{}"))
    run(build_local(app, upstream, "/{city}", "method: POST"), city="x")
    allowed = "allow_private: true"
    run(build_tool(app, f"url: {upstream.origin}", "method: POST", allowed))
    assert [request.body for request in upstream.requests] == [b"{}", b""]


def test_headers_are_sent_as_the_file_says(app: App, upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(b"{}"))
    json_kind = "application/merge-patch+json"
    tool = build_local(
        app,
        upstream,
        "/",
        "method: PATCH",
        f"headers: {{X-Version: '2', content-type: {json_kind}}}",
    )
    run(tool, city="x")
    headers = upstream.requests[0].headers
    assert (headers["x-version"], headers["content-type"]) == ("2", json_kind)


@pytest.mark.parametrize(
    ("lines", "header", "sent"),
    [
        ([], "authorization", f"Bearer {KEY}"),
        (["credential_header: authorization"], "authorization", f"Bearer {KEY}"),
        (["credential_header: X-API-Key"], "x-api-key", KEY),
    ],
)
def test_the_key_goes_in_its_header(
    app: App, upstream: ScriptedUpstream, lines: list[str], header: str, sent: str
) -> None:
    app.credentials.save("weather", Secret(KEY), base_url=f"{upstream.origin}/v1")
    upstream.add(json_reply(b"{}"))
    tool = build_local(app, upstream, "/", "credential: weather", *lines)
    run(tool)
    assert upstream.requests[0].headers[header] == sent
    described = tool.describe_call({})
    assert "(the key weather)" in described
    assert KEY not in described
    assert [secret.reveal() for secret in app.secrets] == [KEY]


def test_a_key_goes_nowhere_but_where_it_belongs(app: App, upstream: ScriptedUpstream) -> None:
    app.credentials.save("weather", Secret(KEY), base_url="https://api.weather.example")
    app.credentials.save("openai", Secret(KEY))
    app.environ = {**app.environ, "HIVELOOM_OPENAI_BASE_URL": upstream.openai_base_url}
    for name in ("weather", "openai"):
        with pytest.raises(CredentialError, match=f"is not sent to {upstream.origin}"):
            run(build_local(app, upstream, "/", f"credential: {name}"))
    with pytest.raises(CredentialNotFound):
        run(build_local(app, upstream, "/", "credential: nobody"))
    assert upstream.requests == []
    assert app.secrets == []


@pytest.mark.parametrize("status", [200, 401, 302])
def test_an_echoed_key_is_hidden(app: App, upstream: ScriptedUpstream, status: int) -> None:
    app.credentials.save("weather", Secret(KEY), base_url=upstream.origin)
    upstream.add(
        Reply(
            [gzip.compress(f"your key: {KEY}, or {KEY[4:]}".encode("utf-16"))],
            status,
            (
                ("Content-Type", "text/plain; charset=utf-16"),
                ("Content-Encoding", "gzip"),
                ("Location", f"/?key={KEY}"),
            ),
        )
    )
    output = run(build_local(app, upstream, "/", "credential: weather"))
    assert "your key: [key], or [key]" in output.content
    assert KEY[:8] not in output.content
    assert output.is_error == (status != 200)


def test_a_private_address_has_to_be_allowed(app: App, upstream: ScriptedUpstream) -> None:
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 is not a public address"):
        run(build_tool(app, f"url: {upstream.origin}"))
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("reply", "content"),
    [
        (json_reply(b'{"a": "\xc3\xbc"}'), '{"a": "ü"}'),
        (Reply(["ü".encode()], headers=(("Content-Type", "text/html"),)), "ü"),
        (Reply([b"\xfc"], headers=(("Content-Type", 'text/plain; charset="latin-1"'),)), "ü"),
        (Reply([b"\xfc"], headers=(("Content-Type", "text/plain; charset=nonsense"),)), "\ufffd"),
        (Reply([b"x"], headers=(("Content-Type", "text/plain; charset=punycode"),)), "x"),
        (Reply([b"x"], headers=(("Content-Type", "text/plain; charset=hex"),)), "x"),
        (Reply([b"\xef\xbb\xbf{}"], headers=(("Content-Type", "application/a+json"),)), "{}"),
        (Reply([b"plain"]), "plain"),
        (Reply([b"\0\1"]), "(content of no type, 2 bytes: no text, so not shown)"),
        (
            Reply([b"\x89PNG"], headers=(("Content-Type", "image/png"),)),
            "(image/png, 4 bytes: no text, so not shown)",
        ),
        (Reply([], 204), "(204 No Content, no content)"),
    ],
)
def test_what_came_is_given_as_text(
    app: App, upstream: ScriptedUpstream, reply: Reply, content: str
) -> None:
    upstream.add(reply)
    assert run(build_local(app, upstream, "/")) == ToolOutput(content)


@pytest.mark.parametrize(
    ("reply", "content"),
    [
        (json_reply(b'{"e": 1}', status=404), 'HTTP status: 404 Not Found\n\n{"e": 1}'),
        (Reply([], 529), "HTTP status: 529"),
        (Reply([], 304), "HTTP status: 304 Not Modified"),
        (
            Reply([], 307, (("Location", "http://169.254.169.254/"),)),
            "HTTP status: 307 Temporary Redirect\n"
            "The reply points to http://169.254.169.254/, and no redirect is followed.",
        ),
    ],
)
def test_a_status_that_is_no_success_is_an_error(
    app: App, upstream: ScriptedUpstream, reply: Reply, content: str
) -> None:
    upstream.add(reply)
    assert run(build_local(app, upstream, "/")) == ToolOutput(content, is_error=True)


def test_a_long_reply_is_cut_and_that_is_said(app: App, upstream: ScriptedUpstream) -> None:
    upstream.add(json_reply(b"x" * 2_000_000))
    content = run(build_local(app, upstream, "/")).content
    assert content.startswith("x" * 1_048_576 + "\n\n(the rest is left out")


def test_arguments_that_fit_nowhere_are_refused_before_anything_is_sent(
    app: App, upstream: ScriptedUpstream
) -> None:
    tool = build_local(app, upstream, "/v1/{city}/now")
    for arguments in ({"city": ".."}, {"city": ""}, {}):
        with pytest.raises(UsageMistake):
            tool.run(arguments, Stop())
        with pytest.raises(UsageMistake):
            tool.describe_call(arguments)
    assert upstream.requests == []


def test_a_call_is_described_whole(app: App) -> None:
    tool = build_tool(
        app,
        "url: https://api.example/{city}",
        "method: POST",
        "headers: {X-Version: '2'}",
        "credential: weather",
        INPUT,
    )
    assert tool.describe_call({"city": "Bern", "days": 3}).splitlines() == [
        "POST https://api.example/Bern",
        "X-Version: 2",
        "Content-Type: application/json",
        "Authorization: Bearer (the key weather)",
        "",
        "{",
        '  "days": 3',
        "}",
    ]


@pytest.mark.parametrize("header", ["X-Max-Tokens: '5'", "Idempotency-Key: abc", "Accept: a/b"])
def test_what_only_sounds_like_a_key_may_stand_in_a_file(app: App, header: str) -> None:
    tool = build_tool(app, "url: https://api.example/", f"headers: {{{header}}}")
    assert header.replace("'", "") in tool.describe_call({})


@pytest.mark.parametrize(
    ("lines", "approval"),
    [
        ([], Approval.AUTO),
        (["method: HEAD"], Approval.AUTO),
        *(([f"method: {name}"], Approval.ASK) for name in ("POST", "PUT", "PATCH", "DELETE")),
        (["approval: deny"], Approval.DENY),
        (["method: POST", "approval: auto"], Approval.AUTO),
    ],
)
def test_what_only_reads_is_not_asked_about(app: App, lines: list[str], approval: Approval) -> None:
    assert build_tool(app, "url: https://api.example/", *lines).load_card().approval == approval


def test_the_card_holds_the_whole_file(app: App) -> None:
    text = f"---\nurl: https://api.example/{{city}}\n{INPUT}\n---\nTells the weather.\n"
    tool = open_file_tool(parse_tool_file("weather", text, PATH), app.outside)
    card = tool.load_card()
    assert (card.reference, card.kind, card.definition_text) == ("weather", "http", text)
    assert card.definition.description.strip() == "Tells the weather."
    assert card.definition.input_schema["properties"] == {"city": {}, "days": {}, "filter": {}}
    assert not card.is_foreign


HTTPS = "url: https://api.example/"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["url: [1]"], ":2: `url`: expected a URL"),
        (["url: https://{city}/", INPUT], ":2: `url`: expected a host and a port as they are"),
        (["url: https:///x"], ":2: `url`: expected https://host/path, but it names no host"),
        (["url: https://a.example/?days=1", INPUT], ":2: `url`: the query says what days is"),
        ([HTTPS, "method: TRACE"], ":3: `method`: expected one of GET"),
        ([HTTPS, "method: 1"], ":3: `method`: expected one of GET"),
        ([HTTPS, "headers: Accept"], ":3: `headers`: expected a name and a text each"),
        ([HTTPS, "headers: {'a b': c}"], ":3: `headers`: expected the name of a header"),
        ([HTTPS, 'headers: {X-A: "a\\r\\nX-B: c"}'], ":3: `headers`: X-A: expected one line"),
        ([HTTPS, 'headers: {X-A: "a\\nb"}'], ":3: `headers`: X-A: expected one line"),
        ([HTTPS, "headers: {X-A: €}"], ":3: `headers`: X-A: expected one line, of Latin-1"),
        ([HTTPS, "headers: {X-A: 1}"], ":3: `headers`: X-A: expected a text (put it in quotes)"),
        ([HTTPS, "headers: {X-A: '{city}'}"], ":3: `headers`: X-A: expected a text without places"),
        ([HTTPS, "headers: {X-A: a, x-a: b}"], ":3: `headers`: expected each name once"),
        ([HTTPS, "headers: {Host: b.example}"], ":3: `headers`: Host is decided by the request"),
        ([HTTPS, "headers: {Content-Type: text/csv}"], "Content-Type: expected JSON"),
        ([HTTPS, "credential: [a]"], ":3: `credential`: expected the name of a credential"),
        (
            [HTTPS, "credential_header: X-Key"],
            ":3: `credential_header`: expected `credential: NAME`",
        ),
        ([HTTPS, "credential: a", "credential_header: a b"], ":4: `credential_header`: expected"),
        ([HTTPS, "credential: a", "credential_header: 1"], ":4: `credential_header`: expected"),
        (
            [HTTPS, "headers: {X-A: b}", "credential: a", "credential_header: x-a"],
            ":3: `headers`: x-a is where the key goes",
        ),
        (["url: http://a.example/", "credential: a"], ":2: `url`: expected https"),
        (
            ["url: http://10.0.0.1/", "credential: a", "allow_private: true"],
            ":2: `url`: expected https",
        ),
        (["url: http://127.0.0.1/", "credential: a"], ":2: `url`: this machine is asked only"),
        ([HTTPS, "allow_private: yes"], ":3: `allow_private`: expected true or false"),
        *(
            ([HTTPS, f"timeout: {value}"], ":3: `timeout`: expected seconds, above 0")
            for value in ("0", "-1", "301", "true", ".inf", "soon")
        ),
        ([HTTPS, "approval: maybe"], ":3: `approval`: expected one of"),
    ],
)
def test_a_wrong_setting_is_told_with_its_line(app: App, lines: list[str], problem: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        build_tool(app, *lines)
    assert problem in caught.value.message
    assert caught.value.message.startswith(f"{PATH}:")


@pytest.mark.parametrize(
    "header",
    [
        *("Authorization: Bearer abc", "Cookie: session=abc", "X-API-Key: abc", "api_key: abc"),
        *("PRIVATE-TOKEN: abc", "Ocp-Apim-Subscription-Key: abc", "X-Auth-Token: abc"),
        *("X-Client-Secret: abc", "X-Custom: Bearer abc"),
    ],
)
def test_no_key_stands_in_a_file(app: App, header: str) -> None:
    name = header.partition(":")[0]
    with pytest.raises(SettingsInvalid, match="expected `credential: NAME`") as caught:
        build_tool(app, HTTPS, f"headers: {{{header}}}")
    assert f"credential_header: {name}" in caught.value.hint
    assert "abc" not in f"{caught.value.message}{caught.value.hint}"


def test_a_key_in_the_place_of_its_name_is_not_repeated(app: App) -> None:
    with pytest.raises(SettingsInvalid, match="looks like a key") as caught:
        build_tool(app, HTTPS, f"credential: {KEY}")
    assert KEY not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    ("line", "hint"),
    [("metod: POST", "did you mean `method`?"), ("model: x", "there are: url, method")],
)
def test_a_setting_that_is_not_known_is_refused(app: App, line: str, hint: str) -> None:
    with pytest.raises(SettingsInvalid, match="is not a setting of an HTTP tool") as caught:
        build_tool(app, HTTPS, line)
    assert hint in caught.value.hint
    assert caught.value.line == 3
