"""The description that the server publishes: whether it is sound, complete, and true."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from hiveloom_cli.clock import SystemClock
from hiveloom_cli.serve.application import build_application
from hiveloom_cli.serve.description import refusals
from hiveloom_cli.serve.description.document import build_document
from hiveloom_cli.serve.door import guard
from hiveloom_cli.serve.door.access_log import AccessLog
from hiveloom_cli.serve.door.guard_rules import Rules
from hiveloom_cli.serve.door.hosts import build_hosts
from hiveloom_cli.serve.metrics import Metrics
from tests.support.patience import PATIENCE_S
from tests.support.program import run_hiveloom
from tests.support.served import TOKEN, Served, serve
from tests.support.serving import running
from tests.support.slow import Slow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from hiveloom_cli.demo.upstream import LoopbackUpstream
    from hiveloom_cli.serve.asked import Host

CHAT = "/api/tenants/default/agents/{agent}/chat"
TOOL = {"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}
FUNCTION = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest.fixture
def served(loopback: LoopbackUpstream) -> Iterator[Served]:
    run_hiveloom("agent", "create", "helper", "--model", "m")
    with serve(HIVELOOM_OPENAI_BASE_URL=loopback.openai_base_url) as one:
        yield one


def ask(server: Served, method: str, path: str, **more: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
    url = server.origin + path.format(agent="helper")
    return requests.request(method, url, headers=headers, timeout=30, **more)


def close(schema: Any) -> Any:
    """Let no object have a member that is not described."""
    if isinstance(schema, list):
        return [close(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: close(inner) for key, inner in schema.items()}
    is_object = schema.get("type") == "object" and "properties" in schema
    return {**closed, "additionalProperties": False} if is_object else closed


def list_faults(method: str, path: str, reply: requests.Response) -> list[str]:
    """Hold a reply, or each of its events, to what the description says and nothing beside."""
    document = build_document()
    described = document["paths"][path][method]["responses"][str(reply.status_code)]
    kind = reply.headers["content-type"].partition(";")[0]
    schema = close(described["content"][kind]["schema"])
    judge = Draft202012Validator({**schema, "components": close(document["components"])})
    values = list(parse_events(reply.content)) if kind == "text/event-stream" else [reply.json()]
    assert values
    return [error.message for value in values for error in judge.iter_errors(value)] + [
        fault
        for value in values
        if kind == "text/event-stream"
        for fault in list_data_faults(value, schema, document)
    ]


def list_data_faults(
    event: dict[str, str], schema: dict[str, Any], document: dict[str, Any]
) -> list[str]:
    """Hold an event's data to one of the schemas that are given for events of that name."""
    if "$ref" in schema:
        schema = close(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    members = [one["properties"] for one in schema["anyOf"]]
    data = [one["data"] for one in members if one["event"]["const"] == event["event"]]
    if {"const": event["data"]} in data:
        return []
    components = close(document["components"])
    inner = [{**one["contentSchema"], "components": components} for one in data if "type" in one]
    value = json.loads(event["data"])
    fits = any(Draft202012Validator(one).is_valid(value) for one in inner)
    return [] if fits else [f"no event that is described: {event}"]


def parse_events(body: bytes) -> Iterator[dict[str, str]]:
    for block in body.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line[0] != ":")
        if fields:
            yield {"event": "message", **fields}


def test_it_is_a_sound_document_of_openapi_3_1() -> None:
    assert list(OpenAPIV31SpecValidator(cast("Any", build_document())).iter_errors()) == []


