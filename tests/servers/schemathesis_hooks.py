"""What a schema cannot say of a request that is well formed, put right before it is sent.

Runs inside Schemathesis, which makes requests of the server's description. Requests that are meant
to be wrong are sent as they were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import schemathesis

if TYPE_CHECKING:
    from collections.abc import Iterator

# Those that the test made; the last is nobody's, so that 404 is met too.
AGENTS = ("helper", "claude", "handy", None)
IMAGE = (  # a PNG of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.method == "POST" and case.operation.method != "post":
        # Without JSON it is another site's to the guard, which answers 415 before a route can 405.
        case.headers["content-type"] = "application/json"
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if "agent" in case.path_parameters:
        case.path_parameters["agent"] = choose_agent(case.path_parameters["agent"])
    if isinstance(case.body, dict):
        mend(case.body)


def choose_agent(name: str) -> str:
    """Choose an agent that there is, or now and then leave the name as it was made."""
    return AGENTS[len(name) % len(AGENTS)] or name


def mend(body: dict[str, Any]) -> None:
    if "model" in body:
        body["model"] = choose_agent(body["model"])
    if "messages" in body:
        body["messages"] = [*body["messages"][:999], {"role": "user", "content": "Hello"}]
    if isinstance(body.get("tools"), list):
        body["tools"] = list(drop_twins(body["tools"]))
    mend_choice(body)
    for inner in walk(body):
        for key in ("data", "file_data", "url"):
            if key in inner and inner.get("type") not in ("text", "content"):
                inner[key] = IMAGE


def mend_choice(body: dict[str, Any]) -> None:
    """Have a tool that has to be called be one that there is."""
    choice, tools = body.get("tool_choice"), body.get("tools")
    if not tools:
        body.pop("tool_choice", None)
    elif isinstance(choice, dict):
        names = [tool.get("function", tool)["name"] for tool in tools]
        for named in (choice, choice.get("function")):
            if isinstance(named, dict) and "name" in named:
                named["name"] = names[0]


def drop_twins(tools: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Keep one tool of each name."""
    names = set()
    for tool in tools:
        name = tool.get("function", tool)["name"]
        if name not in names and name != "hello":
            names.add(name)
            yield tool


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Find every object in a value, itself among them."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from walk(inner)


schemathesis.hook(before_call)