def test_every_route_is_in_it_and_nothing_else() -> None:
    numbers = Metrics().build_route()
    application = build_application(cast("Host", None), SystemClock(), numbers)
    routed = {
        (route.path, method.lower())
        for route in application.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"  # what a GET says of itself
        if not route.path.startswith("/page/")  # what the page itself loads
    }
    described = {
        (path, method)
        for path, item in build_document()["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert routed == described


def test_every_code_of_the_guard_is_in_it() -> None:
    """A `Rejection(status, …, code="…")` anywhere in the guard's files is one of the tables'."""
    files = Path(guard.__file__).parent.glob("guard*.py")
    calls = [
        node
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Rejection"
    ]
    written = {
        (ast.literal_eval(call.args[0]), ast.literal_eval(one.value))
        for call in calls
        for one in call.keywords
        if one.arg == "code"
    }
    assert len(written) > 10
    tables = (
        *(refusals.FOR_ALL, refusals.FOR_TOKENS),
        *(refusals.FOR_PLACES, refusals.FOR_BODIES),
    )
    known = {(status, code) for table in tables for status in table for code in table[status]}
    assert written == known


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("text", ["Hello", "call look"])
@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/chat/completions", {"tools": [FUNCTION], "stream_options": {"include_usage": True}}),
        ("/v1/messages", {"tools": [TOOL], "max_tokens": 100}),
        ("/v1/messages/count_tokens", {"tools": [TOOL]}),
        (CHAT, {}),
    ],
)
def test_an_answer_has_what_is_described_and_no_more(
    served: Served, path: str, more: dict[str, Any], text: str, *, stream: bool
) -> None:
    body = {"model": "helper", "messages": [{"role": "user", "content": text}], **more}
    if not stream:
        body.pop("stream_options", None)
    reply = ask(served, "post", path, json={**body, "message": text, "stream": stream})
    assert reply.status_code == 200
    assert list_faults("post", path, reply) == []


def test_the_same_holds_of_what_is_listed(served: Served) -> None:
    for path in ("/v1/models", "/v1/models/{agent}", "/api/tenants/default/agents", "/healthz"):
        for headers in ({}, {"anthropic-version": "2023-06-01"}):
            reply = ask(served, "get", path, headers=headers)
            assert reply.status_code == 200
            assert list_faults("get", path, reply) == []


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", CHAT])
def test_the_same_holds_of_errors(served: Served, path: str) -> None:
    hello = {"messages": [{"role": "user", "content": "Hello"}], "message": "Hello"}
    elsewhere = path.replace("{agent}", "nobody")
    replies = [
        ask(served, "post", path, json={}),
        ask(served, "post", path, data="{}"),
        ask(served, "post", path, json={}, headers={"Authorization": "Bearer wrong"}),
        ask(served, "post", path, json={}, headers={"Host": "elsewhere"}),
        ask(served, "post", path, json={}, headers={"Origin": "http://elsewhere"}),
        ask(served, "post", elsewhere, json={**hello, "model": "nobody", "max_tokens": 1}),
        ask(served, "get", path),
    ]
    assert [reply.status_code for reply in replies] == [400, 415, 401, 421, 403, 404, 405]
    assert [fault for reply in replies for fault in list_faults("post", path, reply)] == []


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", CHAT])
def test_the_same_holds_of_a_fault_of_the_servers_own(path: str) -> None:
    host, clock = Slow(ArithmeticError("7 / 0")), SystemClock()
    host.let_go_on()

    def build(port: int) -> ASGIApp:
        rules = Rules(build_hosts("127.0.0.1", port))
        return guard.Guard(build_application(host, clock), rules, None, AccessLog(None), clock)

    body = {"model": "helper", "messages": [{"role": "user", "content": "Hello"}]}
    with running(build, by_port=True) as port:
        url = f"http://127.0.0.1:{port}{path.format(agent='helper')}"
        more = {"message": "Hello", "max_tokens": 1}
        reply = requests.post(url, json={**body, **more}, timeout=PATIENCE_S)
    assert reply.status_code == 500
    assert reply.json()["error"]["code"] == "server_fault"
    assert list_faults("post", path, reply) == []


@pytest.mark.parametrize("path", ["/nowhere", "/v1/models/", "/v1/models/a%2Fb"])
def test_a_path_that_is_not_there_is_refused_as_it_is_described(served: Served, path: str) -> None:
    reply = ask(served, "get", path)
    assert (reply.status_code, reply.history) == (404, [])
    assert reply.json()["error"]["code"] == "not_found"
    assert list_faults("get", "/v1/models/{agent}", reply) == []


def test_who_may_ask_may_read_it_and_nobody_else(served: Served) -> None:
    assert requests.get(f"{served.origin}/openapi.json", timeout=30).status_code == 401
    assert ask(served, "get", "/openapi.json").json() == build_document()
